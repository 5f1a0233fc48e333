// The instrumented fetch makes the samples of the conformance table, alone and under OpenAI's SDK.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { test } from 'node:test'

import OpenAI from 'openai'
import { Producer, instrumentFetch } from 'orbus'
import { Agent, fetch as undiciFetch } from 'undici'

import { SOURCE, newBus, plainEnvironment, post, requestOf, run, startServer } from './support/index.mjs'

const FOLDER = path.join(SOURCE, 'tests/conformance')
const CALLS = JSON.parse(readFileSync(path.join(FOLDER, 'calls.json'), 'utf8'))
const NOT_COMPARED = ['kind', 'ts', 'bot', 'begin_id', 'attempt', 'tags', 'tps', 'decode_tps']
const KEY = 'sk-test-0123456789'
const TIMES = ['response_ms', 'ttft_ms', 'max_gap_ms']

async function unusedPort() {
  const server = net.createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function baseUrl(call, server) {
  if (call.server === 'unknown') return `http://${'x'.repeat(64)}.example/api/v1`
  return call.server ? `http://127.0.0.1:${await unusedPort()}/api/v1` : server.url
}

// undici is what Node's own fetch is; by itself it can be told how long a silence may be.
function fetchFor(call) {
  if (!call.limits) return globalThis.fetch
  const ms = call.limits.silence_ms
  const dispatcher = new Agent({ headersTimeout: ms, bodyTimeout: ms })
  return (url, init) => undiciFetch(url, { ...init, dispatcher })
}

async function callByFetch(call, fetch, url) {
  try {
    const { headers, ...init } = post(call.request)
    const response = await fetch(`${url}/chat/completions`, { ...init, headers: { ...headers, 'X-Api-Key': KEY } })
    if (!call.caller) return void (await response.text())
    for await (const chunk of response.body) if (new TextDecoder().decode(chunk).includes('content')) break
  } catch {
    // What the caller sees is for other tests.
  }
}

async function callByOpenAI(call, fetch, url) {
  const client = new OpenAI({ baseURL: url, apiKey: KEY, maxRetries: 0, fetch })
  try {
    const answer = await client.chat.completions.create(call.request)
    if (!call.request.stream) return
    for await (const chunk of answer) if (call.caller && chunk.choices[0]?.delta.content) break
  } catch {
    // Likewise.
  }
}

function assertSample(sample, call) {
  const compared = { ...sample }
  for (const key of [...NOT_COMPARED, ...TIMES]) delete compared[key]
  const wanted = { ...call.sample }
  for (const key in wanted) {
    if (wanted[key] !== '*') continue
    assert.equal(typeof compared[key], 'string', key)
    wanted[key] = compared[key]
  }
  assert.deepEqual(compared, wanted)
  for (const key of TIMES) {
    const [least, most] = call.times[key] ?? []
    if (least === undefined) assert.equal(sample[key], undefined, key)
    else assert.ok(sample[key] >= least && sample[key] <= most, `${key}: ${sample[key]}`)
  }
}

// Not in a sample alone: nowhere in the memory of the bus.
async function assertNoEcho(bus) {
  await run('/usr/bin/python3', [path.join(FOLDER, 'conformance.py'), bus], { env: plainEnvironment() })
}

for (const [client, call] of [['fetch', callByFetch], ["OpenAI's SDK", callByOpenAI]]) {
  test(`the conformance table by ${client}`, async (t) => {
    const server = await startServer(t)
    for (const [index, entry] of CALLS.entries()) {
      await t.test(entry.name, async (t) => {
        const bus = newBus(t)
        const producer = new Producer({ bot: 'node', bus })
        if (entry.answer) await server.answer(index)
        await call(entry, instrumentFetch(fetchFor(entry), { bus: producer }), await baseUrl(entry, server))
        assertSample(await requestOf(bus), entry)
        assert.equal(producer.dropped, 0)
        if (entry.name.startsWith('an echo')) await assertNoEcho(bus)
      })
    }
  })
}
