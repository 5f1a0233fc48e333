// A call is one sample, however many layers measure it, and each attempt is one.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import OpenAI from 'openai'
import { Producer, instrumentFetch } from 'orbus'

import { SOURCE, newBus, post, question, samplesOf } from './support/index.mjs'

const COMPLETION = JSON.stringify({
  id: 'gen-1', model: 'acme/large-2024', choices: [{ message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 3, total_tokens: 4 },
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

/* --- The table of all languages ------------------------------------------------------------------------ */

const BETWEEN = {
  once: (fetch) => fetch,
  again: (fetch) => async (...call) => {
    let response = await fetch(...call)
    for (let n = 0; n < 5 && !response.ok; n++) {
      await response.text() // one that is not read ends when it is collected
      response = await fetch(...call)
    }
    return response
  },
  twice: (fetch) => async (...call) => {
    await (await fetch(...call)).text()
    return fetch(...call)
  },
}

function askWithin(at, step) {
  const buses = step.buses ?? []
  const fetch = step.ask.reduceRight((inner, tags, n) => {
    const between = inner === globalThis.fetch ? inner : BETWEEN[step.between ?? 'once'](inner)
    return instrumentFetch(between, { bus: at.producers[buses[n] ?? 0], tags })
  }, globalThis.fetch)
  return ask(fetch, at.url, { model: step.model ?? 'acme/large' })
}

const WAYS_TO_WRAP = {
  'measure()': (producer, options, work) => producer.measure(options, work),
  'request()': async (producer, options, work) => {
    const request = producer.request(options)
    await work()
    request.end()
  },
}

async function runProgram(at, wrap, program) {
  for (const step of program) {
    if (step.ask !== undefined) await askWithin(at, step)
    else await wrap(at.producers[step.wrap.bus ?? 0], step.wrap, () => runProgram(at, wrap, step.do))
  }
}

const CASES = JSON.parse(readFileSync(path.join(SOURCE, 'tests/conformance/nesting.json'), 'utf8'))
for (const [way, wrap] of Object.entries(WAYS_TO_WRAP)) {
  test(`the table of layers, with ${way}`, async (t) => {
    for (const { name, program, failures, samples, other_bus: others = [] } of CASES) {
      await t.test(name, async (t) => {
        const at = await open(t, { failures })
        const other = newBus(t)
        at.producers = [at.producer, new Producer({ bot: 'other', bus: other }),
          new Producer({ bot: 'beside', bus: `/${at.bus}` })]
        await runProgram(at, wrap, program)
        for (const [bus, wanted] of [[at.bus, samples], [other, others]]) {
          const found = await samplesWithBegins(bus)
          assert.deepEqual(found.map((sample, n) =>
            Object.fromEntries(Object.keys(wanted[n] ?? sample).map((key) => [key, sample[key]]))), wanted)
        }
        assert.deepEqual(at.producers.map(({ dropped }) => dropped), [0, 0, 0])
      })
    }
  })
}

/* --- Node's own ways ------------------------------------------------------------------------------------ */

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
    asks.map(() => ['ok', 3, 200, { user: 'ann', layer: 'inner' }]))
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
  // A call that nobody measures, a program that fails before it calls.
  await at.producer.measure({ model: 'acme/large' }, () => ask(globalThis.fetch, at.url))
  const problem = new RangeError('mine')
  await assert.rejects(at.producer.measure({}, async () => { throw problem }), (error) => error === problem)
  assert.deepEqual((await samplesWithBegins(at.bus)).map(({ status, requested_model }) => [status, requested_model]),
    [['ok', 'acme/large'], ['error', undefined]])
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
      assert.equal(samples.at(-1).completion_tokens, 3)
    }
  }
})

test('a fetch of another bus within a measured one counts there too', async (t) => {
  const at = await open(t)
  const other = await open(t)
  const slowly = async (...call) => { await sleep(2); return other.fetch(...call) }
  await ask(instrumentFetch(slowly, { bus: at.producer }), at.url)
  for (const { bus } of [at, other]) {
    assert.deepEqual((await samplesWithBegins(bus)).map(({ status, completion_tokens }) => [status, completion_tokens]), [['ok', 3]])
  }
})

test('a request that nobody ends keeps no other from counting', async (t) => {
  const at = await open(t)
  for (let n = 0; n < 100; n++) at.producer.request({ model: 'acme/forgotten' })
  await ask(at.fetch, at.url)
  assert.deepEqual((await samplesOf(at.bus)).map(({ status }) => status), ['ok'])
})
