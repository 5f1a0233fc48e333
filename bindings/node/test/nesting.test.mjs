// A call is one sample, however many layers measure it, and each attempt is one.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import OpenAI from 'openai'
import { Producer, instrumentFetch } from 'orbus'

import { newBus, post, question, samplesOf } from './support/index.mjs'

const COMPLETION = JSON.stringify({
  id: 'gen-1', model: 'acme/large-2024', choices: [{ message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
})

/** A bus, a producer, and a server that answers, after so many failures. */
async function open(t, { failures = 0 } = {}) {
  const server = http.createServer((request, response) => {
    request.resume().on('end', () => {
      const isFailure = failures-- > 0
      response.writeHead(isFailure ? 503 : 200, { 'Content-Type': 'application/json', 'Retry-After-Ms': '1' })
      response.end(isFailure ? '{"error": {"message": "busy", "code": 503}}' : COMPLETION)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => { server.closeAllConnections(); server.close() })
  const bus = newBus(t)
  const base = `http://127.0.0.1:${server.address().port}/api/v1`
  const producer = new Producer({ bot: 'nesting', bus })
  return { bus, base, producer, url: `${base}/chat/completions`, fetch: producer.fetch }
}

/** The samples, each of which has its begin and no begin is left without one. */
async function samplesWithBegins(bus) {
  const samples = await samplesOf(bus)
  const begins = (await samplesOf(bus, { kind: 'begin' })).map(({ request_id }) => request_id).sort()
  assert.deepEqual(samples.map(({ begin_id, request_id }) => begin_id ?? request_id).sort(), begins)
  return samples
}

async function ask(fetch, url, more) {
  return (await fetch(url, post(question(more)))).json()
}

test('measure() around a measured fetch, and around a client, is one sample with the tags of both', async (t) => {
  const at = await open(t)
  const fetch = instrumentFetch(globalThis.fetch, { bus: at.producer, tags: { layer: 'inner', user: 'nobody' } })
  const client = new OpenAI({ apiKey: 'none', baseURL: at.base, fetch })
  const options = { model: 'acme/large', tags: { user: 'ann' } }
  const asks = [() => ask(fetch, at.url), () => client.chat.completions.create(question()),
    async () => { await sleep(5); return client.chat.completions.create(question()) }]
  for (const work of asks) {
    assert.equal((await at.producer.measure(options, async (request) => {
      const answer = await work()
      request.usage(answer.usage).set({ provider: 'by hand' })
      return answer
    })).id, 'gen-1')
  }
  const samples = await samplesWithBegins(at.bus)
  assert.deepEqual(samples.map(({ status, completion_tokens, http_status, tags }) => [status, completion_tokens, http_status, tags]),
    asks.map(() => ['ok', 2, 200, { user: 'ann', layer: 'inner' }]))
})

test('request() until its end is one sample with a call that it is', async (t) => {
  const at = await open(t)
  for (const model of ['acme/large', 'large', undefined]) {
    const request = at.producer.request({ model, tags: { user: 'ann' } })
    await ask(at.fetch, at.url)
    assert.equal(request.usage({ completionTokens: 2 }).end(), true)
    assert.equal(request.end(), false)
  }
  await ask(at.fetch, at.url) // after the end: by itself
  const samples = await samplesWithBegins(at.bus)
  assert.deepEqual(samples.map(({ tags }) => tags?.user), ['ann', 'ann', 'ann', undefined])
})

test('requests that run at once keep their own calls', async (t) => {
  const at = await open(t)
  await Promise.all(Array.from({ length: 20 }, async (_, n) => {
    const request = at.producer.request({ model: 'acme/large', tags: { user: String(n) } })
    await sleep(n % 5)
    await ask(at.fetch, at.url)
    request.end()
  }))
  const users = (await samplesWithBegins(at.bus)).map(({ tags }) => Number(tags.user)).sort((a, b) => a - b)
  assert.deepEqual(users, Array.from({ length: 20 }, (_, n) => n))
})

test('each attempt within measure() is a sample', async (t) => {
  const at = await open(t, { failures: 2 })
  const client = new OpenAI({ apiKey: 'none', baseURL: at.base, fetch: at.fetch, maxRetries: 2 })
  await at.producer.measure({ model: 'acme/large' }, () => client.chat.completions.create(question()))
  assert.deepEqual((await samplesWithBegins(at.bus)).map(({ status, attempt }) => [status, attempt]),
    [['error', 1], ['error', 2], ['ok', 3]])
})

test('what is no call within counts by itself', async (t) => {
  const at = await open(t)
  // A call of another model, a call of nobody's, a program that fails before it calls.
  await at.producer.measure({ model: 'acme/local' }, () => ask(at.fetch, at.url))
  await at.producer.measure({ model: 'acme/large' }, () => ask(globalThis.fetch, at.url))
  const problem = new RangeError('mine')
  await assert.rejects(at.producer.measure({}, async () => { throw problem }), (error) => error === problem)
  assert.deepEqual((await samplesWithBegins(at.bus)).map(({ status, requested_model }) => [status, requested_model]),
    [['ok', 'acme/large'], ['ok', 'acme/local'], ['ok', 'acme/large'], ['error', undefined]])
  // A program that fails after its call: the call went well.
  const second = await open(t)
  await assert.rejects(second.producer.measure({}, async () => { await ask(second.fetch, second.url); throw problem }),
    (error) => error === problem)
  assert.deepEqual((await samplesWithBegins(second.bus)).map(({ status }) => status), ['ok'])
})

test('two measured fetches, with anything between them, are one sample', async (t) => {
  const slowly = (fetch) => async (...call) => { await sleep(2); return fetch(...call) }
  const again = (fetch) => async (...call) => {
    const response = await fetch(...call)
    if (response.ok) return response
    await response.text()
    return fetch(...call)
  }
  for (const [between, failures, statuses] of [[(fetch) => fetch, 0, ['ok']], [slowly, 0, ['ok']],
    [(fetch) => again(slowly(fetch)), 1, ['error', 'ok']]]) {
    const at = await open(t, { failures })
    const layer = (fetch, name) => instrumentFetch(fetch, { bus: at.producer, tags: { layer: name } })
    const fetch = layer(between(layer(between(layer(globalThis.fetch, 'inner')), 'middle')), 'outer')
    for (const input of [[at.url, post(question())], [new Request(at.url, post(question()))]].slice(0, failures ? 1 : 2)) {
      const before = (await samplesOf(at.bus)).length
      assert.equal((await (await fetch(...input)).json()).id, 'gen-1')
      const samples = (await samplesWithBegins(at.bus)).slice(before)
      assert.deepEqual(samples.map(({ status, tags }) => [status, tags.layer]), statuses.map((status) => [status, 'outer']))
      assert.equal(samples.at(-1).completion_tokens, 2)
    }
  }
})

test('a fetch of another producer within a measured one does not count again', async (t) => {
  const at = await open(t)
  const other = await open(t)
  const slowly = async (...call) => { await sleep(2); return other.fetch(...call) }
  await ask(instrumentFetch(slowly, { bus: at.producer }), at.url)
  assert.equal((await samplesWithBegins(at.bus)).length, 1)
  assert.deepEqual(await samplesOf(other.bus, { kind: 'all' }), [])
})

test('a request that nobody ends keeps no other from counting', async (t) => {
  const at = await open(t)
  for (let n = 0; n < 100; n++) at.producer.request({ model: 'acme/forgotten' })
  await ask(at.fetch, at.url)
  assert.deepEqual((await samplesOf(at.bus)).map(({ status }) => status), ['ok'])
})
