// values.js: reads values of the program without throwing.
//
// Any value may be a Proxy, have a getter that throws, or have no way to be made a string. What
// cannot be read is absent.
'use strict'

const { inspect } = require('node:util')

/** What work() gives, or `otherwise` where it throws. */
function attempt(work, otherwise) {
  try {
    return work()
  } catch {
    return otherwise
  }
}

/** A property; undefined where there is none, or where it cannot be read. */
function get(object, name) {
  try {
    return object?.[name]
  } catch {
    return undefined
  }
}

/** A number; NaN where it is none. */
const numberOf = (value) => (typeof value === 'number' ? value : typeof value === 'bigint' ? Number(value) : NaN)

/** A value in a message. */
const show = (value) => attempt(() => inspect(value, { depth: 1, maxArrayLength: 5, maxStringLength: 100 }), typeof value)

module.exports = { attempt, get, numberOf, show }
