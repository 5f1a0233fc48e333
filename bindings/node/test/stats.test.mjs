// Statistics by the agent's board or else the ring, and the agent's files, read and added up.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'

import { OrbusError, Producer, load, merge, stats } from 'orbus'

import { newBus, newFolder, plainEnvironment, program, run, startAgent, waitFor } from './support/index.mjs'

const needsPrograms = { skip: program('oragent') ? false : 'orbus itself is not built' }
const hourly = (folder) => path.join(folder, readdirSync(folder).find((name) => name.startsWith('hourly_')))

function publish(bus, durations, model = 'openai/gpt-4') {
  const lines = durations.map((response_ms) => JSON.stringify({ model, response_ms, completion_tokens: 10, prompt_tokens: 5 }))
  const orpub = run(program('orpub'), ['--bus', bus, '--bot', 'acore', '--json-lines'], { env: plainEnvironment() })
  orpub.child.stdin.end(lines.join('\n'))
  return orpub
}

test('statistics by the ring, where no agent runs', async (t) => {
  const bus = newBus(t)
  const producer = new Producer({ bot: 'acore', bus })
  producer.request({ model: 'openai/gpt-4' }).usage({ promptTokens: 1, completionTokens: 2 }).end()
  producer.request({ model: 'openai/gpt-4' }).fail(new Error('no'))
  producer.request({ model: 'openai/gpt-4' })
  for (const window of ['1m', '5m', '1h', 'day', 'start']) {
    const s = await stats({ bus, window })
    assert.deepEqual([s.source, s.agent], ['ring', null])
    assert.deepEqual([s.requests.total, s.requests.ok, s.requests.errors, s.requests.in_flight], [2, 1, 1, 1], window)
    assert.equal(s.token_usage.by_model['openai/gpt-4'], 3)
    assert.deepEqual(s.errors.by_type, { error: 1 })
  }
})

test('statistics by the agent', needsPrograms, async (t) => {
  const bus = newBus(t)
  const agent = await startAgent(t, bus, newFolder(t))
  new Producer({ bot: 'acore', bus }).request({ model: 'm' }).end()
  const s = await waitFor(async () => {
    const now = await stats({ bus, window: '5m' })
    return now.requests.total === 1 && now
  }, "the agent's count")
  assert.equal(s.source, 'agent')
  assert.ok(s.agent.pid > 0)
  const { stdout } = await run(program('orstat'), ['--bus', bus, '--window', '5m', '--json'], { env: plainEnvironment() })
  assert.deepEqual(Object.keys(s).sort(), Object.keys(JSON.parse(stdout)).sort())
  await agent.stop()
})

test('the event loop goes on meanwhile', async (t) => {
  const bus = newBus(t)
  const producer = new Producer({ bot: 'acore', bus })
  for (let n = 0; n < 4000; n++) producer.request({ model: `m${n % 100}` }).end()
  let over = false
  const result = stats({ bus }).then(() => { over = true })
  for (let n = 0; n < 100; n++) await null // what needs no turn of the loop would be done by now
  assert.equal(over, false)
  await result
})

test('files of two buses add up to what one of both would hold', needsPrograms, async (t) => {
  const folders = []
  for (const [n, durations] of [[0, [1000, 2000, 3000]], [1, [4000, 90000]], [2, [1000, 2000, 3000, 4000, 90000]]]) {
    const bus = newBus(t)
    folders[n] = newFolder(t)
    const agent = await startAgent(t, bus, folders[n])
    await publish(bus, durations)
    await agent.stop()
  }
  const files = folders.map(hourly)
  const one = await load(files[0])
  assert.equal(one.response_times.count, 3)
  assert.deepEqual(one, JSON.parse(readFileSync(files[0], 'utf8')))
  assert.deepEqual(await load(pathToFileURL(files[0])), one)
  const merged = await merge(files.slice(0, 2))
  const both = await load(files[2])
  assert.deepEqual(merged.response_times, both.response_times)
  assert.deepEqual(merged.tps, both.tps)
  assert.deepEqual(merged.token_usage, both.token_usage)
  assert.deepEqual(merged.histograms.response_times, both.histograms.response_times)
  assert.equal(merged.period.kind, 'merged')
  assert.deepEqual([merged.period.start, merged.period.end], [both.period.start, both.period.end])
  // What was merged can be merged again.
  const again = path.join(folders[0], 'merged.json')
  writeFileSync(again, JSON.stringify(merged))
  assert.deepEqual((await merge(new Set([again]))).response_times, merged.response_times)
})

test('a file of the seed system is loaded as it is', async (t) => {
  const file = path.join(newFolder(t), 'hourly_20251128_01.json')
  const seed = { uptime_seconds: 7200, response_times: { avg: 3245.8, count: 150 }, version: '1.0' }
  writeFileSync(file, JSON.stringify(seed))
  assert.deepEqual(await load(file), seed)
  await assert.rejects(merge([file]), (e) => e.code === 'EBADMSG' && e.message.startsWith(`${file}: it is no period file`))
})

test('what cannot be read is said by name', async (t) => {
  const folder = newFolder(t)
  const half = path.join(folder, 'half.json')
  writeFileSync(half, '{"requests": ')
  const bus = newBus(t)
  for (const [promise, code, words] of [
    [() => stats({ bus }), 'ENOENT', new RegExp(`cannot read bus ${bus}: no such bus`)],
    [() => stats({ bus, window: '2h' }), 'EINVAL', /window: 1m, 5m, 1h, day, start, not '2h'/],
    [() => stats({ bus: {} }), 'EINVAL', /bus: /],
    [() => load(path.join(folder, 'none.json')), 'ENOENT', /none\.json: /],
    [() => load(folder), 'EISDIR', new RegExp(folder)],
    [() => load(half), 'EBADMSG', /half\.json: it is no JSON object/],
    [() => load(7), 'EINVAL', /the path of a file is needed, not 7/],
    [() => merge([half]), 'EBADMSG', /half\.json: /],
    [() => merge([]), 'EINVAL', /one file at least/],
    [() => merge(half), 'EINVAL', /a list of files/],
  ]) {
    await assert.rejects(promise(), (e) => e instanceof OrbusError && e.code === code && words.test(e.message))
  }
})
