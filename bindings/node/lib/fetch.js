// fetch.js: a fetch that measures completions as they pass, and is otherwise the one it wraps.
//
// The caller gets the same errors, and a Response that is like the original (passthrough.js). An error in
// here never reaches the caller. A call that cannot be read without a change that the caller could see is
// not measured: it is counted, and onError hears of each kind once.
'use strict'

const { types } = require('node:util')

const { errno } = require('./errors.js')
const internals = require('./internals.js')
const native = require('./native.js')
const { Layer, expectFetches, openLayer, within } = require('./nesting.js')
const { observe } = require('./passthrough.js')
const { Unseen, bytesOf, bytesOfRequest, headerOf, isCompletion, isRequest, keyOf, look, pairsOf, secretsOf, urlOf } =
  require('./request_body.js')
const { flatten, merge } = require('./tags.js')
const { attempt, get, numberOf, show } = require('./values.js')
const { SILENCE, classOf, classify } = require('./outcome.js')

const { FAILURE, FIGURE, LIMIT, figures } = native

// A client's timer starts a little before its call of fetch does.
const TIMER_SLACK_MS = 50

// Seconds, or the date until which to wait.
function retryAfter(headers) {
  const text = headers.get('retry-after')
  if (text === null) return 0
  const seconds = /^\s*\d+\s*$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000
  return seconds > 0 && seconds < 1e9 ? Math.ceil(seconds) : 0
}

// Functions of Node that run timers, and that run promises (which a timer may have resolved).
const CALLED_BY = /\b(?:listOnTimeout|processTicksAndRejections|runNextTicks|runMicrotasks)\b/

/**
 * Whether what runs now was called by a timer, and not by an event or a promise: an abort that a timer
 * makes is a limit on time, whether AbortSignal.timeout()'s or one of setTimeout().
 */
function isByTimer() {
  const { stackTraceLimit, prepareStackTrace } = Error
  return attempt(() => {
    try {
      Error.stackTraceLimit = 50
      // Else V8 would call the program's function for this stack.
      if (prepareStackTrace !== undefined) Error.prepareStackTrace = undefined
      return CALLED_BY.exec(new Error().stack)?.[0] === 'listOnTimeout'
    } finally {
      Error.stackTraceLimit = stackTraceLimit
      if (prepareStackTrace !== undefined) Error.prepareStackTrace = prepareStackTrace
    }
  }, false)
}

const isEventTarget = (signal) => !types.isProxy(signal) && typeof get(signal, 'addEventListener') === 'function'

// Ends the call of a body that is read elsewhere when the garbage collector frees that body.
const forgotten = new FinalizationRegistry((call) => call.abandoned())

/** One call, from request to outcome; observes the body as it passes. */
class Call {
  #bus // the producer that publishes it
  #tags
  #headers // pairs
  #hasKeyId // the key's id is published
  #url
  #signal
  #timeoutMs // an abort after that long is the client's limit on time
  #outer // the layer whose place this call takes; undefined: none
  #layer
  #start = performance.now()
  #begins // while a Request's body is being read
  #call
  #isTimedOut = false // the signal was aborted by a timer
  #unwatch = () => {}
  #ended = false
  #httpStatus = 0
  #retryAfter = 0
  #generationId

  constructor(input, init, { bus, tags, timeout, keyId, outer }) {
    this.#hasKeyId = keyId === true
    const source = isRequest(input) ? input : undefined
    this.#outer = outer?.isTaken === false ? outer : undefined
    // A begin and its request are of one lane.
    this.#bus = this.#outer?.producer ?? bus
    this.#headers = pairsOf(look(init, 'headers') ?? look(source, 'headers'))
    this.#url = urlOf(input)
    const body = look(init, 'body') ?? undefined
    const signal = look(init, 'signal') ?? look(source, 'signal')
    if (isEventTarget(signal)) this.#signal = signal
    // OpenAI's SDK aborts what takes too long as a user would, and tells the limit in a header.
    const seconds = Number(headerOf(this.#headers, 'x-stainless-timeout') ?? NaN)
    this.#timeoutMs = seconds > 0 ? seconds * 1000 : (timeout ?? Infinity)
    const own = flatten(typeof tags === 'function' ? tags(input, init) : tags)
    this.#tags = merge(outer?.tags, own)
    this.#layer = new Layer(this.#bus, { tags: this.#tags, onTaken: () => this.#giveWay() })
    if (body !== undefined || source === undefined) this.#begin(bytesOf(body))
    // The body of a Request can be read of a copy only, while the fetch is under way.
    else this.#begins = bytesOfRequest(source).catch(() => undefined).then((bytes) => this.#begin(bytes))
    this.#watch()
  }

  /** Calls the fetch that is measured. */
  run(fetch) {
    return within(this.#layer, fetch)
  }

  /** Once that fetch has given its Response or its error, nothing is called within any more. */
  settled() {
    this.#layer.close()
  }

  /** A call within takes this one's place: nothing is published here. */
  #giveWay() {
    this.#ended = true
    this.#unwatch()
    if (this.#call !== undefined) native.callGiveWay(this.#call)
  }

  /** SDKs use one signal for time-outs and for aborts by their user: whether a timer aborted tells them apart. */
  #watch() {
    const signal = this.#signal
    if (this.#ended || signal === undefined) return
    const onAbort = () => {
      this.#isTimedOut = isByTimer()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#unwatch = () => signal.removeEventListener('abort', onAbort)
  }

  #begin(body) {
    if (this.#call !== undefined || this.#ended) return
    // A layer that has ended meanwhile has published itself.
    const outer = this.#outer?.isTaken === false && this.#outer.open === this.#outer ? this.#outer : undefined
    const [high, low] = outer?.id ?? []
    const tries = Number(headerOf(this.#headers, 'x-stainless-retry-count') ?? NaN) + 1
    const call = native.callBegin(internals.handleOf(this.#bus), body, performance.now() - this.#start,
      Number.isNaN(tries) ? numberOf(outer?.attempt) : tries, this.#tags, secretsOf(this.#headers), this.#url,
      high, low, this.#hasKeyId ? keyOf(this.#headers) : undefined)
    if (typeof call !== 'number') {
      this.#call = call
      this.#layer.id = [figures[FIGURE.idHigh], figures[FIGURE.idLow]]
      outer?.take()
      return
    }
    this.#ended = true
    this.#unwatch()
    internals.drop(this.#bus, call, 'a request')
  }

  /** Waits until it has begun, but not for the body of a Request that comes slowly. */
  async #begun() {
    if (this.#call === undefined && this.#begins !== undefined) {
      await Promise.race([this.#begins, new Promise((resolve) => setImmediate(resolve))])
    }
    this.#begin()
  }

  /** Whether answered() must wait. */
  get isBeginning() {
    return this.#call === undefined && !this.#ended
  }

  /** The Response to hand to the caller, once it has begun. */
  async answeredLater(response) {
    await this.#begun()
    return this.answered(response)
  }

  /** The Response to hand to the caller. */
  answered(response) {
    if (this.#ended) return response
    this.#httpStatus = response.status
    this.#retryAfter = retryAfter(response.headers)
    this.#generationId = response.headers.get('x-generation-id') ?? undefined
    native.callContentType(this.#call, response.headers.get('content-type') ?? undefined)
    const copy = observe(response, this, this.#signal)
    if (copy !== undefined) return copy
    if (response.body === null) {
      this.ended()
    } else {
      internals.sayOnce(this.#bus, 'a call of fetch', 'the body of its Response is no web stream: ' +
        'its time and status are measured, its tokens and cost are not')
      this.#followUnread(response.body)
    }
    return response
  }

  /** Of a body that is read elsewhere, Node's stream as a rule: when it is over, and whether it was whole. */
  #followUnread(body) {
    if (typeof get(body, 'once') !== 'function') return this.#end({ unread: true })
    forgotten.register(body, this)
    body.once('close', () => this.#end(get(body, 'readableEnded') === true ? { unread: true } : { aborted: true }))
  }

  /** The fetch failed; the caller's rejection does not wait for what is left to be done here. */
  refused(error) {
    if (!this.isBeginning) return this.failed(error)
    this.#begun().then(() => this.failed(error)).catch((problem) => this.lost(problem))
  }

  /** An error of ours: the request ends nevertheless. */
  lost(error) {
    internals.report(this.#bus, errno.EINVAL, `a call of fetch is not measured: ${show(get(error, 'message') ?? error)}`)
    this.#begin()
    this.#end({ aborted: true })
  }

  /* --- The body, as it passes --- */

  chunk(bytes) {
    if (this.#ended || !(bytes instanceof Uint8Array)) return
    // After [DONE] nothing more matters, though the connection may stay open.
    if (native.callFeed(this.#call, bytes)) this.#end({})
  }

  ended() {
    this.#end({})
  }

  failed(error) {
    const found = this.#classify(error)
    if (found.timeout === undefined && get(this.#signal, 'aborted')) this.#end({ aborted: true })
    else this.#end({ failure: FAILURE.transfer, message: classOf(error), ...found })
  }

  /**
   * The answer is no longer referred to, and its end was not seen: it ends with what was seen last. A
   * program that sees a failed status often reads no further; an answer that went well was left.
   */
  abandoned() {
    this.#end({ isAbandoned: true })
  }

  /** The caller cancelled the body, by itself or by a signal, whose reason tells why. */
  cancelled(reason) {
    const { timeout } = this.#classify(get(this.#signal, 'aborted') ? get(this.#signal, 'reason') : reason)
    this.#end({ timeout, aborted: true })
  }

  /** An abort's reason may be anything. */
  #classify(error) {
    const found = classify(error)
    const isAbort = found.aborted || (get(this.#signal, 'aborted') === true && !('timeout' in found) && !('failure' in found))
    const isOver = performance.now() - this.#start + TIMER_SLACK_MS >= this.#timeoutMs
    return isAbort && (isOver || this.#isTimedOut) ? { timeout: LIMIT.total } : found
  }

  #end({ timeout, aborted = false, failure = FAILURE.none, message, unread = false, isAbandoned = false }) {
    if (this.#ended) return
    this.#ended = true
    this.#unwatch()
    const limit = timeout === SILENCE ? native.callLimitOfSilence(this.#call) : (timeout ?? LIMIT.none)
    const error = native.callEnd(this.#call, this.#httpStatus, this.#retryAfter, limit, aborted,
      aborted ? FAILURE.none : failure, message, this.#generationId, unread, isAbandoned)
    if (error !== 0) internals.drop(this.#bus, error, 'a request')
  }
}

/** Undefined where a call is not measured. */
function beginCall(input, init, options) {
  try {
    if (!isCompletion(input, init)) return undefined
    return new Call(input, init, { ...options, outer: openLayer(options.bus) })
  } catch (error) {
    internals.pass(options.bus, error instanceof Unseen ? error.message : show(get(error, 'message') ?? error))
    return undefined
  }
}

/** The Response for the caller: the original one where measuring it fails. */
function answer(call, response) {
  try {
    call.settled()
    if (!call.isBeginning) return call.answered(response)
    return call.answeredLater(response).catch((error) => (call.lost(error), response))
  } catch (error) {
    call.lost(error)
    return response
  }
}

/** Ends the call, and rejects with the fetch's own error. */
function refuse(call, error) {
  try {
    call.settled()
    call.refused(error)
  } catch (problem) {
    call.lost(problem)
  }
  throw error
}

const isPromise = (value) => value instanceof Promise || typeof get(value, 'then') === 'function'

/** A fetch like the given one, whose completions are measured. */
function instrumentFetch(fetch, options = {}) {
  const { bus, tags, timeout, keyId } = options
  if (typeof fetch !== 'function') throw new TypeError('instrumentFetch: the fetch to be measured is needed')
  if (bus === null || typeof bus !== 'object' || internals.handleOf(bus) === undefined) {
    throw new TypeError('instrumentFetch: { bus } must be a Producer')
  }
  expectFetches()
  function measuredFetch(input, init) {
    const callIt = () => Reflect.apply(fetch, this, arguments)
    const call = beginCall(input, init, { bus, tags, timeout, keyId })
    if (call === undefined) return callIt()
    let promise
    try {
      promise = call.run(callIt)
    } catch (error) {
      refuse(call, error)
    }
    if (isPromise(promise)) return promise.then((response) => answer(call, response), (error) => refuse(call, error))
    call.settled()
    call.lost(new TypeError('the fetch that is measured returned no promise'))
    return promise
  }
  for (const name of ['name', 'length']) {
    const value = get(fetch, name)
    if (value !== undefined) Object.defineProperty(measuredFetch, name, { value, configurable: true })
  }
  return measuredFetch
}

module.exports = { instrumentFetch }
