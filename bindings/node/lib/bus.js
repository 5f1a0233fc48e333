// bus.js: the name of a bus, as an option and in messages.
'use strict'

const { inspect } = require('node:util')

const { OrbusError, errno } = require('./errors.js')

/** The bus that is meant, for a message. */
const nameOf = (bus) => `bus ${bus ?? (process.env.ORBUS || 'orbus')}`

/** Throws where the option is no name of a bus. */
function checkBus(what, bus) {
  if (bus === undefined || (typeof bus === 'string' && bus !== '' && !bus.includes('\0'))) return
  throw new OrbusError(errno.EINVAL, what, `bus: a name or a path is needed, not ${inspect(bus)}`)
}

module.exports = { checkBus, nameOf }
