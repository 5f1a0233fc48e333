// question.js: what a call of fetch asks: whether it is a chat completion, and what is sent.
'use strict'

/** A Request, of whichever implementation. */
const isRequest = (input) => input !== null && typeof input === 'object' && typeof input.url === 'string'

function isChatCompletion(input, init) {
  const url = isRequest(input) ? input.url : String(input)
  const method = init?.method ?? (isRequest(input) ? input.method : 'GET')
  return /^[^?#]*\/chat\/completions\/?(?:[?#]|$)/.test(url) && String(method).toUpperCase() === 'POST'
}

/** A header among those of a Headers, an array of pairs or an object; undefined where it is not there. */
function headerOf(headers, name) {
  if (headers === undefined || headers === null) return undefined
  if (typeof headers.get === 'function') return headers.get(name) ?? undefined
  const entries = typeof headers[Symbol.iterator] === 'function' ? headers : Object.entries(headers)
  for (const [key, value] of entries) if (String(key).toLowerCase() === name) return String(value)
  return undefined
}

/** The body as the addon reads it; undefined where it is a stream or a form, which is left alone. */
function bytesOf(body) {
  if (typeof body === 'string') return body
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
  return body instanceof ArrayBuffer ? new Uint8Array(body) : undefined
}

module.exports = { bytesOf, headerOf, isChatCompletion, isRequest }
