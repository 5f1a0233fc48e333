// What the tests share: a bus of their own, the scripted server, orbus's programs, and waiting for
// what must become true.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { accessSync, constants, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import readline from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import { tail } from 'orbus'

const here = path.dirname(fileURLToPath(import.meta.url))

/** The clone, wherever the tests run. */
export const SOURCE = process.env.ORBUS_SOURCE_DIR ?? path.resolve(here, '../../../..')
export const SANITIZER = process.env.ORBUS_SANITIZE ?? ''
const BUILD = process.env.ORBUS_BUILD_DIR ?? path.join(SOURCE, 'build/debug')

/** A bus's name that nothing else uses; its objects go with the test. */
export function newBus(t) {
  const bus = `orbus-test-${process.pid}-${randomUUID().slice(0, 8)}`
  t.after(() => {
    for (const name of readdirSync('/dev/shm')) if (name.startsWith(bus)) rmSync(`/dev/shm/${name}`)
  })
  return bus
}

export function newFolder(t) {
  const folder = mkdtempSync(path.join(tmpdir(), 'orbus-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The samples that a bus holds now. */
export async function samplesOf(bus, options = {}) {
  const samples = []
  for await (const sample of tail({ bus, follow: false, ...options })) samples.push(sample)
  return samples
}

/** The first true value of condition(), or a failure that says what did not come. */
export async function waitFor(condition, what, seconds = 20) {
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    const value = await condition()
    if (value) return value
    assert.ok(Date.now() < deadline, `waited ${seconds} s in vain for ${what}`)
    await sleep(20)
  }
}

/** The one request of a bus, once it has ended. */
export async function requestOf(bus) {
  const [sample, ...more] = await waitFor(async () => {
    const samples = await samplesOf(bus)
    return samples.length > 0 && samples
  }, 'a request')
  assert.deepEqual(more, [])
  return sample
}

/** A built program of orbus's, undefined where there is none. */
export function program(name) {
  for (const folder of ['agent', 'tools', 'tests']) {
    const file = path.join(BUILD, folder, name)
    try {
      accessSync(file, constants.X_OK)
      return file
    } catch {
      // Elsewhere, perhaps.
    }
  }
  return undefined
}

// A sanitizer that is preloaded for Node is not for other programs.
export const plainEnvironment = () => ({ ...process.env, LD_PRELOAD: '', TZ: 'UTC' })

/** An agent on a bus and a folder; stop() ends it in order. */
export async function startAgent(t, bus, folder) {
  const agent = spawn(program('oragent'), ['--bus', bus, '--data-dir', folder, '--checkpoint-every', '1s'],
    { env: plainEnvironment(), stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  agent.stderr.setEncoding('utf8').on('data', (text) => { log += text })
  const ended = new Promise((resolve) => agent.on('exit', resolve))
  t.after(() => agent.kill('SIGKILL'))
  await waitFor(() => log.includes('serving bus'), 'the agent')
  return {
    async stop() {
      agent.kill('SIGTERM')
      assert.equal(await ended, 0, log)
    },
  }
}

export const run = promisify(execFile)

/** The scripted server. answer(name) says what it answers from now on. */
export async function startServer(t) {
  const server = spawn('/usr/bin/python3', [path.join(here, 'server.py')], {
    env: { ...plainEnvironment(), ORBUS_SOURCE_DIR: SOURCE, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => server.kill('SIGKILL'))
  const lines = readline.createInterface({ input: server.stdout })[Symbol.asyncIterator]()
  const next = async () => {
    const { value, done } = await lines.next()
    assert.ok(!done, 'the server has ended')
    return value
  }
  const url = await next()
  return {
    url,
    completions: `${url}/chat/completions`,
    async answer(name) {
      server.stdin.write(`${name}\n`)
      assert.equal(await next(), 'ready')
    },
  }
}

/** A chat completion's body. */
export const question = (more = {}) => ({
  model: 'acme/large', messages: [{ role: 'user', content: 'Say hello.' }], ...more,
})

export const post = (body) => ({
  method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
})

/** Runs the garbage collector until a condition holds; needs --expose-gc. */
export async function collectUntil(condition, what) {
  await waitFor(async () => {
    globalThis.gc()
    await sleep(10)
    return condition()
  }, what)
}
