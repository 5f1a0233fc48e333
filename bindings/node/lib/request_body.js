// request_body.js: what a call of fetch asks: whether it is a completion, and what is sent.
//
// It reads only what the program cannot notice. It calls no getter of the program's, and does not read a body or
// headers that can be read only once: they would be missing in the call. Such a call throws Unseen and is not
// measured.
'use strict'

const { types } = require('node:util')

/** Thrown: why a call cannot be looked at. */
class Unseen extends Error {}

/** Whether an object is of a class by that name, of whichever implementation (Node's, undici's, node-fetch's). */
function isOf(name, object) {
  if (object === null || typeof object !== 'object' || types.isProxy(object)) return false
  if (object instanceof globalThis[name]) return true
  const prototype = Object.getPrototypeOf(object)
  const made = prototype === null || types.isProxy(prototype) ? undefined : Object.getOwnPropertyDescriptor(prototype, 'constructor')
  return typeof made?.value === 'function' && made.value.name === name
}

const isRequest = (input) => isOf('Request', input)

/** A property of what the program handed over; undefined where there is none. */
function look(object, name) {
  if (object === null || typeof object !== 'object') return undefined
  const isPlatforms = isRequest(object)
  for (let at = object; at !== null; at = Object.getPrototypeOf(at)) {
    if (types.isProxy(at)) throw new Unseen('its arguments are a Proxy')
    const found = Object.getOwnPropertyDescriptor(at, name)
    if (found === undefined) continue
    if ('value' in found) return found.value
    if (isPlatforms && at !== object) return object[name]
    throw new Unseen('its arguments have getters')
  }
  return undefined
}

function urlOf(input) {
  if (typeof input === 'string') return input
  if (isOf('URL', input)) return String(input)
  if (isRequest(input)) return String(look(input, 'url'))
  throw new Unseen('its URL is neither a string nor a URL nor a Request')
}

const MEASURED = /^[^?#]*\/completions\/?(?:[?#]|$)/
const KNOWN = /^[^?#]*\/v\d[^/]*\/(?:responses|messages|embeddings)\/?(?:[?#]|$)/

/** Whether a call is measured. Throws Unseen where it is one to an LLM that cannot be. */
function isCompletion(input, init) {
  const method = look(init, 'method') ?? (isRequest(input) ? look(input, 'method') : 'GET')
  if (typeof method !== 'string' || method.toUpperCase() !== 'POST') return false
  const url = urlOf(input)
  if (MEASURED.test(url)) return true
  if (KNOWN.test(url)) throw new Unseen('only chat completions and completions are, no responses, messages or embeddings')
  return false
}

function checkText(value) {
  if (value !== null && (typeof value === 'object' || typeof value === 'function')) throw new Unseen('its headers are no texts')
  return String(value)
}

/** The headers as pairs, each with its name in small letters. */
function pairsOf(headers) {
  if (headers === undefined || headers === null) return []
  if (isOf('Headers', headers)) return [...headers].map(([name, value]) => [name.toLowerCase(), value])
  if (typeof headers !== 'object' || types.isProxy(headers)) throw new Unseen('its headers are a Proxy')
  if (Array.isArray(headers)) {
    return headers.map((pair) => {
      if (!Array.isArray(pair) || types.isProxy(pair)) throw new Unseen('its headers can be read once only')
      return [checkText(pair[0]).toLowerCase(), checkText(pair[1])]
    })
  }
  if (Symbol.iterator in headers) throw new Unseen('its headers can be read once only')
  return Object.keys(headers).map((name) => [name.toLowerCase(), checkText(look(headers, name))])
}

/** A header among the pairs; undefined where it is not there. */
const headerOf = (pairs, name) => pairs.find(([key]) => key === name)?.[1]

const KEY_HEADERS = ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key']

/** The key that a call is made with, where it is in a header that APIs know. */
function keyOf(pairs) {
  const value = KEY_HEADERS.map((name) => headerOf(pairs, name)).find((text) => text)
  return value?.trim().replace(/^\S+\s+/, '')
}

const SECRET = /auth|key|token|secret|cookie|password|credential/

/** The keys among the headers, one a line, for the addon; undefined where there are none. */
function secretsOf(pairs) {
  let lines = ''
  for (const [name, value] of pairs) {
    if (!SECRET.test(name)) continue
    lines += `${name.includes('auth') ? value.replace(/^\s*\w+\s+/, '') : value}\n`
  }
  return lines === '' ? undefined : lines
}

/** The body as the addon reads it; undefined where it is a stream or a form, which is left alone. */
function bytesOf(body) {
  if (typeof body === 'string') return body
  if (types.isArrayBufferView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
  return types.isArrayBuffer(body) ? new Uint8Array(body) : undefined
}

/**
 * The body of a Request, where it was made of a text or of bytes: the copy has it in one piece, which
 * is there at once. Of any other no more than two pieces are read ahead of the fetch.
 */
async function bytesOfRequest(request) {
  const { body } = request
  if (body === null) return new Uint8Array(0)
  if (!(body instanceof ReadableStream) || body.locked || request.bodyUsed) return undefined
  const reader = request.clone().body.getReader()
  const first = await reader.read()
  const second = first.done ? first : await reader.read()
  if (second.done) return first.value ?? new Uint8Array(0)
  reader.cancel().catch(() => {})
  return undefined
}

module.exports = {
  Unseen, bytesOf, bytesOfRequest, headerOf, isCompletion, isRequest, keyOf, look, pairsOf, secretsOf, urlOf,
}
