// What publishing costs a program: nanoseconds of the fastest of many rounds. Run by hand:
//
//   node test/cost.mjs
import { rmSync } from 'node:fs'

import { Producer } from 'orbus'

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

for (const suffix of ['', '.lanes']) rmSync(`/dev/shm/${bus}${suffix}`)
