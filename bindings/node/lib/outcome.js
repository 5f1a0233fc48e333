// outcome.js: what an exception says about how a request ended, in the words of the bus.
//
// It knows the exceptions of Node's fetch (undici), of AbortSignal, and of the SDKs. The words
// themselves are the library's. The text of an exception that is neither a server's nor the system's
// may hold a part of a prompt or of an answer: of those only the class is told.
'use strict'

const { FAILURE, LIMIT, failureType, httpType, limitType, quote } = require('./native.js')
const { attempt } = require('./values.js')

const FAILURES = {
  ENOTFOUND: FAILURE.dns,
  EAI_AGAIN: FAILURE.dns,
  ECONNREFUSED: FAILURE.refused,
  EHOSTUNREACH: FAILURE.connect,
  ENETUNREACH: FAILURE.connect,
  EADDRNOTAVAIL: FAILURE.connect,
  ECONNRESET: FAILURE.lost,
  EPIPE: FAILURE.lost,
  UND_ERR_SOCKET: FAILURE.lost,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: FAILURE.lost,
  UND_ERR_DESTROYED: FAILURE.lost,
  UND_ERR_CLOSED: FAILURE.lost,
}
const TLS = /^(ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH)/

// No byte came for too long. Which limit that is depends on whether a token had come.
const SILENCE = 'silence'
const LIMITS = {
  ETIMEDOUT: LIMIT.connect,
  UND_ERR_CONNECT_TIMEOUT: LIMIT.connect,
  UND_ERR_HEADERS_TIMEOUT: SILENCE,
  UND_ERR_BODY_TIMEOUT: SILENCE,
}

const TIMEOUTS = new Set(['TimeoutError', 'APIConnectionTimeoutError', 'RequestTimeoutError'])
const ABORTS = new Set(['AbortError', 'APIUserAbortError', 'RequestAbortedError', 'ResponseAborted'])

// An error and its causes, outermost first; at most 8, since causes may form a ring.
function* causes(error) {
  for (let depth = 0; error !== null && typeof error === 'object' && depth < 8; depth++) {
    yield error
    error = error.cause ?? error.lastError ?? error.errors?.[0]
  }
}

// Some SDKs do not set `name`, so the class's name is compared too.
const isOf = (error, names) => names.has(error.name) || names.has(error.constructor?.name)

const statusOf = (error) => [error.status, error.statusCode].find((n) => Number.isInteger(n) && n >= 300 && n <= 599)

// What was asked, where an SDK kept it (the AI SDK does).
function bodyOf(error) {
  try {
    return error.requestBodyValues === undefined ? undefined : JSON.stringify(error.requestBodyValues)
  } catch {
    return undefined
  }
}

// The server's own words, where an SDK kept them, and where they do not repeat the request or a key.
function messageOfServer(error, status) {
  const said = error.error?.message ?? error.data?.error?.message
  const url = typeof error.url === 'string' ? error.url : undefined
  const quoted = typeof said === 'string' ? quote(said, bodyOf(error), undefined, url) : undefined
  return quoted ?? `HTTP status ${status}`
}

/**
 * What an exception amounts to: { timeout: limit } (one of LIMIT, or SILENCE), { aborted: true },
 * { httpStatus, message }, { failure, message }, or {} where it says nothing that is known here.
 */
function classifyAll(error) {
  let aborted = false
  for (const one of causes(error)) {
    const code = typeof one.code === 'string' ? one.code : ''
    if (Object.hasOwn(LIMITS, code)) return { timeout: LIMITS[code] }
    if (isOf(one, TIMEOUTS)) return { timeout: LIMIT.total }
    // Go on: the cause of the abort may be a time-out.
    aborted ||= isOf(one, ABORTS) || code === 'ABORT_ERR'
    if (aborted) continue
    const httpStatus = statusOf(one)
    if (httpStatus !== undefined) return { httpStatus, message: messageOfServer(one, httpStatus) }
    const failure = Object.hasOwn(FAILURES, code) ? FAILURES[code] : TLS.test(code) ? FAILURE.tls : undefined
    if (failure !== undefined) return { failure, message: String(one.message) }
  }
  return aborted ? { aborted } : {}
}

/** As classifyAll(), of any value that was thrown. */
const classify = (error) => attempt(() => classifyAll(error), {})

/** The name of an error's class. */
function classOf(error) {
  const name = attempt(() => (error !== null && typeof error === 'object' ? error.constructor?.name : undefined))
  return typeof name === 'string' && name !== '' ? name : 'Error'
}

const inSnakeCase = (name) => name.replace(/(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, '_').toLowerCase()

/**
 * For a request that a program times itself: status, errorType, errorMessage and httpStatus of an
 * exception. `waits` tells that no token has come yet.
 */
function judge(error, { stream, waits }) {
  const { timeout, aborted, httpStatus, failure, message } = classify(error)
  if (aborted) return { status: 'cancelled' }
  if (timeout !== undefined) {
    const limit = timeout !== SILENCE ? timeout : !stream ? LIMIT.total : waits ? LIMIT.firstToken : LIMIT.idle
    return { status: 'timeout', errorType: limitType(limit) }
  }
  if (httpStatus !== undefined) {
    return { status: 'error', errorType: httpType(httpStatus), errorMessage: message, httpStatus }
  }
  const errorType = failure === undefined ? inSnakeCase(classOf(error)) : failureType(failure, stream && !waits)
  return { status: 'error', errorType, errorMessage: message }
}

module.exports = { SILENCE, classOf, classify, judge }
