// producer.js: a producer, its gauges and counts.
//
// Opening one may throw. Its methods never do: a sample that cannot be published is dropped, counted, and
// reported to `onError`.
'use strict'

const { inspect } = require('node:util')

const { checkBus, nameOf } = require('./bus.js')
const { OrbusError, errno } = require('./errors.js')
const { instrumentFetch } = require('./fetch.js')
const internals = require('./internals.js')
const native = require('./native.js')
const { Layer, enter, isNeeded, within } = require('./nesting.js')
const { Request, readOptions } = require('./request.js')
const { flatten } = require('./tags.js')
const { show } = require('./values.js')

const { FIGURE, KIND, MAX, figures } = native

// Those of the seed system are 0 before the first request.
const round = (n, digits) => (Number.isNaN(n) ? 0 : Number(n.toFixed(digits)))
const roundOrNull = (n, digits) => (Number.isNaN(n) ? null : Number(n.toFixed(digits)))

function checkBot(bot) {
  if (typeof bot === 'string' && bot !== '' && Buffer.byteLength(bot) <= MAX.botBytes && !bot.includes('\0')) return
  throw new OrbusError(errno.EINVAL, 'new Producer',
    `bot: a name of 1 to ${MAX.botBytes} bytes is needed, not ${inspect(bot)}`)
}

class Producer {
  #handle
  #bus
  #onError
  #dropped = 0
  #unmeasured = 0
  #said = new Set()
  #fetch
  // Taken now: a later global fetch may be a wrapper of bus.fetch.
  #globalFetch = globalThis.fetch

  constructor({ bot, bus, onError } = {}) {
    checkBot(bot)
    checkBus('new Producer', bus)
    if (typeof onError === 'function') this.#onError = onError
    this.#bus = bus
    this.#handle = native.open(bus, bot)
    if (typeof this.#handle === 'number') throw new OrbusError(this.#handle, `cannot open ${nameOf(bus)}`)
  }

  request(options) {
    if (!isNeeded()) return this.#begin(options)
    const layer = new Layer(this)
    const request = this.#begin(options, layer)
    enter(layer)
    return request
  }

  #begin(options, layer) {
    const start = performance.now()
    const given = readOptions(options)
    given.tags = given.tags === undefined ? undefined : flatten(given.tags)
    native.begin(this.#handle, given.model, given.stream)
    return new Request(this, given, start, layer)
  }

  async measure(options, work) {
    const layer = new Layer(this)
    const request = this.#begin(options, layer)
    let result
    try {
      result = await within(layer, () => work(request))
    } catch (error) {
      request.fail(error)
      throw error
    }
    request.end()
    return result
  }

  gauge(name, value) {
    return this.#metric(KIND.gauge, name, value)
  }

  count(name, n = 1) {
    return this.#metric(KIND.count, name, n)
  }

  #metric(kind, name, value) {
    const error = native.metric(this.#handle, kind, name, value)
    if (error === 0) return true
    this.#drop(error, `${kind === KIND.gauge ? 'gauge' : 'count'} ${show(name)} of ${show(value)}`)
    return false
  }

  get fetch() {
    return (this.#fetch ??= instrumentFetch(this.#globalFetch, { bus: this }))
  }

  getPerformanceStats() {
    const model = native.performance(this.#handle) ?? null
    const last = figures[FIGURE.lastResponseMs]
    const average = figures[FIGURE.averageResponseMs]
    const ttft = figures[FIGURE.lastTtftMs]
    return {
      last_response_time_seconds: round(last / 1000, 2),
      last_response_time_ms: round(last, 1),
      last_tps: round(figures[FIGURE.lastTps], 1),
      average_response_time_seconds: round(average / 1000, 2),
      average_response_time_ms: round(average, 1),
      total_requests: figures[FIGURE.requests],
      total_tokens_generated: figures[FIGURE.tokens],
      model,
      last_ttft_seconds: roundOrNull(ttft / 1000, 2),
      last_ttft_ms: roundOrNull(ttft, 1),
      average_ttft_seconds: roundOrNull(figures[FIGURE.averageTtftMs] / 1000, 2),
      average_ttft_ms: roundOrNull(figures[FIGURE.averageTtftMs], 1),
    }
  }

  get dropped() {
    return this.#dropped
  }

  get unmeasured() {
    return this.#unmeasured
  }

  close() {
    native.close(this.#handle)
  }

  #report(number, what, why = number === errno.EBADF ? 'the producer is closed' : undefined) {
    try {
      const told = this.#onError?.(new OrbusError(number, what, why))
      told?.then?.(undefined, () => {})
    } catch {
      // An exception of the bot's own handler must not end its request.
    }
  }

  #sayOnce(what, why) {
    const all = `${what}: ${why}`
    if (this.#said.has(all)) return
    this.#said.add(all)
    this.#report(errno.ENOTSUP, what, why)
  }

  #drop(number, what) {
    this.#dropped++
    this.#report(number, what)
  }

  #end(status, stream, requestedModel, f, tags) {
    const error = native.end(this.#handle, status, stream, requestedModel, f.model, f.provider, f.finishReason,
      f.requestId, f.errorType, f.errorMessage, tags)
    if (error === 0) return true
    if (error !== errno.E2BIG) {
      this.#drop(error, 'a request')
      return false
    }
    this.#report(error, "a request's tags, without which it was published")
    return true
  }

  static {
    internals.handleOf = (producer) => (#handle in producer ? producer.#handle : undefined)
    internals.busOf = (producer) => producer.#bus
    internals.report = (producer, number, what, why) => producer.#report(number, what, why)
    internals.pass = (producer, why) => {
      producer.#unmeasured++
      producer.#sayOnce('a call of fetch is not measured', why)
    }
    internals.sayOnce = (producer, what, why) => producer.#sayOnce(what, why)
    internals.drop = (producer, number, what) => producer.#drop(number, what)
    internals.end = (producer, status, stream, requestedModel, facts, tags) =>
      producer.#end(status, stream, requestedModel, facts, tags)
  }
}

if (Symbol.dispose) {
  Producer.prototype[Symbol.dispose] = function () {
    this.close()
  }
}

module.exports = { Producer }
