// errors.js: OrbusError, the class of every error that orbus raises, and errno by name.
'use strict'

const { errno: numbers } = require('node:os').constants
const native = require('./native.js')

/** By their names, negative as the library returns them. */
const errno = Object.fromEntries(Object.entries(numbers).map(([name, n]) => [name, -n]))

class OrbusError extends Error {
  /** `number` is a negative errno of the library; `what` says what was being done, to what. */
  constructor(number, what, message = native.strerror(number)) {
    super(`${what}: ${message}`)
    this.errno = number
    this.code = native.errorName(number) ?? `E${-number}`
  }
}
Object.defineProperty(OrbusError.prototype, 'name', { value: 'OrbusError', configurable: true, writable: true })

module.exports = { OrbusError, errno }
