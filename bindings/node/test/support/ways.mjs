// The ways in which programs make a call, read its answer and leave it, as tables; and what a program
// can see of each, as a value that can be compared.
import { isDisturbed, isErrored, Readable } from 'node:stream'
import { text as textOf } from 'node:stream/consumers'
import { inspect, stripVTControlCharacters } from 'node:util'

import { createOpenRouter } from '@openrouter/ai-sdk-provider'
import { HTTPClient, OpenRouter } from '@openrouter/sdk'
import { generateText, streamText } from 'ai'
import OpenAI from 'openai'

/* --- What can be seen ---------------------------------------------------------------------------- */

/** An error without what differs from call to call (sockets, stacks). */
export function describe(error, depth = 0) {
  if (error === null || typeof error !== 'object' || depth > 4) return inspect(error)
  const { name, message, code, status, statusCode, cause, error: said, text, responseBody, url } = error
  return { class: error.constructor?.name, name, message, code, status, statusCode, said, text, responseBody, url,
    cause: cause === undefined ? undefined : describe(cause, depth + 1) }
}

const tried = (work) => {
  try {
    return work()
  } catch (error) {
    return describe(error)
  }
}

const textIn = async (chunks) => {
  const parts = []
  for await (const chunk of chunks) parts.push(chunk)
  return Buffer.concat(parts).toString('latin1')
}

/** Of a Response, all that it tells. */
function headOf(r) {
  return {
    class: Object.prototype.toString.call(r), isOne: r instanceof Response, constructor: r.constructor.name,
    status: r.status, statusText: r.statusText, ok: r.ok, url: r.url, type: r.type, redirected: r.redirected,
    headers: [...r.headers].filter(([name]) => name !== 'date'), cookies: r.headers.getSetCookie?.(),
    isFixed: tried(() => { r.headers.append('x-new', '1'); return r.headers.get('x-new') }),
    isSame: r.headers === r.headers && r.body === r.body, keys: Object.keys(r), json: JSON.stringify(r),
    body: r.body === null ? null : [r.body.constructor.name, r.body.locked], used: r.bodyUsed,
    shown: stripVTControlCharacters(inspect(r, { depth: 0 })).replace(/'?date'?: .*/g, ''),
  }
}

/* --- Ways to ask --------------------------------------------------------------------------------- */

const JSON_HEADERS = { 'Content-Type': 'application/json' }
const post = (body, more) => ({ method: 'POST', headers: { ...JSON_HEADERS }, body, ...more })
const bytes = (text) => new TextEncoder().encode(text)

function* pieces(text) {
  const all = bytes(text)
  for (let at = 0; at < all.length; at += 40) yield all.slice(at, at + 40)
}

const streamOf = (text, type) => {
  const rest = pieces(text)
  return new ReadableStream({ type, pull(controller) {
    const { done, value } = rest.next()
    if (!done) return controller.enqueue(value)
    controller.close()
    controller.byobRequest?.respond(0)
  } })
}

const formOf = (text) => {
  const form = new FormData()
  form.set('request', text)
  form.set('file', new Blob(['x']), 'x.bin')
  return form
}

class Init {
  constructor(text) { this.text = text }
  get method() { return 'POST' }
  get body() { return this.text }
}

/** Notes which properties are read, and how often: a program sees that. */
function watched(object, log) {
  return new Proxy(object, { get(target, name) {
    log.push(String(name))
    return Reflect.get(target, name)
  } })
}

function once(object, log) {
  const seen = {}
  for (const name of Object.keys(object)) {
    Object.defineProperty(seen, name, { enumerable: true, get() { log.push(name); return object[name] } })
  }
  return seen
}

/** (url, text, log): what fetch is called with. */
export const ASKS = {
  'a string': (url, text) => [url, post(text)],
  'a URL': (url, text) => [new URL(url), post(text)],
  'an object that is a text': (url, text, log) => [{ toString: () => { log.push('toString'); return url } }, post(text)],
  'a Request': (url, text) => [new Request(url, post(text))],
  'a Request and an init': (url, text) => [new Request(url, { headers: { 'X-Own': 'of the request' } }), post(text)],
  'a Request as the init': (url, text) => [url, new Request(url, post(text))],
  'a Request that is a stream': (url, text) => [new Request(url, post(streamOf(text), { duplex: 'half' }))],
  'a Request that is a byte stream': (url, text) => [new Request(url, post(streamOf(text, 'bytes'), { duplex: 'half' }))],
  'a Request with a form': (url, text) => [new Request(url, { method: 'POST', body: formOf(text) })],
  'a Request that was used': (url, text) => {
    const request = new Request(url, post(text))
    request.text()
    return [request]
  },
  'a Buffer': (url, text) => [url, post(Buffer.from(text))],
  'an ArrayBuffer': (url, text) => [url, post(bytes(text).buffer)],
  'a DataView': (url, text) => [url, post(new DataView(bytes(text).buffer))],
  'a shared Buffer': (url, text) => [url, post(Buffer.from(`  ${text}`).subarray(2))],
  'a Blob': (url, text) => [url, { method: 'POST', body: new Blob([text], { type: 'application/json' }) }],
  'a form': (url, text) => [url, { method: 'POST', body: formOf(text) }],
  'URL parameters': (url, text) => [url, { method: 'POST', body: new URLSearchParams({ text }) }],
  'a stream': (url, text) => [url, post(streamOf(text), { duplex: 'half' })],
  'a byte stream': (url, text) => [url, post(streamOf(text, 'bytes'), { duplex: 'half' })],
  'a stream without duplex': (url, text) => [url, post(streamOf(text))],
  'a stream that fails': (url) => [url, post(new ReadableStream({ pull() { throw new RangeError('mine') } }), { duplex: 'half' })],
  'a generator': (url, text) => [url, post((async function* () { yield* pieces(text) })(), { duplex: 'half' })],
  'an object for a body': (url, text) => [url, post({ toString: () => text })],
  'no body': (url) => [url, { method: 'POST' }],
  'pairs of headers': (url, text) => [url, post(text, { headers: [['X-Own', '1'], ['X-Own', '2']] })],
  'a Headers': (url, text) => [url, post(text, { headers: new Headers({ 'X-Own': '1' }) })],
  'headers that are read once': (url, text) => [url, post(text, { headers: new Map([['X-Own', '1']]).entries() })],
  'headers of a generator': (url, text) => [url, post(text, { headers: (function* () { yield ['X-Own', '1'] })() })],
  'a header of another kind': (url, text) => [url, post(text, { headers: { 'X-Own': 7 } })],
  'a header that cannot be sent': (url, text) => [url, post(text, { headers: { 'X-Own': 'a\nb' } })],
  'a small method': (url, text) => [url, post(text, { method: 'post' })],
  'an init of a class': (url, text) => [url, new Init(text)],
  'an init that inherits': (url, text) => [url, Object.create(post(text))],
  'an init without a prototype': (url, text) => [url, Object.assign(Object.create(null), post(text))],
  'an init that is watched': (url, text, log) => [url, watched(post(text), log)],
  'an init of getters': (url, text, log) => [url, once(post(text), log)],
  'a getter that throws': (url, text) => [url, { ...post(text), get signal() { throw new RangeError('mine') } }],
  'a method that throws': (url, text) => [url, { ...post(text), get method() { throw new RangeError('mine') } }],
  'an init that is none': (url) => [url, 7],
  'no signal at all': (url, text) => [url, post(text, { signal: null })],
  'a signal that is none': (url, text) => [url, post(text, { signal: {} })],
  'keepalive': (url, text) => [url, post(text, { keepalive: true })],
  'no URL': (url, text) => ['no url/chat/completions', post(text)],
  'another scheme': (url, text) => ['about:blank/chat/completions', post(text)],
  'a third argument': (url, text) => [url, post(text), { of: 'the program' }],
  'nothing': () => [],
}

/** Ways to ask that a server which sends elsewhere answers otherwise. */
export const REDIRECTS = Object.fromEntries([['follow', 307], ['follow', 303], ['follow', 302], ['manual', 307], ['error', 307]]
  .map(([redirect, status]) => [`${status}, ${redirect}`, [status, (url, text) => [url, post(text, { redirect })]]]))

/* --- Ways to read -------------------------------------------------------------------------------- */

async function readAll(reader, view) {
  const parts = []
  for (;;) {
    const { done, value } = view ? await reader.read(new Uint8Array(7)) : await reader.read()
    if (done) return Buffer.concat(parts).toString('latin1')
    parts.push(value)
  }
}

/** (response): what came of it. */
export const READS = {
  text: (r) => r.text(),
  json: (r) => r.json(),
  arrayBuffer: async (r) => Buffer.from(await r.arrayBuffer()).toString('latin1'),
  blob: async (r) => { const blob = await r.blob(); return [blob.type, await blob.text()] },
  bytes: async (r) => Buffer.from(await r.bytes()).toString('latin1'),
  formData: async (r) => [...await r.formData()],
  iterator: (r) => textIn(r.body),
  values: (r) => textIn(r.body.values({ preventCancel: true })),
  reader: (r) => readAll(r.body.getReader()),
  byob: (r) => readAll(r.body.getReader({ mode: 'byob' }), true),
  'a reader let go': async (r) => {
    const reader = r.body.getReader()
    await reader.read()
    reader.releaseLock()
    return r.text()
  },
  'two readers': async (r) => [r.body.getReader(), r.body.getReader()],
  'a reader that is closed': async (r) => {
    const reader = r.body.getReader()
    await readAll(reader)
    return [await reader.closed, await reader.read()]
  },
  'twice': async (r) => [await r.text(), await r.text()],
  'at once twice': async (r) => (await Promise.allSettled([r.text(), r.json()])).map((one) => one.value ?? describe(one.reason)),
  tee: async (r) => Promise.all(r.body.tee().map((body) => new Response(body).text())),
  'tee, one left': async (r) => {
    const [one, two] = r.body.tee()
    two.cancel('enough')
    return textIn(one)
  },
  clone: async (r) => {
    const two = r.clone()
    return [headOf(two), await two.text(), await r.text(), r.bodyUsed, two.bodyUsed]
  },
  'a clone of a clone': async (r) => {
    const three = r.clone().clone()
    return [headOf(three), await three.text()]
  },
  'a clone too late': async (r) => [await r.text(), r.clone()],
  'another Response': async (r) => new Response(r.body, r).text(),
  pipeTo: async (r) => {
    const parts = []
    await r.body.pipeTo(new WritableStream({ write(part) { parts.push(part) } }))
    return Buffer.concat(parts).toString('latin1')
  },
  'pipeTo, which fails': (r) => r.body.pipeTo(new WritableStream({ write() { throw new RangeError('mine') } })),
  pipeThrough: (r) => textIn(r.body.pipeThrough(new TransformStream())),
  decoded: async (r) => {
    let text = ''
    for await (const part of r.body.pipeThrough(new TextDecoderStream())) text += part
    return text
  },
  "Node's stream": (r) => textIn(Readable.fromWeb(r.body)),
  "Node's stream, left": async (r) => {
    for await (const _ of Readable.fromWeb(r.body)) break
  },
  consumers: (r) => textOf(r.body),
  'cancel at once': (r) => r.body.cancel('enough'),
  'cancel of a reader': async (r) => {
    const reader = r.body.getReader()
    return [await reader.cancel(new RangeError('mine')), await reader.read()]
  },
  'cancel after a chunk': async (r) => {
    const reader = r.body.getReader()
    const { done } = await reader.read()
    return [done, await reader.cancel(), await reader.closed]
  },
  'left after a chunk': async (r) => {
    for await (const _ of r.body) break
    return r.body.locked
  },
  'an exception in the loop': async (r) => {
    for await (const _ of r.body) throw new RangeError('mine')
  },
  'another method': (r) => Response.prototype.text.call(r),
  'moved elsewhere': (r) => textIn(structuredClone(r.body, { transfer: [r.body] })),
  'not at all': () => undefined,
}

/** What a program sees of one call. */
export async function seen(ask, args, read, abort = () => {}) {
  const log = { state: 'asked' }
  try {
    const response = await ask(...args)
    log.head = headOf(response)
    abort('answered')
    try {
      log.read = await READS[read](response)
    } finally {
      log.used = response.bodyUsed
      log.body = response.body && [response.body.locked, isDisturbed(response.body), isErrored(response.body)]
    }
  } catch (error) {
    log.error = describe(error)
    log.thrown = error
  }
  return log
}

/* --- Ways of the SDKs ---------------------------------------------------------------------------- */

async function chunksOf(stream, most = Infinity) {
  const chunks = []
  for await (const chunk of stream) {
    chunks.push(chunk)
    if (chunks.length >= most) break
  }
  return chunks
}

const openai = (fetch, base, more) => new OpenAI({ fetch, baseURL: base, apiKey: 'sk-test-0123456789', maxRetries: 0, ...more })
const completions = (fetch, base, more) => openai(fetch, base, more).chat.completions
const vercel = (fetch, base) => ({
  model: createOpenRouter({ apiKey: 'none', baseURL: base, fetch })('acme/large'), prompt: 'Say hello.', maxRetries: 0,
})
const streaming = (request) => ({ ...request, stream: true })
const whole = (request) => ({ ...request, stream: false })

/** (fetch, base, request): what comes of it. */
export const SDKS = {
  'openai: create': (fetch, base, request) => completions(fetch, base).create(whole(request)),
  'openai: create a stream': async (fetch, base, request) => chunksOf(await completions(fetch, base).create(streaming(request))),
  'openai: leave a stream': async (fetch, base, request) => chunksOf(await completions(fetch, base).create(streaming(request)), 1),
  'openai: tee a stream': async (fetch, base, request) =>
    Promise.all((await completions(fetch, base).create(streaming(request))).tee().map((one) => chunksOf(one))),
  'openai: toReadableStream': async (fetch, base, request) =>
    textIn((await completions(fetch, base).create(streaming(request))).toReadableStream()),
  'openai: stream()': async (fetch, base, request) => {
    const events = []
    const stream = completions(fetch, base).stream(whole(request))
    for (const name of ['connect', 'content', 'error', 'abort', 'end']) stream.on(name, (...more) => events.push([name, describe(more[0])]))
    try {
      return [await stream.finalChatCompletion(), events]
    } catch (error) {
      return [describe(error), events]
    }
  },
  'openai: parse': (fetch, base, request) => completions(fetch, base).parse(whole(request)),
  'openai: withResponse': async (fetch, base, request) => {
    const { data, response } = await completions(fetch, base).create(whole(request)).withResponse()
    return [data, headOf(response)]
  },
  'openai: asResponse': async (fetch, base, request) => {
    const response = await completions(fetch, base).create(streaming(request)).asResponse()
    return [headOf(response), await response.text()]
  },
  'openai: withOptions': (fetch, base, request) =>
    openai(fetch, base).withOptions({ defaultHeaders: { 'X-Own': 'mine' } }).chat.completions.create(whole(request)),
  'openai: a limit of time': (fetch, base, request) => completions(fetch, base, { timeout: 300 }).create(whole(request)),
  'openai: an abort': async (fetch, base, request) => {
    const controller = new AbortController()
    const stream = await completions(fetch, base).create(streaming(request), { signal: controller.signal })
    const chunks = []
    for await (const chunk of stream) {
      chunks.push(chunk)
      controller.abort(new RangeError('mine'))
    }
    return chunks
  },
  'Vercel: generateText': async (fetch, base) => {
    const { text, usage, finishReason } = await generateText(vercel(fetch, base))
    return { text, usage, finishReason }
  },
  'Vercel: streamText': async (fetch, base) => {
    const errors = []
    const stream = streamText({ ...vercel(fetch, base), onError: ({ error }) => { errors.push(describe(error)) } })
    const parts = []
    for await (const part of stream.fullStream) parts.push(part.type, part.text)
    return { parts, errors }
  },
  'OpenRouter: send': (fetch, base, request) => new OpenRouter({
    apiKey: 'none', serverURL: base, httpClient: new HTTPClient({ fetcher: fetch }), retryConfig: { strategy: 'none' },
  }).chat.send({ chatRequest: { model: request.model, messages: request.messages } }),
}

/** What a program sees of one call by an SDK. */
export async function seenBy(sdk, fetch, base, request) {
  try {
    return { result: await SDKS[sdk](fetch, base, request) }
  } catch (error) {
    return { error: describe(error) }
  }
}
