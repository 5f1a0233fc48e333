// passthrough.js: a Response with the same chunks, seen by an observer as they pass.
//
// A chunk is read when it is asked for and not before, so whoever reads slowly slows the server as
// ever. Errors are the same objects; a cancel goes on to the original.
'use strict'

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
 * The network holds what hears of the original's end, and that must not hold the stream: hence the
 * weak reference, and nothing of the stream in what the registry keeps.
 */
function passThrough(body, observer) {
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
  // Also while nothing is being read: the caller's signal breaks the stream at once.
  reader.closed.catch((error) => {
    observer.failed(error)
    try {
      weak.deref()?.error(error)
    } catch {
      // It is over already.
    }
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

/** The Response to hand to the caller in place of one that canObserve(). */
function observe(response, observer) {
  const { status, statusText, headers } = response
  return dress(new response.constructor(passThrough(response.body, observer), { status, statusText, headers }), response)
}

module.exports = { canObserve, observe }
