// What a caller of the instrumented fetch sees is what fetch gives; what it does to the sample.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { getEventListeners, once } from 'node:events'
import http from 'node:http'
import { Readable, isErrored } from 'node:stream'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import nodeFetch from 'node-fetch'
import { Producer, instrumentFetch } from 'orbus'

import { NASTY, caught } from './support/nasty.mjs'
import { collectUntil, newBus, post, question, requestOf, run, samplesOf, startServer, waitFor } from './support/index.mjs'

setFlagsFromString('--expose-gc')
globalThis.gc = runInNewContext('gc')

const KEY = 'sk-or-v1-0123456789abcdef'
const COMPLETION = JSON.stringify({
  id: 'gen-1', model: 'acme/large-2024', choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
})

function open(t, options) {
  const bus = newBus(t)
  const errors = []
  const producer = new Producer({ bot: 'node', bus, onError: (error) => errors.push(error) })
  return { bus, producer, errors, fetch: instrumentFetch(globalThis.fetch, { bus: producer, ...options }) }
}

/** A server of this process, so that what it could send is known here. */
async function listen(t, handler) {
  const server = http.createServer(handler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${server.address().port}/api/v1/chat/completions`
}

const respond = (body, headers = {}) => (_, response) => {
  response.writeHead(200, { 'Content-Type': 'application/json', ...headers })
  response.end(body)
}

test('the Response is as it was', async (t) => {
  const url = await listen(t, (request, response) => {
    if (request.url.endsWith('?from')) return response.writeHead(307, { Location: '/api/v1/chat/completions' }).end()
    response.writeHead(201, 'Made', { 'Content-Type': 'application/json', 'X-One': '1', 'Set-Cookie': ['a=1', 'b=2'] })
    response.end(COMPLETION)
  })
  const { fetch } = open(t)
  const plain = await globalThis.fetch(`${url}?from`, post(question()))
  const measured = await fetch(`${url}?from`, post(question()))
  assert.ok(measured instanceof Response)
  assert.equal(measured.constructor, Response)
  for (const key of ['url', 'redirected', 'type', 'status', 'statusText', 'ok', 'bodyUsed']) {
    assert.equal(measured[key], plain[key], key)
  }
  assert.equal(measured.redirected, true)
  const headers = (response) => [...response.headers].filter(([name]) => name !== 'date')
  assert.deepEqual(headers(measured), headers(plain))
  assert.deepEqual(measured.headers.getSetCookie(), ['a=1', 'b=2'])
  const twin = measured.clone()
  assert.deepEqual([twin.url, twin.redirected, twin.type], [plain.url, true, plain.type])
  assert.deepEqual(await twin.json(), await measured.json())
  assert.equal(measured.bodyUsed, true)
  await assert.rejects(measured.text(), TypeError)
})

test('every way to read a body gives every byte, and one sample', async (t) => {
  const url = await listen(t, respond(COMPLETION))
  const bytes = Buffer.from(COMPLETION)
  for (const [name, read] of Object.entries({
    text: (r) => r.text(),
    json: async (r) => JSON.stringify(await r.json()),
    arrayBuffer: (r) => r.arrayBuffer(),
    blob: async (r) => {
      const blob = await r.blob()
      assert.equal(blob.type, 'application/json')
      return blob.arrayBuffer()
    },
    iterator: async (r) => Buffer.concat(await Array.fromAsync?.(r.body) ?? await collect(r.body)),
    reader: async (r) => Buffer.concat(await collect(pulled(r.body.getReader()))),
    byob: async (r) => Buffer.concat(await collect(pulledByob(r.body.getReader({ mode: 'byob' })))),
    tee: async (r) => {
      const [one, two] = r.body.tee()
      const [a, b] = await Promise.all([one, two].map((body) => new Response(body).text()))
      assert.equal(a, b)
      return a
    },
    pipe: (r) => new Response(r.body.pipeThrough(new TransformStream())).text(),
  })) {
    const { bus, fetch } = open(t)
    const body = await read(await fetch(url, post(question())))
    assert.deepEqual(Buffer.from(body), bytes, name)
    const sample = await requestOf(bus)
    assert.deepEqual([sample.status, sample.completion_tokens], ['ok', 2], name)
  }
})

async function collect(chunks) {
  const all = []
  for await (const chunk of chunks) all.push(chunk)
  return all
}

async function* pulled(reader) {
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
}

async function* pulledByob(reader) {
  for (;;) {
    const { done, value } = await reader.read(new Uint8Array(7))
    if (done) return
    yield value
  }
}

test('nothing is read ahead of the caller', async (t) => {
  let sent = 0
  const chunk = `data: ${JSON.stringify({ choices: [{ delta: { content: 'x'.repeat(60000) } }] })}\n\n`
  const url = await listen(t, (_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    const send = () => {
      while (sent < 1000 && !response.destroyed) {
        sent++
        if (!response.write(chunk)) return void response.once('drain', send)
      }
      if (!response.destroyed) response.end('data: [DONE]\n\n')
    }
    send()
  })
  // How far a server gets while nobody reads is the network's affair: the same without orbus.
  const far = async (fetch) => {
    sent = 0
    const response = await fetch(url, post(question({ stream: true })))
    const reader = response.body.getReader()
    await reader.read()
    let before
    do {
      before = sent
      await sleep(300)
    } while (sent !== before)
    await reader.cancel()
    return sent
  }
  const { bus, fetch } = open(t)
  const plain = await far(globalThis.fetch)
  const measured = await far(fetch)
  t.diagnostic(`${plain} chunks without orbus, ${measured} with it`)
  assert.ok(plain < 900, `the network takes it all: ${plain}`)
  assert.ok(measured <= plain + 100, `${measured} chunks were sent, ${plain} without orbus`)
  assert.equal((await requestOf(bus)).status, 'cancelled')
})

test('chunks come one by one, as they are sent', async (t) => {
  const server = await startServer(t)
  await server.answer('slow stream')
  const { bus, fetch } = open(t)
  const response = await fetch(server.completions, post(question({ stream: true })))
  let text = ''
  for await (const chunk of response.body) {
    text += new TextDecoder().decode(chunk)
    if (text.includes('w4')) break
  }
  assert.doesNotMatch(text, /DONE/) // which the server sends seconds later
  const sample = await requestOf(bus)
  assert.equal(sample.status, 'cancelled')
  assert.ok(sample.ttft_ms <= sample.response_ms)
})

test('errors are the same objects', async (t) => {
  const refused = new TypeError('fetch failed')
  const broken = new Error('the stream broke')
  const { bus, producer } = open(t)
  const fetch = instrumentFetch(async (url) => {
    if (url.includes('refused')) throw refused
    return new Response(new ReadableStream({
      start(controller) { controller.enqueue(Buffer.from('data: {"choices": [{"delta": {"content": "x"}}]}\n\n')) },
      pull(controller) { controller.error(broken) },
    }), { headers: { 'Content-Type': 'text/event-stream' } })
  }, { bus: producer })
  await assert.rejects(fetch('http://refused/chat/completions', post(question())), (e) => e === refused)
  const response = await fetch('http://broken/chat/completions', post(question({ stream: true })))
  await assert.rejects(response.text(), (e) => e === broken)
  const samples = await samplesOf(bus)
  assert.deepEqual(samples.map((s) => [s.status, s.error_type, s.error_message]),
    [['error', 'transfer_failed', 'TypeError'], ['error', 'transfer_failed', 'Error']])
})

test('memory that others share is not given away', async (t) => {
  const pooled = Buffer.from(COMPLETION) // in the pool of small Buffers
  const neighbour = Buffer.from('neighbour')
  const { bus, producer } = open(t)
  const fetch = instrumentFetch(async () => new Response(new ReadableStream({
    pull(controller) { controller.enqueue(pooled); controller.close() },
  })), { bus: producer })
  const response = await fetch('http://x/chat/completions', post(question()))
  assert.equal(await response.text(), COMPLETION)
  assert.equal(pooled.toString() + neighbour.toString(), `${COMPLETION}neighbour`)
  assert.equal((await requestOf(bus)).status, 'ok')
})

test('an abort reaches the caller as ever', async (t) => {
  const server = await startServer(t)
  for (const [answer, when, reason, status, type] of [
    ['silent', 'before', undefined, 'cancelled'],
    ['hanging stream', 'within', undefined, 'cancelled'],
    ['hanging stream', 'within', new Error('the user left'), 'cancelled'],
    ['silent', 'timeout', undefined, 'timeout', 'timeout_total'],
    ['hanging stream', 'timeout', undefined, 'timeout', 'timeout_total'],
  ]) {
    await server.answer(answer)
    const { bus, fetch } = open(t)
    const controller = new AbortController()
    const signal = when === 'timeout' ? AbortSignal.timeout(300) : controller.signal
    if (when === 'before') sleep(100).then(() => controller.abort(reason))
    const seen = await fetch(server.completions, { ...post(question({ stream: true })), signal })
      .then(async (response) => {
        const reader = response.body.getReader()
        await reader.read()
        if (when === 'within') controller.abort(reason)
        return reader.read()
      })
      .catch((error) => error)
    assert.equal(seen, signal.reason, `${answer} ${when}`)
    const sample = await requestOf(bus)
    assert.deepEqual([sample.status, sample.error_type], [status, type], `${answer} ${when}`)
  }
})

test('a signal breaks the stream within its abort(), as without orbus', async (t) => {
  const server = await startServer(t)
  await server.answer('hanging stream')
  const { fetch } = open(t)
  for (const ask of [globalThis.fetch, fetch]) {
    const controller = new AbortController()
    const { body } = await ask(server.completions, { ...post(question({ stream: true })), signal: controller.signal })
    assert.equal(isErrored(body), false)
    controller.abort()
    assert.equal(isErrored(body), true)
  }
})

test('an abort while nobody reads is seen at once', async (t) => {
  const server = await startServer(t)
  await server.answer('hanging stream')
  const { bus, fetch } = open(t)
  const controller = new AbortController()
  const response = await fetch(server.completions, { ...post(question({ stream: true })), signal: controller.signal })
  const reader = response.body.getReader()
  controller.abort()
  await assert.rejects(reader.closed, { name: 'AbortError' })
  assert.equal((await requestOf(bus)).status, 'cancelled')
})

test('a client that aborts by a timer of its own is told apart by its limit', async (t) => {
  const server = await startServer(t)
  await server.answer('silent')
  const { bus, fetch } = open(t, { timeout: 200 })
  const controller = new AbortController()
  const answer = fetch(server.completions, { ...post(question()), signal: controller.signal })
  setTimeout(() => controller.abort(), 250)
  await assert.rejects(answer)
  assert.deepEqual((({ status, error_type }) => [status, error_type])(await requestOf(bus)), ['timeout', 'timeout_total'])
})

test('a Response that nobody reads ends as cancelled when it is collected', async (t) => {
  const server = await startServer(t)
  await server.answer('hanging stream')
  const { bus, fetch } = open(t)
  await (async () => { await fetch(server.completions, post(question({ stream: true }))) })()
  await collectUntil(async () => (await samplesOf(bus)).length > 0, 'the sample of what was collected')
  assert.equal((await requestOf(bus)).status, 'cancelled')
})

test('an answer that nobody reads takes until it was seen last, and its status tells how it ended', async (t) => {
  for (const [status, partly, wanted] of [[200, false, ['cancelled', undefined]], [200, true, ['cancelled', undefined]],
    [429, false, ['error', 'rate_limited']], [500, true, ['error', 'server_error']]]) {
    const url = await listen(t, (_, response) => {
      response.writeHead(status, { 'Content-Type': 'application/json' })
      response.write('{"id": "gen-1", ')
    })
    const { bus, fetch } = open(t)
    const before = Date.now()
    await (async () => {
      const response = await fetch(url, post(question()))
      if (partly) await response.body.getReader().read()
    })()
    const answered = Date.now()
    await sleep(1000)
    await collectUntil(async () => (await samplesOf(bus)).length > 0, 'the sample of what was collected')
    const sample = await requestOf(bus)
    assert.deepEqual([sample.status, sample.error_type], wanted)
    assert.ok(sample.response_ms <= answered - before + 5, `${sample.response_ms} ms, not ${answered - before}`)
    assert.ok(Date.parse(sample.ts) <= answered + 5, sample.ts)
  }
})

test('what the network holds does not hold a stream that was read in part', async (t) => {
  const { bus, producer } = open(t)
  let network
  const body = new ReadableStream({
    start(controller) {
      network = controller
      controller.enqueue(Buffer.from('{"id": "gen-1"'))
    },
  })
  const fetch = instrumentFetch(async () => new Response(body), { bus: producer })
  await (async () => {
    const response = await fetch('http://x/chat/completions', post(question()))
    await response.body.getReader().read()
  })()
  await collectUntil(async () => (await samplesOf(bus)).length > 0, 'the sample of what was collected')
  assert.throws(() => network.enqueue(Buffer.from('more')), TypeError) // it was cancelled
})

test('a Response that is still read is not collected', async (t) => {
  const server = await startServer(t)
  await server.answer('slow stream')
  const { bus, fetch } = open(t)
  const reader = (await fetch(server.completions, post(question({ stream: true })))).body.getReader()
  for (let n = 0; n < 100; n++) {
    globalThis.gc()
    if ((await reader.read()).done) break
  }
  await reader.cancel()
  const sample = await requestOf(bus)
  assert.ok(sample.completion_tokens > 20, JSON.stringify(sample))
})

test('the whole answer counts, though the connection stays open', async (t) => {
  const server = await startServer(t)
  await server.answer('open after the end')
  const { bus, fetch } = open(t)
  const response = await fetch(server.completions, post(question({ stream: true })))
  const reader = response.body.getReader()
  let text = ''
  while (!text.includes('[DONE]')) text += new TextDecoder().decode((await reader.read()).value)
  const sample = await requestOf(bus)
  assert.deepEqual([sample.status, sample.completion_tokens], ['ok', 3])
  await reader.cancel()
  await sleep(50)
  assert.equal((await samplesOf(bus)).length, 1)
})

test('a Request is understood, however its body comes', async (t) => {
  const server = await startServer(t)
  await server.answer('stream')
  const body = JSON.stringify(question({ stream: true }))
  const init = { method: 'POST', headers: { 'Content-Type': 'application/json' } }
  for (const [name, input, options] of [
    ['Request', new Request(server.completions, { ...init, body })],
    ['Request with init', new Request(server.completions, init), { body }],
    ['URL', new URL(server.completions), { ...init, body }],
    ['query', `${server.completions}?a=b`, { ...init, body }],
    ['bytes', server.completions, { ...init, body: Buffer.from(body) }],
    ['ArrayBuffer', server.completions, { ...init, body: new Uint8Array(Buffer.from(body)).buffer }],
  ]) {
    const { bus, fetch } = open(t)
    assert.match(await (await fetch(input, options)).text(), /\[DONE\]/, name)
    const sample = await requestOf(bus)
    assert.deepEqual([sample.status, sample.requested_model, sample.stream], ['ok', 'acme/large', true], name)
    assert.ok(sample.response_ms > 0, name)
  }
  // A body that is a stream is the caller's; the answer still tells what it is.
  const { bus, fetch } = open(t)
  const streamed = { ...init, body: new Blob([body]).stream(), duplex: 'half' }
  await (await fetch(server.completions, streamed)).text()
  const sample = await requestOf(bus)
  assert.deepEqual([sample.status, sample.requested_model, sample.stream], ['ok', undefined, true])
})

test('only completions are measured', async (t) => {
  const url = await listen(t, respond('{}'))
  const { bus, producer } = open(t)
  const seen = []
  const fetch = instrumentFetch((...call) => (seen.push(call), globalThis.fetch(...call)), { bus: producer })
  const base = url.replace('/chat/completions', '')
  for (const [path, init] of [['/models', undefined], ['/chat/completions', { method: 'GET' }],
    ['/embeddings', { method: 'POST' }], ['/x?to=/chat/completions', { method: 'POST' }]]) {
    const response = await fetch(base + path, init)
    assert.equal(Object.hasOwn(response, 'url'), false, path)
    await response.text()
  }
  assert.equal(seen.length, 4)
  assert.deepEqual(await samplesOf(bus, { kind: 'all' }), [])
  await (await fetch(url, { method: 'post', body: '{"model": "m"}' })).text()
  assert.equal((await requestOf(bus)).requested_model, 'm')
  await (await fetch(`${base}/completions`, { method: 'POST', body: '{"model": "old", "prompt": "Hi"}' })).text()
  assert.deepEqual((await samplesOf(bus)).map((sample) => sample.requested_model), ['m', 'old'])
})

test('tags, of all requests or of each', async (t) => {
  const url = await listen(t, respond(COMPLETION))
  for (const tags of [{ user: 'ann' }, (input) => ({ user: String(input).startsWith('http') ? 'ann' : '' })]) {
    const { bus, fetch } = open(t, { tags })
    await (await fetch(url, post(question()))).text()
    assert.deepEqual((await requestOf(bus)).tags, { user: 'ann' })
  }
})

test('the key never enters the bus', async (t) => {
  const server = await startServer(t)
  await server.answer('repeats the key')
  const authorization = `Bearer ${KEY}`
  for (const headers of [{ authorization }, [['Authorization', authorization]], new Headers({ authorization })]) {
    const { bus, fetch } = open(t)
    await (await fetch(server.completions, { method: 'POST', headers, body: JSON.stringify(question()) })).text()
    const sample = await requestOf(bus)
    assert.match(sample.error_message, /^no such key: \*+$/)
    assert.equal(sample.error_type, 'unauthorized')
  }
})

const withMessage = (message) => (_, response) => {
  response.writeHead(400, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify({ error: { message } }))
}

test('no prompt enters the bus, of a body that can be seen or not', async (t) => {
  const url = await listen(t, withMessage('no: say  HELLO, please'))
  const text = JSON.stringify(question({ messages: [{ role: 'user', content: 'Say hello, please.' }] }))
  const bytes = new TextEncoder().encode(text)
  const init = { method: 'POST', duplex: 'half' }
  for (const [body, why] of [[text, 'it repeats the request'], [bytes, 'it repeats the request'],
    [new Blob([text]).stream(), 'the request was not seen']]) {
    const { bus, fetch } = open(t)
    await (await fetch(url, { ...init, body })).text()
    assert.equal((await requestOf(bus)).error_message, `(text withheld: ${why})`)
  }
  const { bus, fetch } = open(t)
  await (await fetch(new Request(url, { method: 'POST', body: text }))).text()
  assert.match((await requestOf(bus)).error_message, /^\(text withheld: /)
})

test('each key of a request is hidden, also one of asterisks', async (t) => {
  for (const key of ['0123456789-abcdef', '********************']) {
    const url = await listen(t, withMessage(`bad key ${key}`))
    for (const [query, headers] of [['', { 'X-Api-Key': key }], ['', { cookie: key }], ['', { authorization: key }],
      ['', new Headers({ 'x-goog-api-key': key })], [`?key=${key}`, {}]]) {
      const { bus, fetch } = open(t)
      await (await fetch(url + query, { method: 'POST', headers, body: JSON.stringify(question()) })).text()
      assert.equal((await requestOf(bus)).error_message, `bad key ${'*'.repeat(key.length)}`)
    }
  }
})

test('what goes wrong in orbus stays there', async (t) => {
  const url = await listen(t, respond(COMPLETION))
  const { bus, producer, errors, fetch } = open(t, { tags: () => { throw new Error('of the tags') } })
  assert.equal(await (await fetch(url, post(question()))).text(), COMPLETION)
  assert.match(errors[0].message, /of the tags/)
  const late = instrumentFetch(globalThis.fetch, { bus: producer })
  const response = await late(url, post(question()))
  producer.close()
  assert.equal(await response.text(), COMPLETION)
  assert.equal(await (await late(url, post(question()))).text(), COMPLETION)
  assert.equal(producer.dropped, 2)
  assert.deepEqual(await samplesOf(bus), [])
})

test('a Response of another kind is handed on, and told', async (t) => {
  const { bus, producer, errors } = open(t)
  const body = async function* () { yield Buffer.from(COMPLETION) }
  const foreign = { status: 200, headers: new Headers(), body: body() } // as node-fetch's
  const fetch = instrumentFetch(async () => foreign, { bus: producer })
  assert.equal(await fetch('http://x/chat/completions', post(question())), foreign)
  const sample = await requestOf(bus)
  assert.deepEqual([sample.status, sample.http_status, sample.completion_tokens], ['ok', 200, undefined])
  assert.match(errors[0].message, /no web stream/)
  assert.doesNotMatch(errors[0].message, /tmpfs/)
})

test("a Response with Node's stream ends with it", async (t) => {
  const { bus, producer } = open(t)
  let body
  const fetch = instrumentFetch(async () => ({ status: 200, headers: new Headers(), body }), { bus: producer })
  body = Readable.from([COMPLETION])
  const whole = await fetch('http://x/chat/completions', post(question()))
  assert.deepEqual(await samplesOf(bus), [])
  for await (const _ of whole.body);
  body = Readable.from([COMPLETION])
  ;(await fetch('http://x/chat/completions', post(question()))).body.destroy()
  const samples = await waitFor(async () => (await samplesOf(bus)).length === 2 && samplesOf(bus), 'two samples')
  assert.deepEqual(samples.map(({ status }) => status), ['ok', 'cancelled'])
})

test('an abort that a timer makes is a time-out, and any other is none', async (t) => {
  const url = await listen(t, () => {})
  const late = (abort) => {
    const controller = new AbortController()
    abort(controller)
    return controller.signal
  }
  // As SDKs do it: a controller of their own, which the user's signal aborts too.
  const follow = (signal) => late((controller) => signal.addEventListener('abort', () => controller.abort()))
  for (const [signal, status] of [
    [AbortSignal.timeout(100), 'timeout'], [follow(AbortSignal.timeout(100)), 'timeout'],
    [late((controller) => setTimeout(() => controller.abort(), 100)), 'timeout'],
    [follow(late((controller) => setTimeout(() => controller.abort(), 100))), 'timeout'],
    [late(async (controller) => { await sleep(100); controller.abort() }), 'cancelled'],
    [follow(late(async (controller) => { await sleep(100); controller.abort() })), 'cancelled'],
    [late((controller) => setTimeout(() => controller.abort(new RangeError('mine')), 100)), 'timeout'],
    [late((controller) => setTimeout(() => controller.abort(null), 100)), 'timeout'],
    [late((controller) => setImmediate(() => controller.abort())), 'cancelled'],
    [late((controller) => setImmediate(() => controller.abort(new RangeError('mine')))), 'cancelled'],
  ]) {
    const { bus, fetch } = open(t)
    await caught(fetch(url, { ...post(question()), signal }))
    const sample = await requestOf(bus)
    assert.deepEqual([sample.status, sample.error_type], [status, status === 'timeout' ? 'timeout_total' : undefined])
  }
})

test("node-fetch's Response is measured in part, and that is told once", async (t) => {
  const url = await listen(t, respond(COMPLETION))
  const { bus, producer, errors } = open(t)
  const fetch = instrumentFetch(nodeFetch, { bus: producer })
  for (let n = 0; n < 3; n++) assert.equal((await (await fetch(url, post(question()))).json()).id, 'gen-1')
  assert.deepEqual((await samplesOf(bus)).map((s) => [s.status, s.http_status, s.requested_model]),
    Array(3).fill(['ok', 200, 'acme/large']))
  assert.equal(errors.length, 1)
  const [alone, measured] = await Promise.all([nodeFetch, fetch].map((ask) => caught(ask('http://127.0.0.1:1/chat/completions', post({})))))
  assert.deepEqual([measured.error.constructor, measured.error.code], [alone.error.constructor, alone.error.code])
  const aborted = open(t)
  const silent = await listen(t, () => {})
  const signal = AbortSignal.timeout(100)
  await assert.rejects(instrumentFetch(nodeFetch, { bus: aborted.producer })(silent, { ...post(question()), signal }), { name: 'AbortError' })
  assert.equal((await requestOf(aborted.bus)).status, 'timeout')
})

test("a node-fetch Response that nobody reads ends when it was seen last", async (t) => {
  const url = await listen(t, (_, response) => response.writeHead(429).end('x'))
  const { bus, producer } = open(t)
  const before = Date.now()
  await (async () => { await instrumentFetch(nodeFetch, { bus: producer })(url, post(question())) })()
  const answered = Date.now()
  await sleep(500)
  await collectUntil(async () => (await samplesOf(bus)).length > 0, 'the sample of what was collected')
  const sample = await requestOf(bus)
  assert.equal(sample.error_type, 'rate_limited')
  assert.ok(sample.response_ms <= answered - before + 5, `${sample.response_ms}`)
})

test('what cannot be measured passes, is counted, and is told once', async (t) => {
  const url = await listen(t, respond(COMPLETION))
  const { bus, producer, errors, fetch } = open(t)
  const asks = [
    [url, new Proxy(post(question()), {})], [url, { ...post(question()), get headers() { return {} } }],
    [url, { ...post(question()), headers: new Map([['a', 'b']]).entries() }], [{ toString: () => url }, post(question())],
    [url.replace('/api/v1/chat/completions', '/v1/responses'), post({})],
    [url.replace('/api/v1/chat/completions', '/v1/embeddings'), post({})],
    [url.replace('/api/v1/chat/completions', '/v1/messages'), post({})],
  ]
  for (let n = 0; n < 2; n++) for (const ask of asks) assert.equal(await (await fetch(...ask)).text(), COMPLETION)
  assert.equal(producer.unmeasured, 2 * asks.length)
  assert.deepEqual(await samplesOf(bus, { kind: 'all' }), [])
  assert.equal(new Set(errors.map((error) => error.message)).size, errors.length)
  for (const error of errors) assert.match(error.message, /^a call of fetch is not measured: /)
  assert.equal(errors.length, 5)
  // A program's own messages are none of an LLM.
  await (await fetch(url.replace('/v1/chat/completions', '/v10/channels/1/messages'), post({}))).text()
  assert.equal(producer.unmeasured, 2 * asks.length)
})

test('a fetch that gives no promise gives what it gives', async (t) => {
  const { bus, producer } = open(t)
  const given = {}
  assert.equal(instrumentFetch(() => given, { bus: producer })('http://x/chat/completions', post(question())), given)
  assert.equal((await requestOf(bus)).status, 'cancelled')
})

test('the measured fetch is called as the fetch is, and looks like it', async (t) => {
  const { producer, fetch } = open(t)
  assert.deepEqual([fetch.name, fetch.length], [globalThis.fetch.name, globalThis.fetch.length])
  let seen
  const self = {}
  const own = instrumentFetch(function (...given) { seen = [this, given]; return Promise.resolve(new Response('{}')) }, { bus: producer })
  const given = ['http://x/chat/completions', post(question()), { of: 'the program' }]
  await own.apply(self, given)
  assert.equal(seen[0], self)
  assert.deepEqual(seen[1].map((one, n) => one === given[n]), [true, true, true])
})

test('one signal for many calls warns as ever, and keeps no listener', async (t) => {
  const url = await listen(t, respond(COMPLETION))
  const { fetch } = open(t)
  for (const ask of [globalThis.fetch, fetch]) {
    const warnings = []
    const onWarning = (warning) => warnings.push(warning.name)
    process.on('warning', onWarning)
    const { signal } = new AbortController()
    await Promise.all(Array.from({ length: 60 }, async () => (await ask(url, { ...post(question()), signal })).text()))
    await sleep(10)
    process.off('warning', onWarning)
    assert.deepEqual(warnings, [])
    globalThis.gc()
    const left = getEventListeners(signal, 'abort').length
    if (ask === fetch) assert.ok(left <= 60, `${left} listeners`)
  }
})

test("a program's own stack traces are left alone", async (t) => {
  const url = await listen(t, () => {})
  const { bus, fetch } = open(t)
  const { prepareStackTrace, stackTraceLimit } = Error
  t.after(() => { Error.prepareStackTrace = prepareStackTrace })
  const ours = []
  const mine = (error, frames) => {
    ours.push(...frames.filter((frame) => String(frame.getFileName()).endsWith('/lib/fetch.js')).slice(0, 1))
    return 'mine'
  }
  Error.prepareStackTrace = mine
  const controller = new AbortController()
  setTimeout(() => controller.abort(null), 50)
  await caught(fetch(url, { ...post(question()), signal: controller.signal }))
  const after = [Error.prepareStackTrace, Error.stackTraceLimit]
  Error.prepareStackTrace = prepareStackTrace
  assert.deepEqual(after, [mine, stackTraceLimit])
  assert.deepEqual(ours.map((frame) => frame.getFunctionName()), [])
  assert.equal((await requestOf(bus)).status, 'timeout')
})

test('a process ends as it would alone', async (t) => {
  const url = await listen(t, respond(COMPLETION))
  const program = (how) => `
    import { Producer } from 'orbus'
    const bus = new Producer({ bot: 'alone', bus: ${JSON.stringify(newBus(t))} })
    const fetch = process.argv[1] === 'measured' ? bus.fetch : globalThis.fetch
    const ask = () => fetch(${JSON.stringify(url)}, { method: 'POST', body: '{}' })
    process.on('exit', (code) => console.log('exit', code))
    ${how}`
  for (const how of ['await ask()', '(await ask()).text()', 'ask()', 'await ask(); process.exit(3)', 'ask(); process.exit(3)',
    'fetch("http://127.0.0.1:1/chat/completions", { method: "POST" })', 'ask().then(() => { throw new RangeError("mine") })',
    'await bus.measure({}, ask)', 'bus.measure({}, () => { throw new RangeError("mine") })']) {
    const [alone, measured] = await Promise.all(['alone', 'measured'].map(async (which) => {
      const done = await run(process.execPath, ['--input-type=module', '-e', program(how), which], { timeout: 60000 }).catch((error) => error)
      return { code: done.code, killed: done.killed, stdout: done.stdout, error: /^\w+Error.*/m.exec(done.stderr)?.[0] }
    }))
    assert.deepEqual(measured, alone, how)
    assert.notEqual(measured.killed, true, how)
  }
})

test('a Response without a body', async (t) => {
  const { bus, producer } = open(t)
  const fetch = instrumentFetch(async () => new Response(null, { status: 204 }), { bus: producer })
  assert.equal((await fetch('http://x/chat/completions', post(question()))).status, 204)
  assert.equal((await requestOf(bus)).error_type, 'malformed_response')
})

function withGlobalFetch(t, fetch) {
  const original = globalThis.fetch
  t.after(() => { globalThis.fetch = original })
  globalThis.fetch = fetch
}

test('bus.fetch is the global fetch of when the producer was made, measured', async (t) => {
  withGlobalFetch(t, async () => new Response(COMPLETION))
  const { bus, producer } = open(t)
  assert.equal(producer.fetch, producer.fetch)
  const { fetch } = producer
  await (await fetch('http://x/chat/completions', post(question()))).json()
  assert.equal((await requestOf(bus)).status, 'ok')
  assert.equal(producer.getPerformanceStats().model, 'acme/large-2024')
})

test('bus.fetch may take the place of the global fetch', async (t) => {
  const url = await listen(t, respond(COMPLETION))
  for (const put of [
    (producer) => { globalThis.fetch = producer.fetch },
    (producer) => { globalThis.fetch = (...call) => producer.fetch(...call) },
    (producer) => { globalThis.fetch = async (...call) => (await sleep(1), producer.fetch(...call)) },
  ]) {
    withGlobalFetch(t, globalThis.fetch)
    const { bus, producer } = open(t)
    const original = globalThis.fetch
    put(producer)
    assert.equal((await (await fetch(url, post(question()))).json()).id, 'gen-1')
    assert.equal((await requestOf(bus)).status, 'ok')
    assert.equal((await samplesOf(bus, { kind: 'begin' })).length, 1)
    globalThis.fetch = original
  }
})

test('a call that passes two measured fetches counts once on a bus', async (t) => {
  const url = await listen(t, respond(COMPLETION))
  const { bus, producer, fetch: inner } = open(t)
  const outer = instrumentFetch(inner, { bus: producer, tags: { layer: 'outer' } })
  await (await outer(url, post(question()))).json()
  const sample = await requestOf(bus)
  assert.equal((await samplesOf(bus, { kind: 'begin' })).length, 1)
  assert.deepEqual(sample.tags, { layer: 'outer' })
  assert.equal(sample.completion_tokens, 2)
  withGlobalFetch(t, inner)
  const second = open(t)
  await (await second.producer.fetch(url, post(question()))).json()
  assert.equal((await requestOf(second.bus)).status, 'ok')
  // Each bus is told of the calls of its own fetches.
  assert.equal((await samplesOf(bus, { kind: 'begin' })).length, 2)
})

test("a key's id is published where it is asked for", async (t) => {
  const url = await listen(t, respond(COMPLETION))
  const key = 'sk-test-0123456789'
  const wanted = createHash('sha256').update(key).digest('hex').slice(0, 8)
  for (const [headers, keyId, id] of [[{ Authorization: `Bearer ${key}` }, true, wanted], [{ 'x-api-key': key }, true, wanted],
    [{}, true, undefined], [{ Authorization: `Bearer ${key}` }, undefined, undefined]]) {
    const { bus, producer } = open(t)
    const fetch = instrumentFetch(globalThis.fetch, { bus: producer, keyId })
    await (await fetch(url, { ...post(question()), headers })).json()
    assert.equal((await requestOf(bus)).key_id, id)
  }
})

test('a fetch that throws at once ends its request', async (t) => {
  const { bus, producer } = open(t)
  const problem = new RangeError('no')
  const fetch = instrumentFetch(() => { throw problem }, { bus: producer })
  assert.throws(() => fetch('http://x/chat/completions', post(question())), (error) => error === problem)
  assert.equal((await requestOf(bus)).status, 'error')
})

test('whatever is thrown or aborted with is what the caller gets', async (t) => {
  const url = await listen(t, () => {})
  for (const [name, problem] of NASTY) {
    const { bus, producer } = open(t)
    const fetch = instrumentFetch(async () => { throw problem }, { bus: producer, tags: () => problem })
    const thrown = await caught(fetch('http://x/chat/completions', post(question())))
    assert.ok(Object.is(thrown.error, problem), name)
    assert.notEqual((await requestOf(bus)).status, 'ok', name)
    const aborted = open(t)
    const [plain, measured] = await Promise.all([globalThis.fetch, aborted.fetch].map((ask) => {
      const controller = new AbortController()
      const call = caught(ask(url, { ...post(question()), signal: controller.signal }))
      controller.abort(problem)
      return call
    }))
    // Where undici makes an error of its own it is another each time.
    assert.ok(Object.is(measured.error, plain.error) || String(measured.error) === String(plain.error), name)
    assert.equal((await requestOf(aborted.bus)).status, 'cancelled', name)
  }
})

test('it says what it needs', () => {
  assert.throws(() => instrumentFetch(), TypeError)
  assert.throws(() => instrumentFetch(globalThis.fetch), /\{ bus \} must be a Producer/)
  assert.throws(() => instrumentFetch(globalThis.fetch, { bus: {} }), /\{ bus \} must be a Producer/)
})

test('a long stream is counted whole', async (t) => {
  const server = await startServer(t)
  await server.answer('long stream')
  const { bus, fetch } = open(t)
  let bytes = 0
  for await (const chunk of (await fetch(server.completions, post(question({ stream: true })))).body) bytes += chunk.length
  assert.ok(bytes > 4000 * 1000)
  assert.equal((await requestOf(bus)).completion_tokens, 4000)
})
