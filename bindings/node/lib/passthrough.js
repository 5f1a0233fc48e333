// passthrough.js: a Response with the same chunks, seen by an observer as they pass.
//
// A chunk is read when it is asked for and not before, so whoever reads slowly slows the server as
// ever. Errors are the same objects; a cancel goes on to the original.
'use strict'

const { isErrored } = require('node:stream')

// Of a Response that nobody holds any more: its connection is given up, as fetch itself would.
const abandoned = new FinalizationRegistry(({ observer, reader }) => {
  observer.cancelled()
  reader.cancel().catch(() => {})
})

// Byte streams give their chunks' memory away, which must not happen to memory that others share.
function isByteStream(body) {
  try {
    body.getReader({ mode: 'byob' }).releaseLock()
    return true
  } catch {
    return false
  }
}

/**
 * Hears of the original's end at once, also while nothing is being read. A signal breaks the
 * stream within its abort(), as fetch does it: a moment later SDKs have begun to take apart what
 * they built on it.
 */
function hearOfEnd(body, reader, signal, fail) {
  const onAbort = () => {
    if (isErrored(body)) fail(signal.reason)
  }
  const stop = () => signal?.removeEventListener('abort', onAbort)
  signal?.addEventListener('abort', onAbort, { once: true })
  reader.closed.then(stop, (error) => {
    stop()
    fail(error)
  })
}

/**
 * The network and the signal hold what hears of the end, and that must not hold the stream: hence
 * the weak reference, and nothing of the stream in what the registry keeps.
 */
function passThrough(body, observer, signal) {
  const type = isByteStream(body) ? 'bytes' : undefined
  const reader = body.getReader()
  let weak
  const stream = new ReadableStream(
    {
      type,
      start(controller) {
        weak = new WeakRef(controller)
      },
      async pull(controller) {
        const { done, value } = await reader.read()
        if (done) {
          observer.ended()
          controller.close()
          controller.byobRequest?.respond(0)
        } else {
          observer.chunk(value)
          controller.enqueue(value)
        }
      },
      cancel(reason) {
        observer.cancelled(reason)
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
  hearOfEnd(body, reader, signal, (error) => {
    observer.failed(error)
    weak.deref()?.error(error)
  })
  abandoned.register(stream, { observer, reader })
  return stream
}

// What a Response that is made of parts does not take over.
function dress(copy, original) {
  const keep = (value) => ({ value, configurable: true, writable: true })
  return Object.defineProperties(copy, {
    url: keep(original.url),
    redirected: keep(original.redirected),
    type: keep(original.type),
    clone: keep(() => dress(Object.getPrototypeOf(copy).clone.call(copy), original)),
  })
}

/** Whether a Response like this one can be made: before its body is touched. */
function canObserve(response) {
  if (!(response.body instanceof ReadableStream) || response.body.locked) return false
  if (response.constructor === globalThis.Response) return true
  try {
    return new response.constructor(new ReadableStream(), { status: response.status }).body instanceof ReadableStream
  } catch {
    return false
  }
}

/** The Response to hand to the caller in place of one that canObserve(); `signal` may be undefined. */
function observe(response, observer, signal) {
  const { status, statusText, headers } = response
  const body = passThrough(response.body, observer, signal)
  return dress(new response.constructor(body, { status, statusText, headers }), response)
}

module.exports = { canObserve, observe }
