// errors.js: the one class of errors that come from here, and the numbers that lib/ makes them of.
'use strict'

const { errno: numbers } = require('node:os').constants
const native = require('./native.js')

/** By their names, negative as the library returns them. */
const errno = Object.fromEntries(Object.entries(numbers).map(([name, n]) => [name, -n]))

const nameOf = (number) => Object.keys(errno).find((name) => errno[name] === number) ?? `E${-number}`

class OrbusError extends Error {
  /** `number` is a negative errno of the library; `what` says what was being done, to what. */
  constructor(number, what, message = native.strerror(number)) {
    super(`${what}: ${message}`)
    this.errno = number
    this.code = nameOf(number)
  }
}
Object.defineProperty(OrbusError.prototype, 'name', { value: 'OrbusError', configurable: true, writable: true })

module.exports = { OrbusError, errno }
