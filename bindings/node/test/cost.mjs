// What being measured costs a program: the fastest of many rounds. Run by hand:
//
//   node test/cost.mjs
import { rmSync } from 'node:fs'

import { Producer, instrumentFetch } from 'orbus'

const ROUNDS = 100
const CALLS = 10000

const bus = `orbus-cost-${process.pid}`
const producer = new Producer({ bot: 'cost', bus })

function measure(what, call) {
  let best = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint()
    for (let n = 0; n < CALLS; n++) call()
    best = Math.min(best, Number(process.hrtime.bigint() - start) / CALLS)
  }
  console.log(`${what.padEnd(50)} ${best.toFixed(0).padStart(5)} ns`)
}

measure('request: begin, tokens, end', () => {
  producer.request({ model: 'openai/gpt-4' }).usage({ promptTokens: 225, completionTokens: 287 }).end()
})
measure('stream: begin, first token, tokens, two tags, end', () => {
  producer.request({ model: 'openai/gpt-4', stream: true, tags: { user: 'ann', channel: 'general' } })
    .firstToken().usage({ prompt_tokens: 225, completion_tokens: 287 }).end()
})
measure('gauge', () => producer.gauge('discord_latency_ms', 45.2))
measure('count', () => producer.count('messages_processed'))

// Streams that cost no network, with and without being measured.
const CHUNKS = 10000
const chunk = Buffer.from(`data: ${JSON.stringify({
  id: 'gen-1700000000-abc', provider: 'Acme', model: 'acme/large-2024', object: 'chat.completion.chunk', created: 1700000000,
  choices: [{ index: 0, delta: { content: 'word ' }, finish_reason: null, native_finish_reason: null, logprobs: null }],
})}\n\n`)

function answerOf(chunks) {
  let left = chunks
  const pull = (controller) => {
    controller.enqueue(new Uint8Array(left > 0 ? chunk : Buffer.from('data: [DONE]\n\n')))
    if (left-- === 0) controller.close()
  }
  return async () => new Response(new ReadableStream({ type: 'bytes', pull }), { headers: { 'Content-Type': 'text/event-stream' } })
}

async function cpuOf(fetch) {
  const before = process.cpuUsage()
  const response = await fetch('http://x/chat/completions', { method: 'POST', body: '{"model": "m", "stream": true}' })
  for await (const _ of response.body);
  const { user, system } = process.cpuUsage(before)
  return user + system
}

async function extraOf(chunks, rounds) {
  let plain = Infinity
  let measured = Infinity
  for (let round = 0; round < rounds; round++) {
    plain = Math.min(plain, await cpuOf(answerOf(chunks)))
    measured = Math.min(measured, await cpuOf(instrumentFetch(answerOf(chunks), { bus: producer })))
  }
  return measured - plain
}

console.log(`a chunk of a stream: ${(await extraOf(CHUNKS, 20) / CHUNKS).toFixed(1)} us; a call by fetch: ${await extraOf(1, 2000)} us`)

for (const suffix of ['', '.lanes']) rmSync(`/dev/shm/${bus}${suffix}`)
