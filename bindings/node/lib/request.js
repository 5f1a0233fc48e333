// request.js: a request that a program times itself.
//
// It keeps the id and the start time that the addon returned at its begin, and passes them at its end. The addon
// holds no memory for it, so a request that is dropped leaves nothing to be freed.
'use strict'

const { errno } = require('./errors.js')
const internals = require('./internals.js')
const { FIGURE, STATUS, figures } = require('./native.js')
const { flatten } = require('./tags.js')
const { readUsage } = require('./usage.js')
const { attempt: orElse, get, numberOf, show } = require('./values.js')
const { judge } = require('./outcome.js')

const { attempt, httpStatus, idHigh, idLow, startNs, tokensEstimated, ttftMs } = FIGURE
const { cacheWriteTokens, cachedTokens, completionTokens, costUsd, promptTokens, reasoningTokens, totalTokens } = FIGURE
const NO_FACTS = Object.freeze({})
const FACTS = ['model', 'provider', 'finishReason', 'requestId', 'errorType', 'errorMessage', 'httpStatus', 'attempt',
  'tokensEstimated']

/** What a program gave as the request's options, each of them read once. */
const readOptions = (options) => ({
  model: get(options, 'model'),
  stream: get(options, 'stream') === true,
  tags: get(options, 'tags'),
  attempt: get(options, 'attempt'),
})

class Request {
  #producer
  #model
  #stream
  #tags
  #facts = NO_FACTS
  #usage // [figure, number, ...]
  #idHigh = figures[idHigh]
  #idLow = figures[idLow]
  #startNs = figures[startNs]
  #start // by performance.now(), which runs alike
  #layer // undefined: no measured call can be made within
  #ttftMs = NaN
  #ended = false

  constructor(producer, options, start, layer) {
    this.#producer = producer
    this.#start = start
    this.#model = options.model
    this.#stream = options.stream
    this.#tags = options.tags
    if (options.attempt !== undefined) this.#facts = { attempt: options.attempt }
    if (layer === undefined) return
    this.#layer = layer
    layer.id = [this.#idHigh, this.#idLow]
    layer.tags = this.#tags
    layer.attempt = options.attempt
  }

  firstToken() {
    if (Number.isNaN(this.#ttftMs)) this.#ttftMs = performance.now() - this.#start
    return this
  }

  usage(usage) {
    const into = (this.#usage ??= [])
    readUsage(
      usage,
      (figure, n) => into.push(figure, n),
      (value) => internals.report(this.#producer, errno.EDOM, `usage: ${show(value)}`),
    )
    return this
  }

  set(facts) {
    const known = { ...this.#facts }
    for (const name of FACTS) {
      const value = get(facts, name)
      if (value !== undefined) known[name] = value
    }
    this.#facts = known
    const tags = get(facts, 'tags')
    if (tags !== undefined) this.#tags = flatten(tags)
    if (this.#layer !== undefined && !this.#ended) this.#layer.tags = this.#tags
    return this
  }

  end(status = 'ok') {
    if (this.#ended) return false
    if (typeof status === 'string' && Object.hasOwn(STATUS, status)) return this.#end(STATUS[status])
    internals.report(this.#producer, errno.EINVAL, `end: a request's status ${show(status)}`)
    return this.#end(STATUS.error)
  }

  fail(error) {
    if (this.#ended) return false
    const how = { stream: this.#stream, waits: Number.isNaN(this.#ttftMs) }
    const { status, ...facts } = orElse(() => judge(error, how), { status: 'error', errorType: 'error' })
    this.#facts = { ...facts, ...this.#facts }
    return this.#end(STATUS[status])
  }

  #end(status) {
    const f = this.#facts
    this.#ended = true
    this.#layer?.close()
    // The measured call within is this request, and publishes it.
    if (this.#layer?.isTaken) return true
    figures[idHigh] = this.#idHigh
    figures[idLow] = this.#idLow
    figures[startNs] = this.#startNs
    figures[ttftMs] = this.#ttftMs
    figures[httpStatus] = numberOf(f.httpStatus)
    figures[attempt] = numberOf(f.attempt)
    figures[tokensEstimated] = f.tokensEstimated === true ? 1 : 0
    figures[promptTokens] = figures[completionTokens] = figures[totalTokens] = NaN
    figures[cachedTokens] = figures[cacheWriteTokens] = figures[reasoningTokens] = figures[costUsd] = NaN
    const usage = this.#usage
    if (usage !== undefined) for (let i = 0; i < usage.length; i += 2) figures[usage[i]] = usage[i + 1]
    return internals.end(this.#producer, status, this.#stream, this.#model, f, this.#tags)
  }
}

if (Symbol.dispose) {
  Request.prototype[Symbol.dispose] = function () {
    this.end('cancelled')
  }
}

module.exports = { Request, readOptions }
