// question.js: what a call of fetch asks: whether it is a chat completion, and what is sent.
'use strict'

/** A Request, of whichever implementation. */
const isRequest = (input) => input !== null && typeof input === 'object' && typeof input.url === 'string'

const urlOf = (input) => (isRequest(input) ? input.url : String(input))

function isChatCompletion(input, init) {
  const url = urlOf(input)
  const method = init?.method ?? (isRequest(input) ? input.method : 'GET')
  return /^[^?#]*\/chat\/completions\/?(?:[?#]|$)/.test(url) && String(method).toUpperCase() === 'POST'
}

const entriesOf = (headers) => (typeof headers[Symbol.iterator] === 'function' ? headers : Object.entries(headers))

/** A header among those of a Headers, an array of pairs or an object; undefined where it is not there. */
function headerOf(headers, name) {
  if (headers === undefined || headers === null) return undefined
  if (typeof headers.get === 'function') return headers.get(name) ?? undefined
  for (const [key, value] of entriesOf(headers)) if (String(key).toLowerCase() === name) return String(value)
  return undefined
}

const SECRET = /auth|key|token|secret|cookie|password|credential/i

/** The keys among the headers, one a line, for the addon; undefined where there are none. */
function secretsOf(headers) {
  if (headers === undefined || headers === null) return undefined
  let lines = ''
  for (const [name, value] of entriesOf(headers)) {
    if (!SECRET.test(name)) continue
    lines += `${/auth/i.test(name) ? String(value).replace(/^\s*\w+\s+/, '') : value}\n`
  }
  return lines === '' ? undefined : lines
}

/** The body as the addon reads it; undefined where it is a stream or a form, which is left alone. */
function bytesOf(body) {
  if (typeof body === 'string') return body
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
  return body instanceof ArrayBuffer ? new Uint8Array(body) : undefined
}

module.exports = { bytesOf, headerOf, isChatCompletion, isRequest, secretsOf, urlOf }
