// What a program in TypeScript may write, and what it may not. Compiled only.
import { createOpenRouter } from '@openrouter/ai-sdk-provider'
import { HTTPClient } from '@openrouter/sdk'
import OpenAI from 'openai'
import {
  OrbusError, Producer, instrumentFetch, load, merge, stats, tail, version,
  type Document, type PerformanceStats, type Request, type Sample, type Statistics, type Tail,
} from 'orbus'

const bus = new Producer({ bot: 'acore', bus: 'orbus', onError: (error) => console.error(error.code, error.errno) })

const request: Request = bus.request({ model: 'openai/gpt-4', stream: true, attempt: 1, tags: { user: 'ann', channel: 7, guild: undefined } })
const published: boolean = request
  .firstToken()
  .usage({ promptTokens: 1, completionTokens: 2, costUsd: null })
  .usage({ prompt_tokens: 1, prompt_tokens_details: { cached_tokens: 1 } })
  .usage(undefined)
  .set({ model: 'openai/gpt-4-0613', provider: 'OpenAI', finishReason: 'stop', requestId: 'gen-1', httpStatus: 200 })
  .end('ok')
request.fail(new Error('no'))

const text: string = await bus.measure({ model: 'm' }, async (r) => (r.firstToken(), 'text'))
const number: number = await bus.measure(undefined, () => 7)
bus.gauge('discord_latency_ms', NaN)
bus.count('messages_processed')
bus.count('tokens', 3)
const performance: PerformanceStats = bus.getPerformanceStats()
const seconds: number = performance.last_response_time_seconds
const dropped: number = bus.dropped + bus.unmeasured

{
  using scoped = new Producer({ bot: 'scoped' })
  using timed = scoped.request()
  timed.end()
}

const client = new OpenAI({ apiKey: 'none', fetch: bus.fetch })
const other = new OpenAI({ apiKey: 'none', fetch: instrumentFetch(fetch, { bus, tags: { user: 'ann' }, timeout: 60_000 }) })
const provider = createOpenRouter({ fetch: instrumentFetch(fetch, { bus, tags: (input, init) => ({ method: init?.method }) }) })
const http = new HTTPClient({ fetcher: instrumentFetch(fetch, { bus }) })

const samples: Tail = tail({ model: 'openai/*', status: 'error', minMs: 100, last: 10, signal: AbortSignal.timeout(1), ref: false })
for await (const sample of samples) {
  const one: Sample = sample
  const ttft: number | undefined = one.ttft_ms
  console.log(ttft, sample.tags?.user, samples.lost + samples.rejected)
}

const now: Statistics = await stats({ window: '5m' })
const p95: number | null = now.response_times.p95
const source: 'agent' | 'ring' = now.source
const file: Document = await load(new URL('file:///hourly_20251128_01.json'))
const merged: Document = await merge(['a.json', new URL('file:///b.json')])
const requests: number = merged.requests.total

try {
  await stats()
} catch (error) {
  if (error instanceof OrbusError && error.code === 'ENOENT') console.log(version, text, number, published, seconds, dropped)
}
console.log(client, other, provider, http, p95, source, file, requests)

// @ts-expect-error: a bot is needed
new Producer({})
// @ts-expect-error: no such status
request.end('okay')
// @ts-expect-error: a value is needed
bus.gauge('x')
// @ts-expect-error: no such window
await stats({ window: '2h' })
// @ts-expect-error: a producer is needed
instrumentFetch(fetch, {})
// @ts-expect-error: not to be set
bus.dropped = 7
