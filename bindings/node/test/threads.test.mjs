// Worker threads, child processes and clusters: each has lanes of its own, and gives them back.
import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { readdirSync, rmSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'

import { Producer, merge, stats } from 'orbus'

import { newBus, newFolder, plainEnvironment, program, run, samplesOf, startAgent, waitFor } from './support/index.mjs'

const WORKER = fileURLToPath(new URL('./support/worker.mjs', import.meta.url))
const needsPrograms = { skip: program('oragent') ? false : 'orbus itself is not built' }

/** A bus with so many lanes. */
async function newBusOf(t, lanes) {
  const bus = newBus(t)
  await run(program('oragent'), ['--bus', bus, '--lanes', String(lanes), '--once', '--data-dir', newFolder(t)],
    { env: plainEnvironment() })
  rmSync(`/dev/shm/${bus}.board`) // for seconds it would look as if its agent lived
  return bus
}

function opens(bus) {
  try {
    new Producer({ bot: 'main', bus }).close()
    return true
  } catch (error) {
    assert.equal(error.code, 'EUSERS')
    return false
  }
}

test('a worker that is terminated gives its lane back, and its request is orphaned', needsPrograms, async (t) => {
  const bus = await newBusOf(t, 1)
  const worker = new Worker(WORKER, { workerData: ['hold', bus] })
  t.after(() => worker.terminate())
  assert.deepEqual(await once(worker, 'message'), ['holding'])
  assert.equal(opens(bus), false)
  assert.equal((await stats({ bus })).requests.in_flight, 1)
  await worker.terminate()
  assert.equal(opens(bus), true)
  assert.equal((await stats({ bus })).requests.in_flight, 0)
})

test('a process that is killed gives its lane back', needsPrograms, async (t) => {
  const bus = await newBusOf(t, 1)
  const child = fork(WORKER, ['hold', bus])
  t.after(() => child.kill('SIGKILL'))
  assert.deepEqual(await once(child, 'message').then(([message]) => message), 'holding')
  assert.equal(opens(bus), false)
  child.kill('SIGKILL')
  await once(child, 'exit')
  await waitFor(() => opens(bus), 'the lane')
})

test('a producer that is collected gives its lane back', needsPrograms, async (t) => {
  const bus = await newBusOf(t, 1)
  const program = `
    const { Producer } = require('orbus')
    ;(() => { new Producer({ bot: 'a', bus: '${bus}' }) })()
    const again = () => {
      gc()
      try { new Producer({ bot: 'b', bus: '${bus}' }) } catch { return setTimeout(again, 10) }
      console.log('again')
    }
    again()`
  const { stdout } = await run(process.execPath, ['--expose-gc', '-e', program], { cwd: fileURLToPath(new URL('.', import.meta.url)) })
  assert.equal(stdout, 'again\n')
})

test('workers publish side by side, and end by themselves', async (t) => {
  const bus = newBus(t)
  const producer = new Producer({ bot: 'main', bus })
  await Promise.all(Array.from({ length: 8 }, async () => {
    const [code] = await once(new Worker(WORKER, { workerData: ['publish', bus] }), 'exit')
    assert.equal(code, 0)
  }))
  producer.request({ model: 'm' }).end()
  assert.equal((await samplesOf(bus)).length, 9)
})

test('child processes and clusters publish, and end by themselves', async (t) => {
  const bus = newBus(t)
  const ended = async (child) => assert.deepEqual(await once(child, 'exit'), [0, null])
  await Promise.all([fork(WORKER, ['publish', bus]), fork(WORKER, ['publish', bus])].map(ended))
  cluster.setupPrimary({ exec: WORKER, args: ['publish', bus] })
  await Promise.all([cluster.fork(), cluster.fork()].map((worker) => ended(worker.process)))
  const samples = await samplesOf(bus)
  assert.equal(samples.length, 4)
  assert.equal(new Set(samples.map((s) => s.bot)).size, 4)
})

test('eight processes, a hundred thousand samples each: the books balance', needsPrograms, async (t) => {
  const bus = newBus(t)
  const folder = newFolder(t)
  const agent = await startAgent(t, bus, folder)
  const children = Array.from({ length: 8 }, () => fork(WORKER, ['flood', bus]))
  t.after(() => children.forEach((child) => child.kill('SIGKILL')))
  for (const [dropped] of await Promise.all(children.map((child) => once(child, 'message')))) assert.equal(dropped, 0)
  await waitFor(async () => {
    const { active_stats, lost_samples } = await stats({ bus, window: 'start' })
    return active_stats.messages_processed + lost_samples === 800000
  }, 'the agent to have read all', 60)
  await Promise.all(children.map((child) => (child.send('go'), once(child, 'exit'))))
  await agent.stop()
  const files = readdirSync(folder).filter((name) => name.startsWith('hourly_')).map((name) => `${folder}/${name}`)
  const books = await merge(files)
  assert.equal(books.active_stats.messages_processed + books.lost_samples, 800000)
  assert.deepEqual([books.requests.total, books.token_usage.completion_tokens, books.rejected_samples], [4000, 8000, 0])
  t.diagnostic(`${books.active_stats.messages_processed} were counted, ${books.lost_samples} lost`)
})
