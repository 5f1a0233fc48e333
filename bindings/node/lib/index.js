// index.js: what `require('orbus')` gives; index.mjs gives the same to `import`.
'use strict'

const { OrbusError } = require('./errors.js')
const { instrumentFetch } = require('./fetch.js')
const { version } = require('./native.js')
const { Producer } = require('./producer.js')
const { load, merge, stats } = require('./stats.js')
const { tail } = require('./tail.js')

module.exports = { OrbusError, Producer, instrumentFetch, load, merge, stats, tail, version }
