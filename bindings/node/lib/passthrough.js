// passthrough.js: a Response with the same chunks, seen by an observer as they pass.
//
// A chunk is read when it is asked for and not before, so a slow reader slows the server as it
// would without this. Errors are the same objects; a cancel goes on to the original.
'use strict'

const { isErrored } = require('node:stream')

const { attempt } = require('./values.js')

// Of a Response that is no longer referred to: its connection is closed, as fetch itself would do.
const abandoned = new FinalizationRegistry(({ observer, reader }) => {
  attempt(() => observer.abandoned())
  reader.cancel().catch(() => {})
})

/** Byte streams transfer the memory of their chunks: a chunk that shares its memory is copied first. */
function isByteStream(body) {
  try {
    body.getReader({ mode: 'byob' }).releaseLock()
    return true
  } catch {
    return false
  }
}

/**
 * Learns of the original's end at once, also while nothing is being read. A signal breaks the
 * stream within its abort(), as fetch does it: a moment later SDKs have begun to take apart what
 * they built on it.
 */
function hearOfEnd(body, reader, signal, fail) {
  const onAbort = () => {
    // In place of a reason that is false fetch takes an error of its own.
    if (isErrored(body)) fail(signal.reason || new DOMException('The operation was aborted.', 'AbortError'))
  }
  const stop = () => signal?.removeEventListener('abort', onAbort)
  signal?.addEventListener('abort', onAbort, { once: true })
  reader.closed.then(stop, (error) => {
    stop()
    fail(error)
  })
}

/**
 * A stream over one that is not read yet: connect() begins. The network and the signal hold what
 * hears of the end, and that must not hold the stream: hence the weak reference, and nothing of
 * the stream in what the registry keeps, nor in any function (`self` is the stream). What goes wrong
 * in the observer is no error of the stream.
 */
function passThrough(type, observer) {
  let reader, weak
  let isUntouched = true
  const stream = new ReadableStream(
    {
      type,
      start(controller) {
        weak = new WeakRef(controller)
      },
      async pull(controller) {
        isUntouched = false
        const { done, value } = await reader.read()
        if (done) {
          attempt(() => observer.ended())
          controller.close()
          controller.byobRequest?.respond(0)
        } else {
          attempt(() => observer.chunk(value))
          controller.enqueue(value)
        }
      },
      cancel(reason) {
        isUntouched = false
        attempt(() => observer.cancelled(reason))
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
  return {
    stream,
    /** letGo() is called where the stream fails, and the original can still tell it by itself. */
    connect(self, body, signal, letGo) {
      reader = body.getReader()
      hearOfEnd(body, reader, signal, (error) => {
        attempt(() => observer.failed(error))
        weak.deref()?.error(error)
        if (!isUntouched) return
        isUntouched = false
        reader.releaseLock()
        letGo()
      })
      abandoned.register(self, { observer, reader })
    },
  }
}

// The headers of a fetch cannot be changed, so all its Responses can share them.
const isFixed = (headers) => attempt(() => (headers.delete('x-orbus'), false), true)

// Properties that the constructor of Response does not take, or refuses (some values of status).
function dress(copy, original) {
  const keep = (value) => ({ value, configurable: true, writable: true })
  const own = {}
  for (const name of ['url', 'redirected', 'type', 'status', 'statusText', 'ok']) own[name] = keep(original[name])
  if (isFixed(original.headers)) own.headers = keep(original.headers)
  own.clone = keep(function clone() { return dress(Object.getPrototypeOf(copy).clone.call(this), original) })
  return Object.defineProperties(copy, own)
}

const CONSUMERS = ['arrayBuffer', 'blob', 'bytes', 'clone', 'formData', 'json', 'text']

/** A Response that failed before anything was read says so in its own words, which fetch chooses. */
function speakAs(copy, original) {
  if (copy.body.locked) return // its reader gets the error
  for (const name of CONSUMERS) {
    if (typeof original[name] !== 'function') continue
    const value = function (...given) { return Reflect.apply(original[name], this === copy ? original : this, given) }
    Object.defineProperty(copy, name, { value, configurable: true, writable: true })
  }
  for (const name of ['body', 'bodyUsed']) Object.defineProperty(copy, name, { get: () => original[name], configurable: true })
}

/**
 * The Response to hand to the caller in place of one whose body is a web stream; undefined where none
 * like it can be made: then the original is as it was. `signal` may be undefined.
 */
function observe(response, observer, signal) {
  const { body } = response
  if (!(body instanceof ReadableStream) || body.locked) return undefined
  return attempt(() => {
    const { stream, connect } = passThrough(isByteStream(body) ? 'bytes' : undefined, observer)
    const copy = dress(new response.constructor(stream, { headers: response.headers }), response)
    if (copy.body !== stream) return undefined
    const weak = new WeakRef(copy)
    connect(stream, body, signal, () => {
      const held = weak.deref()
      if (held !== undefined) attempt(() => speakAs(held, response))
    })
    return copy
  })
}

module.exports = { observe }
