// The examples run, and do what they say.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { newBus, run, samplesOf, startServer } from './support/index.mjs'

const BOT = fileURLToPath(new URL('../examples/discord-bot.mjs', import.meta.url))

test('a bot like those of discord.js', async (t) => {
  const bus = newBus(t)
  const server = await startServer(t)
  const play = async () => (await run(process.execPath, [BOT], {
    env: { ...process.env, ORBUS: bus, OPENROUTER_BASE_URL: server.url, HEARTBEAT_MS: '20' },
  }))
  await server.answer('stream')
  const { stdout, stderr } = await play()
  assert.match(stdout, /^ann: Hello!\nacore: Hello there!\nbob: Why.*\nacore: Hello there!\nann: Is.*\nacore: Hello there!\nacore: 3 requests, [\d.]+s each, [\d.]+ TPS\n$/)
  assert.match(stderr, /^gauge 'discord_latency_ms' of NaN: [^\n]*\n$/)
  const samples = await samplesOf(bus, { kind: 'all' })
  const requests = samples.filter((s) => s.kind === 'request')
  assert.deepEqual(requests.map((s) => [s.bot, s.status, s.requested_model, s.tags]), [
    ['acore', 'ok', 'openai/gpt-4', { user: 'ann', channel: 'general' }],
    ['acore', 'ok', 'openai/gpt-4', { user: 'bob', channel: 'general' }],
    ['acore', 'ok', 'openai/gpt-4', { user: 'ann', channel: 'support' }],
  ])
  const counts = {}
  for (const s of samples.filter((s) => s.kind === 'count')) counts[s.name] = (counts[s.name] ?? 0) + s.value
  assert.deepEqual(counts, { messages_processed: 3, history_cache_misses: 2, history_cache_hits: 4, commands_executed: 1 })
  const gauges = samples.filter((s) => s.kind === 'gauge')
  assert.ok(gauges.length > 0 && gauges.every((s) => s.name === 'discord_latency_ms' && s.value === 42))
})

test('the bot tells its users what went wrong, and the bus too', async (t) => {
  const bus = newBus(t)
  const server = await startServer(t)
  await server.answer('repeats the key')
  const { stdout } = await run(process.execPath, [BOT], {
    env: { ...process.env, ORBUS: bus, OPENROUTER_BASE_URL: server.url },
  })
  assert.match(stdout, /acore: I cannot answer: 401/)
  assert.deepEqual((await samplesOf(bus)).map((s) => s.error_type), Array(3).fill('unauthorized'))
})
