// native.js: the addon, or an error that says how to build it.
'use strict'

try {
  module.exports = require('../build/orbus.node')
} catch (cause) {
  const reason = cause.code === 'MODULE_NOT_FOUND' ? 'it was not built' : cause.message
  throw new Error(
    `orbus: the addon cannot be loaded: ${reason}. ` +
      'Run "npm rebuild orbus" (with install scripts allowed), or "node scripts/build.mjs" in its folder.',
    { cause },
  )
}
