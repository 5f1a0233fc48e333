// stats.js: a bus's statistics, and period files, as objects. The work is done off the event loop.
'use strict'

const { fileURLToPath } = require('node:url')
const { inspect } = require('node:util')

const { checkBus, nameOf } = require('./bus.js')
const { OrbusError, errno } = require('./errors.js')
const native = require('./native.js')

const WINDOWS = ['1m', '5m', '1h', 'day', 'start']

const refuse = (what, message) => new OrbusError(errno.EINVAL, what, message)

/** What a job made, parsed; explain(errno, index) makes its error. */
async function resultOf(job, explain) {
  if (job === undefined) throw new OrbusError(errno.ENOMEM, 'orbus')
  const result = await job
  if (typeof result === 'string') return JSON.parse(result)
  throw explain(...result)
}

function pathOf(what, file) {
  const path = file instanceof URL ? fileURLToPath(file) : file
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return path
  throw refuse(what, `the path of a file is needed, not ${inspect(file)}`)
}

async function stats({ bus, window = '1h' } = {}) {
  checkBus('stats', bus)
  if (!WINDOWS.includes(window)) throw refuse('stats', `window: ${WINDOWS.join(', ')}, not ${inspect(window)}`)
  return resultOf(native.stats(bus, window), (number) => new OrbusError(number, `cannot read ${nameOf(bus)}`))
}

async function load(file) {
  const path = pathOf('load', file)
  const notJson = (number) => (number === errno.EBADMSG ? 'it is no JSON object' : undefined)
  return resultOf(native.load([path]), (number) => new OrbusError(number, path, notJson(number)))
}

async function merge(files) {
  if (typeof files?.[Symbol.iterator] !== 'function' || typeof files === 'string') {
    throw refuse('merge', `a list of files is needed, not ${inspect(files)}`)
  }
  const paths = Array.from(files, (file) => pathOf('merge', file))
  if (paths.length === 0) throw refuse('merge', 'one file at least is needed')
  const notOurs = (number) =>
    number === errno.EBADMSG ? 'it is no period file with histograms, as oragent writes them' : undefined
  return resultOf(native.merge(paths),
    (number, index) => new OrbusError(number, paths[index] ?? 'merge', notOurs(number)))
}

module.exports = { load, merge, stats }
