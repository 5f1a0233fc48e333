// fetch.js: a fetch that measures chat completions as they pass, and is otherwise the one it wraps.
//
// The caller gets the same errors, and a Response that is like the original (passthrough.js). What
// goes wrong in here never reaches the caller.
'use strict'

const { errno } = require('./errors.js')
const internals = require('./internals.js')
const native = require('./native.js')
const { canObserve, observe } = require('./passthrough.js')
const { bytesOf, headerOf, isChatCompletion, isRequest, secretsOf, urlOf } = require('./question.js')
const { flatten } = require('./tags.js')
const { attempt, get, show } = require('./values.js')
const { SILENCE, classOf, classify } = require('./verdict.js')

const { FAILURE, LIMIT } = native

// A client's timer starts a little before its call of fetch does.
const TIMER_SLACK_MS = 50

// Seconds, or the date until which to wait.
function retryAfter(headers) {
  const text = headers.get('retry-after')
  if (text === null) return 0
  const seconds = /^\s*\d+\s*$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000
  return seconds > 0 && seconds < 1e9 ? Math.ceil(seconds) : 0
}

// Of Node: what runs timers, and what runs promises, which a timer may have resolved.
const CALLED_BY = /\b(?:listOnTimeout|processTicksAndRejections|runNextTicks|runMicrotasks)\b/

/**
 * Whether what runs now was called by a timer, and not by an event or a promise: an abort that a timer
 * makes is a limit on time, whether AbortSignal.timeout()'s or one of setTimeout().
 */
function isByTimer() {
  const limit = Error.stackTraceLimit
  return attempt(() => {
    Error.stackTraceLimit = 50
    const stack = new Error().stack
    Error.stackTraceLimit = limit
    return CALLED_BY.exec(stack)?.[0] === 'listOnTimeout'
  }, false)
}

/** One call, from question to verdict; observes the body as it passes. */
class Call {
  #bus
  #tags
  #headers
  #url
  #signal
  #timeoutMs // an abort after that long is the client's limit on time
  #start = performance.now()
  #begins // while a Request's body is being read
  #exchange
  #isTimedOut = false // the signal was aborted by a timer
  #unwatch = () => {}
  #ended = false
  #httpStatus = 0
  #retryAfter = 0
  #generationId

  constructor(input, init, { bus, tags, timeout }) {
    this.#bus = bus
    this.#tags = flatten(typeof tags === 'function' ? tags(input, init) : tags)
    this.#headers = init?.headers ?? (isRequest(input) ? input.headers : undefined)
    this.#url = urlOf(input)
    this.#signal = init?.signal ?? (isRequest(input) ? input.signal : undefined)
    // OpenAI's SDK aborts what takes too long as a user would, and tells the limit in a header.
    const seconds = Number(headerOf(this.#headers, 'x-stainless-timeout') ?? NaN)
    this.#timeoutMs = seconds > 0 ? seconds * 1000 : (timeout ?? Infinity)
    const body = init?.body ?? undefined
    if (body !== undefined || !isRequest(input)) this.#begin(bytesOf(body))
    // The body of a Request can be read of a copy only, while the fetch is under way.
    else this.#begins = input.clone().arrayBuffer().then((b) => this.#begin(new Uint8Array(b)), () => this.#begin())
    this.#watch()
  }

  /** SDKs abort by one signal what takes too long and what their user wants no more, and do not say which. */
  #watch() {
    const signal = this.#signal
    if (this.#ended || typeof get(signal, 'addEventListener') !== 'function') return
    const onAbort = () => {
      this.#isTimedOut = isByTimer()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#unwatch = () => signal.removeEventListener('abort', onAbort)
  }

  #begin(body) {
    if (this.#exchange !== undefined || this.#ended) return
    const attempt = Number(headerOf(this.#headers, 'x-stainless-retry-count') ?? NaN) + 1
    const exchange = native.exchangeBegin(internals.handleOf(this.#bus), body, performance.now() - this.#start,
      attempt, this.#tags, secretsOf(this.#headers), this.#url)
    if (typeof exchange !== 'number') {
      this.#exchange = exchange
      return
    }
    this.#ended = true
    this.#unwatch()
    internals.drop(this.#bus, exchange, 'a request')
  }

  /** Once it has begun; a Request's body that takes its time is not waited for. */
  async #begun() {
    if (this.#exchange === undefined && this.#begins !== undefined) {
      await Promise.race([this.#begins, new Promise((resolve) => setImmediate(resolve))])
    }
    this.#begin()
  }

  /** The Response to hand to the caller. */
  async answered(response) {
    await this.#begun()
    this.#httpStatus = response.status
    this.#retryAfter = retryAfter(response.headers)
    this.#generationId = response.headers.get('x-generation-id') ?? undefined
    native.exchangeContentType(this.#exchange, response.headers.get('content-type') ?? undefined)
    if (canObserve(response)) return observe(response, this, this.#signal ?? undefined)
    if (response.body === null) {
      this.ended()
    } else {
      internals.report(this.#bus, errno.ENOTSUP, 'a call of fetch', 'the body of its Response is no web stream: ' +
        'its time and status are measured, its tokens and cost are not')
      this.#followUnread(response.body)
    }
    return response
  }

  /** Of a body that is read elsewhere, Node's stream as a rule: when it is over, and whether it was whole. */
  #followUnread(body) {
    if (typeof get(body, 'once') !== 'function') return this.#end({ unread: true })
    body.once('close', () => this.#end(get(body, 'readableEnded') === true ? { unread: true } : { aborted: true }))
  }

  async refused(error) {
    await this.#begun()
    this.failed(error)
  }

  /** The fetch itself threw, and gave no promise. */
  thrown(error) {
    this.#begin()
    this.failed(error)
  }

  /** Something went wrong in here: the request ends all the same. */
  lost(error) {
    internals.report(this.#bus, errno.EINVAL, `a call of fetch is not measured: ${show(get(error, 'message') ?? error)}`)
    this.#begin()
    this.#end({ aborted: true })
  }

  /* --- The body, as it passes --- */

  chunk(bytes) {
    if (this.#ended || !(bytes instanceof Uint8Array)) return
    // After [DONE] nothing more matters, though the connection may stay open.
    if (native.exchangeFeed(this.#exchange, bytes)) this.#end({})
  }

  ended() {
    this.#end({})
  }

  failed(error) {
    const found = this.#classify(error)
    if (found.timeout === undefined && get(this.#signal, 'aborted')) this.#end({ aborted: true })
    else this.#end({ failure: FAILURE.transfer, message: classOf(error), ...found })
  }

  /** The caller wants no more: by itself, or because of a signal that says why. */
  cancelled(reason) {
    const { timeout } = this.#classify(get(this.#signal, 'aborted') ? get(this.#signal, 'reason') : reason)
    this.#end({ timeout, aborted: true })
  }

  #classify(error) {
    const found = classify(error)
    const isOver = performance.now() - this.#start + TIMER_SLACK_MS >= this.#timeoutMs
    return found.aborted && (isOver || this.#isTimedOut) ? { timeout: LIMIT.total } : found
  }

  #end({ timeout, aborted = false, failure = FAILURE.none, message, unread = false }) {
    if (this.#ended) return
    this.#ended = true
    this.#unwatch()
    const limit = timeout === SILENCE ? native.exchangeLimitOfSilence(this.#exchange) : (timeout ?? LIMIT.none)
    const error = native.exchangeEnd(this.#exchange, this.#httpStatus, this.#retryAfter, limit, aborted,
      aborted ? FAILURE.none : failure, message, this.#generationId, unread)
    if (error !== 0) internals.drop(this.#bus, error, 'a request')
  }
}

function beginCall(input, init, options) {
  try {
    return isChatCompletion(input, init) ? new Call(input, init, options) : undefined
  } catch (error) {
    internals.report(options.bus, errno.EINVAL, `a call of fetch is not measured: ${show(get(error, 'message') ?? error)}`)
    return undefined
  }
}

/** The Response for the caller: what goes wrong in measuring it leaves it the original. */
async function answer(call, response) {
  try {
    return await call.answered(response)
  } catch (error) {
    call.lost(error)
    return response
  }
}

async function measured(call, promise) {
  let response
  try {
    response = await promise
  } catch (error) {
    await call.refused(error).catch((problem) => call.lost(problem))
    throw error
  }
  return answer(call, response)
}

// Whether a call that is measured is being handed on: one that is made in there is the same again.
let isHandingOn = false

function handOn(fetch, input, init) {
  isHandingOn = true
  try {
    return fetch(input, init)
  } finally {
    isHandingOn = false
  }
}

/** A fetch like the given one, whose chat completions are measured. */
function instrumentFetch(fetch, options = {}) {
  const { bus, tags, timeout } = options
  if (typeof fetch !== 'function') throw new TypeError('instrumentFetch: the fetch to be measured is needed')
  if (bus === null || typeof bus !== 'object' || internals.handleOf(bus) === undefined) {
    throw new TypeError('instrumentFetch: { bus } must be a Producer')
  }
  return function measuredFetch(input, init) {
    const call = isHandingOn ? undefined : beginCall(input, init, { bus, tags, timeout })
    if (call === undefined) return fetch(input, init)
    let promise
    try {
      promise = handOn(fetch, input, init)
    } catch (error) {
      call.thrown(error)
      throw error
    }
    return measured(call, promise)
  }
}

module.exports = { instrumentFetch }
