// What a program publishes by hand, and that nothing of it can hurt the program.
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import * as imported from 'orbus'
import { OrbusError, Producer } from 'orbus'

import { NASTY, caught } from './support/nasty.mjs'
import { newBus, requestOf, samplesOf } from './support/index.mjs'

const required = createRequire(import.meta.url)('orbus')

function open(t, options = {}) {
  const bus = newBus(t)
  const errors = []
  const producer = new Producer({ bot: 'acore', bus, onError: (error) => errors.push(error), ...options })
  return { bus, producer, errors }
}

const named = (name, more = {}) => Object.assign(new Error(`it is ${name}`), { name, ...more })

test('import and require give the same', () => {
  assert.deepEqual(Object.keys(imported).filter((name) => name !== 'default').sort(), Object.keys(required).sort())
  assert.equal(required.Producer, Producer)
  assert.match(imported.version, /^\d+\.\d+\.\d+$/)
})

test('a request is timed and published', async (t) => {
  const { bus, producer } = open(t)
  const request = producer.request({ model: 'openai/gpt-4', stream: true, tags: { user: 'ann', channel: 7, guild: null }, attempt: 2 })
  const [begin] = await samplesOf(bus, { kind: 'begin' })
  assert.equal(begin.requested_model, 'openai/gpt-4')
  await sleep(20)
  request.firstToken().usage({ promptTokens: 225, completionTokens: 287, costUsd: 0.5 })
  await sleep(20)
  request.firstToken().set({ model: 'openai/gpt-4-0613', provider: 'OpenAI', finishReason: 'stop', requestId: 'gen-1' })
  assert.equal(request.end(), true)
  assert.equal(request.end('error'), false)
  const { ts, response_ms, ttft_ms, tps, decode_tps, ...rest } = await requestOf(bus)
  assert.deepEqual(rest, {
    kind: 'request', status: 'ok', bot: 'acore', model: 'openai/gpt-4-0613', requested_model: 'openai/gpt-4',
    provider: 'OpenAI', finish_reason: 'stop', request_id: 'gen-1', begin_id: begin.request_id, stream: true,
    prompt_tokens: 225, completion_tokens: 287, total_tokens: 512, cost_usd: 0.5, attempt: 2,
    tags: { user: 'ann', channel: '7' },
  })
  assert.ok(ttft_ms >= 15 && response_ms >= ttft_ms + 15 && response_ms < 60000, `${ttft_ms} ${response_ms}`)
  assert.ok(Math.abs(Date.parse(ts) - Date.now()) < 10000)
})

test('usage comes as each API and SDK tells it', async (t) => {
  const wanted = { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30, cached_tokens: 4, reasoning_tokens: 5, cache_write_tokens: 6 }
  for (const usage of [
    { promptTokens: 10, completionTokens: 20, totalTokens: 30, cachedTokens: 4, reasoningTokens: 5, cacheWriteTokens: 6 },
    { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30, prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 6 },
      completion_tokens_details: { reasoning_tokens: 5 } },
    { promptTokens: 10, completionTokens: 20, totalTokens: 30, promptTokensDetails: { cachedTokens: 4, cacheWriteTokens: 6 },
      completionTokensDetails: { reasoningTokens: 5 } },
    { inputTokens: 10, outputTokens: 20, totalTokens: 30, inputTokenDetails: { cacheReadTokens: 4, cacheWriteTokens: 6 },
      outputTokenDetails: { reasoningTokens: 5 } },
  ]) {
    const { bus, producer } = open(t)
    producer.request({ model: 'm' }).usage(usage).end()
    const sample = await requestOf(bus)
    assert.deepEqual(Object.fromEntries(Object.keys(wanted).map((key) => [key, sample[key]])), wanted)
  }
})

test('what is no figure is told and left out', async (t) => {
  const { bus, producer, errors } = open(t)
  producer.request({ model: 'm' })
    .usage({ promptTokens: -1, completionTokens: 1.5, totalTokens: '30', cachedTokens: NaN, reasoningTokens: null, costUsd: Infinity })
    .usage(undefined).usage(null).usage(7)
    .end()
  const sample = await requestOf(bus)
  for (const key of ['prompt_tokens', 'completion_tokens', 'total_tokens', 'cached_tokens', 'cost_usd']) {
    assert.equal(sample[key], undefined, key)
  }
  assert.equal(errors.length, 5)
  assert.match(errors[0].message, /usage: -1/)
  assert.equal(producer.dropped, 0)
})

test('an error says how a request ended', async (t) => {
  const lost = new TypeError('fetch failed', { cause: named('SocketError', { code: 'UND_ERR_SOCKET' }) })
  class APIConnectionTimeoutError extends Error {}
  class APIUserAbortError extends Error {}
  for (const [error, status, error_type, message] of [
    [named('TimeoutError'), 'timeout', 'timeout_total'],
    [new APIConnectionTimeoutError('Request timed out.'), 'timeout', 'timeout_total'],
    [named('Error', { code: 'UND_ERR_CONNECT_TIMEOUT' }), 'timeout', 'timeout_connect'],
    [named('Error', { code: 'UND_ERR_HEADERS_TIMEOUT' }), 'timeout', 'timeout_first_token'],
    [named('AbortError', { cause: named('TimeoutError') }), 'timeout', 'timeout_total'],
    [named('AbortError'), 'cancelled'],
    [new APIUserAbortError('Request was aborted.'), 'cancelled'],
    [named('Error', { status: 429 }), 'error', 'rate_limited', 'HTTP status 429'],
    // Of a request that cannot be seen, a server's words may be of its prompt.
    [named('Error', { status: 401, error: { message: 'no key sk-or-v1-012345678' } }), 'error', 'unauthorized', 'HTTP status 401'],
    [named('Error', { status: 401, error: { message: 'no key sk-or-v1-012345678' }, requestBodyValues: {} }), 'error', 'unauthorized',
      'no key ******************'],
    [named('Error', { status: 400, error: { message: 'bad prompt: tell  me more' }, requestBodyValues: { prompt: 'Tell me more.' } }),
      'error', 'bad_request', 'bad prompt: tell  me more'],
    [named('Error', { status: 400, error: { message: 'bad prompt: tell  me a lot more' }, requestBodyValues: { prompt: 'Tell me a lot more.' } }),
      'error', 'bad_request', 'HTTP status 400'],
    [named('AI_APICallError', { statusCode: 503, data: { error: { message: 'busy' } } }), 'error', 'service_unavailable', 'busy'],
    [named('AI_RetryError', { lastError: named('AI_APICallError', { statusCode: 402 }) }), 'error', 'insufficient_credits', 'HTTP status 402'],
    [new TypeError('fetch failed', { cause: named('Error', { code: 'ECONNREFUSED' }) }), 'error', 'connection_refused', 'it is Error'],
    [new TypeError('fetch failed', { cause: named('Error', { code: 'ENOTFOUND' }) }), 'error', 'dns_failed', 'it is Error'],
    [new TypeError('fetch failed', { cause: named('Error', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }) }), 'error', 'tls_failed', 'it is Error'],
    [lost, 'error', 'connection_lost', 'it is SocketError'],
    // What the program says may be of a prompt: only the class is told.
    [new RangeError('out'), 'error', 'range_error'],
    [new (class HTTPFault2Error extends Error {})('out'), 'error', 'http_fault2_error'],
    ['a string', 'error', 'error'],
    [null, 'error', 'error'],
    [undefined, 'error', 'error'],
  ]) {
    const { bus, producer } = open(t)
    assert.equal(producer.request({ model: 'm', stream: true }).fail(error), true)
    const sample = await requestOf(bus)
    assert.deepEqual([sample.status, sample.error_type], [status, error_type], String(error))
    assert.equal(sample.error_message, message)
    if (error?.status) assert.equal(sample.http_status, error.status)
  }
})

test('a ring of causes ends', async (t) => {
  const { bus, producer } = open(t)
  const error = new Error('round')
  error.cause = error
  producer.request().fail(error)
  assert.equal((await requestOf(bus)).error_type, 'error')
})

test('measure ends with its work, and throws what it throws', async (t) => {
  const { bus, producer } = open(t)
  assert.equal(await producer.measure({ model: 'm' }, async (r) => (r.usage({ prompt_tokens: 1 }), 'answer')), 'answer')
  const error = new Error('mine')
  await assert.rejects(producer.measure({ model: 'm' }, () => { throw error }), (e) => e === error)
  const samples = await samplesOf(bus)
  assert.deepEqual(samples.map((s) => s.status), ['ok', 'error'])
})

test('disposed before its end it was cancelled', { skip: !Symbol.dispose }, async (t) => {
  const { bus, producer } = open(t)
  const request = producer.request({ model: 'm' })
  request[Symbol.dispose]()
  assert.equal((await requestOf(bus)).status, 'cancelled')
  producer[Symbol.dispose]()
  assert.equal(producer.count('x'), false)
})

test('gauges and counts', async (t) => {
  const { bus, producer, errors } = open(t)
  assert.equal(producer.gauge('discord_latency_ms', 45.2), true)
  assert.equal(producer.gauge('discord_latency_ms', NaN), false)
  assert.equal(producer.gauge('outside', -40.5), true)
  assert.equal(producer.count('messages_processed'), true)
  assert.equal(producer.count('tokens', 3), true)
  for (const [name, value] of [['x', Infinity], ['', 1], [undefined, 1], ['x', undefined], ['x', '7']]) {
    assert.equal(producer.gauge(name, value), false)
  }
  assert.equal(producer.count('x', -1), false)
  assert.equal(producer.dropped, 7)
  assert.equal(errors.length, 7)
  assert.ok(errors[0] instanceof OrbusError)
  assert.deepEqual([errors[0].code, errors[0].name], ['EDOM', 'OrbusError'])
  assert.match(errors[0].message, /gauge 'discord_latency_ms' of NaN: /)
  const samples = await samplesOf(bus, { kind: 'all' })
  assert.deepEqual(samples.map(({ kind, name, value }) => [kind, name, value]),
    [['gauge', 'discord_latency_ms', 45.2], ['gauge', 'outside', -40.5], ['count', 'messages_processed', 1], ['count', 'tokens', 3]])
})

test('performance, by the seed system\'s keys', async (t) => {
  const { producer } = open(t)
  assert.deepEqual(producer.getPerformanceStats(), {
    last_response_time_seconds: 0, last_response_time_ms: 0, last_tps: 0, average_response_time_seconds: 0,
    average_response_time_ms: 0, total_requests: 0, total_tokens_generated: 0, model: null,
    last_ttft_seconds: null, last_ttft_ms: null, average_ttft_seconds: null, average_ttft_ms: null,
  })
  const seen = []
  for (const wait of [100, 300]) {
    const request = producer.request({ model: 'openai/gpt-4', stream: true })
    await sleep(wait / 2)
    request.firstToken()
    await sleep(wait / 2)
    request.usage({ completionTokens: 50 }).end()
    seen.push(producer.getPerformanceStats())
    assert.ok(seen.at(-1).last_response_time_ms >= wait - 10)
    assert.ok(seen.at(-1).last_ttft_ms >= wait / 2 - 5)
  }
  producer.request({ model: 'other' }).fail(new Error('it does not count'))
  const stats = producer.getPerformanceStats()
  const isAverage = (average, last) =>
    assert.ok(Math.abs(stats[average] - (seen[0][last] + seen[1][last]) / 2) < 0.2, average)
  assert.deepEqual(stats, seen[1])
  assert.deepEqual([stats.total_requests, stats.total_tokens_generated, stats.model], [2, 100, 'openai/gpt-4'])
  isAverage('average_response_time_ms', 'last_response_time_ms')
  isAverage('average_ttft_ms', 'last_ttft_ms')
  assert.ok(Math.abs(stats.last_tps - 50000 / stats.last_response_time_ms) < 0.2)
  for (const key of ['last_response_time', 'average_response_time', 'last_ttft', 'average_ttft']) {
    assert.ok(Math.abs(stats[`${key}_seconds`] - stats[`${key}_ms`] / 1000) < 0.0051, key)
  }
  producer.request({ model: 'whole' }).end()
  assert.equal(producer.getPerformanceStats().last_ttft_ms, null)
  for (const [key, digits] of [['last_tps', 1], ['last_response_time_ms', 1], ['average_response_time_seconds', 2]]) {
    assert.equal(stats[key], Number(stats[key].toFixed(digits)), key)
  }
})

test('what cannot be opened is said by name', (t) => {
  for (const [options, code, words] of [
    [{}, 'EINVAL', /bot: a name of 1 to 64 bytes is needed, not undefined/],
    [undefined, 'EINVAL', /bot:/],
    [{ bot: 'b'.repeat(65) }, 'EINVAL', /bot:/],
    [{ bot: 'ä'.repeat(33) }, 'EINVAL', /bot:/],
    [{ bot: 'a\0b' }, 'EINVAL', /bot:/],
    [{ bot: 'b', bus: '' }, 'EINVAL', /bus: a name or a path/],
    [{ bot: 'b', bus: 7 }, 'EINVAL', /bus: a name or a path/],
    [{ bot: 'b', bus: '/' }, 'EINVAL', /cannot open bus \/: /],
    [{ bot: 'b', bus: '/nonexistent/folder/ring' }, 'ENOENT', /cannot open bus \/nonexistent\/folder\/ring/],
  ]) {
    assert.throws(() => new Producer(options), (e) => e instanceof OrbusError && e.code === code && words.test(e.message))
  }
})

test('a closed producer drops, and counts', async (t) => {
  const { bus, producer, errors } = open(t)
  const request = producer.request({ model: 'm' })
  producer.close()
  producer.close()
  assert.equal(request.end(), false)
  assert.equal(producer.request({ model: 'm' }).end(), false)
  assert.equal(producer.count('x'), false)
  assert.equal(producer.dropped, 3)
  assert.match(errors[0].message, /a request: the producer is closed/)
  assert.equal(producer.getPerformanceStats().total_requests, 0)
  assert.deepEqual(await samplesOf(bus), [])
})

test('what the bot\'s own handler throws goes nowhere', (t) => {
  const { producer } = open(t, { onError: () => { throw new Error('of the handler') } })
  assert.equal(producer.gauge('x', NaN), false)
})

test('too much for a slot is published without its tags', async (t) => {
  const { bus, producer, errors } = open(t)
  const tags = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`tag${n}`, 'x'.repeat(100)]))
  assert.equal(producer.request({ model: 'm', tags }).end(), true)
  const sample = await requestOf(bus)
  assert.deepEqual([sample.status, sample.tags], ['ok', undefined])
  assert.equal(errors.length, 1)
  assert.match(errors[0].message, /a request's tags, without which it was published/)
  assert.equal(producer.dropped, 0)
})

test('text of any kind is taken as it is or cut', async (t) => {
  const { bus, producer } = open(t)
  producer.request({ model: `${'ä'.repeat(100)}`, tags: { 'schlüssel': '\ud800 half a pair', empty: '', nul: 'a\0b', '': 'no name' } })
    .set({ errorMessage: '日本'.repeat(500), provider: 7 }).end('error')
  const sample = await requestOf(bus)
  assert.equal(sample.requested_model, 'ä'.repeat(63))
  assert.deepEqual(sample.tags, { 'schlüssel': '\ufffd half a pair', empty: '', nul: 'ab' })
  assert.match(sample.error_message, /^(日本)+日?$/)
  assert.equal(sample.provider, undefined)
})

test('a status that is none is an error, and told', async (t) => {
  const { bus, producer, errors } = open(t)
  producer.request({ model: 'm' }).end('okay')
  assert.equal((await requestOf(bus)).status, 'error')
  assert.match(errors[0].message, /end: a request's status 'okay'/)
})

/** Each value in each place of a request, and in each property of what is an object. */
function* nastyRequests(value) {
  const facts = ['model', 'provider', 'finishReason', 'requestId', 'errorType', 'errorMessage', 'httpStatus', 'attempt',
    'tokensEstimated', 'tags']
  const usages = ['promptTokens', 'completion_tokens', 'totalTokens', 'cachedTokens', 'reasoning_tokens', 'costUsd',
    'prompt_tokens_details', 'outputTokenDetails']
  yield ['request', (p) => p.request(value).end()]
  for (const name of ['model', 'stream', 'attempt', 'tags']) yield [`request.${name}`, (p) => p.request({ [name]: value }).end()]
  yield ['tag', (p) => p.request({ tags: { user: value, channel: 'c' } }).end()]
  yield ['set', (p) => p.request().set(value).end()]
  for (const name of facts) yield [`set.${name}`, (p) => p.request().set({ [name]: value }).end()]
  yield ['usage', (p) => p.request().usage(value).end()]
  for (const name of usages) yield [`usage.${name}`, (p) => p.request().usage({ [name]: value }).end()]
  yield ['end', (p) => p.request().end(value)]
  yield ['fail', (p) => p.request().fail(value)]
  for (const name of ['name', 'code', 'cause', 'status', 'message', 'error', 'constructor', 'errors', 'lastError', 'url']) {
    yield [`fail.${name}`, (p) => p.request().fail({ status: 500, [name]: value })]
  }
  yield ['data', (p) => p.request().fail({ status: 500, error: { message: value }, requestBodyValues: value })]
}

test('whatever a program hands over, nothing is thrown and no request stays in flight', async (t) => {
  for (const [name, value] of NASTY) {
    const { bus, producer } = open(t)
    let made = 0
    for (const [place, work] of nastyRequests(value)) {
      assert.equal(work(producer), true, `${place}: ${name}`)
      made++
    }
    producer.gauge(value, value)
    producer.gauge('g', value)
    producer.count('c', value)
    producer.count(value)
    const samples = await samplesOf(bus, { kind: 'all' })
    const begun = samples.filter(({ kind }) => kind === 'begin').map(({ request_id }) => request_id)
    const ended = samples.filter(({ kind }) => kind === 'request').map(({ begin_id, request_id }) => begin_id ?? request_id)
    assert.equal(begun.length, made, name)
    assert.deepEqual(ended.sort(), begun.sort(), name)
  }
})

test('a big whole number is a number', async (t) => {
  const { bus, producer } = open(t)
  producer.request({ attempt: 2n }).usage({ promptTokens: 3n }).end()
  const { attempt, prompt_tokens } = await requestOf(bus)
  assert.deepEqual([attempt, prompt_tokens], [2, 3])
})

test('measure is rejected with what its work threw, whatever that is', async (t) => {
  for (const [name, value] of NASTY) {
    const { bus, producer } = open(t)
    const { error } = await caught(producer.measure({ model: 'm', tags: value }, () => { throw value }))
    assert.ok(Object.is(error, value), name)
    assert.notEqual((await requestOf(bus)).status, 'ok', name)
  }
})

test('an onError that rejects is not the end of the program', async (t) => {
  const { producer } = open(t, { onError: async () => { throw new Error('of the bot') } })
  assert.equal(producer.gauge('g', NaN), false)
  await sleep(20) // an unhandled rejection would fail this test
})

test('a new bus that looks like a typo of another is warned of', async (t) => {
  const letters = [...newBus(t).slice(-8)].map((c) => String.fromCharCode(97 + parseInt(c, 16))).join('')
  const [bus, typo] = [`acore${letters}`, `aocre${letters}`]
  const warnings = []
  const listen = (warning) => warnings.push(warning.message)
  process.on('warning', listen)
  t.after(() => {
    process.off('warning', listen)
    for (const name of [bus, typo]) for (const end of ['', '.lanes']) rmSync(`/dev/shm/${name}${end}`, { force: true })
  })
  new Producer({ bot: 'acore', bus }).close()
  new Producer({ bot: 'acore', bus: typo }).close()
  new Producer({ bot: 'acore', bus: typo }).close()
  await sleep(20)
  assert.deepEqual(warnings, [`made the new bus '${typo}'; there is '${bus}'`])
})
