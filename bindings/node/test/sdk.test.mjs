// The SDKs that programs use, with the instrumented fetch handed to them: they notice nothing, and
// each of their tries is a sample.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createOpenRouter } from '@openrouter/ai-sdk-provider'
import { HTTPClient, OpenRouter } from '@openrouter/sdk'
import { generateText, streamText } from 'ai'
import OpenAI from 'openai'
import { Producer } from 'orbus'

import { newBus, requestOf, samplesOf, startServer, waitFor } from './support/index.mjs'

const MESSAGES = [{ role: 'user', content: 'Say hello.' }]
const WHOLE = { status: 'ok', model: 'acme/large-2024', requested_model: 'acme/large', provider: 'Acme',
  prompt_tokens: 12, completion_tokens: 3, total_tokens: 15, cost_usd: 0.00042 }

async function open(t) {
  const bus = newBus(t)
  const server = await startServer(t)
  return { bus, server, producer: new Producer({ bot: 'sdk', bus }) }
}

const openai = ({ server, producer }, options) =>
  new OpenAI({ baseURL: server.url, apiKey: 'none', fetch: producer.fetch, maxRetries: 0, ...options })

function assertHas(sample, wanted) {
  assert.deepEqual(Object.fromEntries(Object.keys(wanted).map((key) => [key, sample[key]])), wanted)
}

test("OpenAI's SDK: whole, streamed, raw and by helper", async (t) => {
  const at = await open(t)
  const client = openai(at)
  const body = { model: 'acme/large', messages: MESSAGES }
  const words = async (stream) => {
    let text = ''
    for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? ''
    return text
  }
  const streamed = [
    async () => words(await client.chat.completions.create({ ...body, stream: true })),
    async () => words((await client.chat.completions.create({ ...body, stream: true }).withResponse()).data),
    async () => (await client.chat.completions.create({ ...body, stream: true }).asResponse()).text()
      .then((text) => text.match(/"content": "[^"]+"/g).map((part) => JSON.parse(`{${part}}`).content).join('')),
    async () => client.chat.completions.stream(body).finalContent(),
    async () => words((await client.chat.completions.create({ ...body, stream: true })).tee()[0]),
  ]
  await at.server.answer('stream')
  for (const ask of streamed) assert.equal(await ask(), 'Hello there!')
  await at.server.answer('completion')
  assert.equal((await client.chat.completions.create(body)).choices[0].message.content, 'Hello there!')
  const { response } = await client.chat.completions.create(body).withResponse()
  assert.equal(response.url, at.server.completions)
  const samples = await samplesOf(at.bus)
  assert.equal(samples.length, streamed.length + 2)
  for (const [n, sample] of samples.entries()) {
    assertHas(sample, { ...WHOLE, stream: n < streamed.length ? true : undefined, attempt: 1 })
  }
})

test("OpenAI's SDK: each try is a sample", async (t) => {
  const at = await open(t)
  await at.server.answer('rate limited, then a stream')
  const stream = await openai(at, { maxRetries: 2 }).chat.completions.create({ model: 'acme/large', messages: MESSAGES, stream: true })
  for await (const _ of stream);
  const samples = await samplesOf(at.bus)
  assert.deepEqual(samples.map((s) => [s.status, s.error_type, s.attempt, s.http_status]),
    [['error', 'rate_limited', 1, 429], ['ok', undefined, 2, 200]])
})

test("OpenAI's SDK: a limit of the client's, and a signal that is one", async (t) => {
  const at = await open(t)
  const body = { model: 'acme/large', messages: MESSAGES, stream: true }
  await at.server.answer('silent')
  await assert.rejects(openai(at, { timeout: 500 }).chat.completions.create(body), OpenAI.APIConnectionTimeoutError)
  await assert.rejects(openai(at).chat.completions.create(body, { signal: AbortSignal.timeout(500) }), OpenAI.APIUserAbortError)
  const samples = await waitFor(async () => (await samplesOf(at.bus)).length === 2 && samplesOf(at.bus), 'two samples')
  assert.deepEqual(samples.map((s) => [s.status, s.error_type]), [['timeout', 'timeout_total'], ['timeout', 'timeout_total']])
})

test("OpenAI's SDK: its own errors, its timeout, and a user who leaves", async (t) => {
  const at = await open(t)
  const body = { model: 'acme/large', messages: MESSAGES, stream: true }
  const client = openai(at)
  await at.server.answer('rate limited')
  await assert.rejects(client.chat.completions.create(body), OpenAI.RateLimitError)
  await at.server.answer('silent')
  await assert.rejects(client.chat.completions.create(body, { timeout: 1000 }), OpenAI.APIConnectionTimeoutError)
  await at.server.answer('hanging stream')
  for await (const _ of await client.chat.completions.create(body)) break
  const controller = new AbortController()
  const stream = await client.chat.completions.create(body, { signal: controller.signal })
  for await (const _ of stream) controller.abort()
  await at.server.answer('broken')
  await assert.rejects((async () => { for await (const _ of await client.chat.completions.create(body)); })())
  const samples = await waitFor(async () => (await samplesOf(at.bus)).length === 5 && samplesOf(at.bus), 'five samples')
  assert.deepEqual(samples.map((s) => [s.status, s.error_type]), [
    ['error', 'rate_limited'], ['timeout', 'timeout_total'], ['cancelled', undefined], ['cancelled', undefined],
    ['error', 'stream_truncated'],
  ])
})

test('the Vercel AI SDK', async (t) => {
  const at = await open(t)
  const openrouter = createOpenRouter({ apiKey: 'none', baseURL: at.server.url, fetch: at.producer.fetch })
  const model = openrouter('acme/large')
  await at.server.answer('completion')
  const { text, usage } = await generateText({ model, prompt: 'Say hello.', maxRetries: 0 })
  assert.equal(text, 'Hello there!')
  await at.server.answer('stream')
  const result = streamText({ model, prompt: 'Say hello.', maxRetries: 0 })
  let streamed = ''
  for await (const piece of result.textStream) streamed += piece
  assert.equal(streamed, 'Hello there!')
  const samples = await waitFor(async () => (await samplesOf(at.bus)).length === 2 && samplesOf(at.bus), 'two samples')
  for (const [n, sample] of samples.entries()) assertHas(sample, { ...WHOLE, stream: n === 1 || undefined })
  // What it reports of usage is understood by a request that is timed by hand as well.
  at.producer.request({ model: 'by hand' }).usage(usage).end()
  assertHas((await samplesOf(at.bus)).at(-1), { prompt_tokens: 12, completion_tokens: 3, total_tokens: 15, cached_tokens: 4, reasoning_tokens: 1 })
})

test('the Vercel AI SDK: errors, tries and aborts', async (t) => {
  const at = await open(t)
  const model = createOpenRouter({ apiKey: 'none', baseURL: at.server.url, fetch: at.producer.fetch })('acme/large')
  await at.server.answer('repeats the key')
  await assert.rejects(generateText({ model, prompt: 'Hi.', maxRetries: 0 }), { statusCode: 401 })
  await at.server.answer('hanging stream')
  const controller = new AbortController()
  const result = streamText({ model, prompt: 'Hi.', abortSignal: controller.signal, onError() {}, onAbort() {} })
  for await (const part of result.fullStream) if (part.type === 'text-delta') controller.abort()
  const timed = streamText({ model, prompt: 'Hi.', abortSignal: AbortSignal.timeout(300), onError() {}, onAbort() {} })
  for await (const _ of timed.fullStream);
  const samples = await waitFor(async () => (await samplesOf(at.bus)).length === 3 && samplesOf(at.bus), 'three samples')
  assert.deepEqual(samples.map((s) => [s.status, s.error_type]),
    [['error', 'unauthorized'], ['cancelled', undefined], ['timeout', 'timeout_total']])
})

test("OpenRouter's SDK", async (t) => {
  const at = await open(t)
  const httpClient = new HTTPClient({ fetcher: at.producer.fetch })
  const client = new OpenRouter({ apiKey: 'none', serverURL: at.server.url, httpClient, retryConfig: { strategy: 'none' } })
  const ask = (more, options) => client.chat.send({ chatRequest: { model: 'acme/large', messages: MESSAGES, ...more } }, options)
  await at.server.answer('completion')
  assert.equal((await ask({})).choices[0].message.content, 'Hello there!')
  await at.server.answer('stream')
  let text = ''
  for await (const chunk of await ask({ stream: true })) text += chunk.choices[0]?.delta?.content ?? ''
  assert.equal(text, 'Hello there!')
  await at.server.answer('silent')
  await assert.rejects(ask({}, { timeoutMs: 300 }))
  const samples = await waitFor(async () => (await samplesOf(at.bus)).length === 3 && samplesOf(at.bus), 'three samples')
  assertHas(samples[0], { ...WHOLE, stream: undefined })
  assertHas(samples[1], { ...WHOLE, stream: true })
  assertHas(samples[2], { status: 'timeout', error_type: 'timeout_total', requested_model: 'acme/large' })
})

test('a request that is measured by hand around an SDK', async (t) => {
  const at = await open(t)
  await at.server.answer('rate limited')
  const client = openai(at, { fetch: globalThis.fetch })
  await assert.rejects(at.producer.measure({ model: 'acme/large' }, async (r) => {
    const answer = await client.chat.completions.create({ model: 'acme/large', messages: MESSAGES })
    r.usage(answer.usage)
  }), OpenAI.RateLimitError)
  assertHas(await requestOf(at.bus), { status: 'error', error_type: 'rate_limited', http_status: 429 })
})
