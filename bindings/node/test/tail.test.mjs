// The samples of a bus as an async iterator, which never keeps the event loop, nor anything else.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

import { OrbusError, Producer, tail } from 'orbus'

import { newBus, samplesOf } from './support/index.mjs'

function open(t) {
  const bus = newBus(t)
  return { bus, producer: new Producer({ bot: 'acore', bus }) }
}

test('it follows from now on', async (t) => {
  const { bus, producer } = open(t)
  producer.request({ model: 'before' }).end()
  const samples = tail({ bus })
  setTimeout(() => producer.request({ model: 'after' }).end(), 50)
  setTimeout(() => producer.count('not a request'), 55)
  setTimeout(() => producer.request({ model: 'later' }).end(), 60)
  const models = []
  for await (const sample of samples) if (models.push(sample.model) === 2) break
  assert.deepEqual(models, ['after', 'later'])
  assert.deepEqual([samples.lost, samples.rejected], [0, 0])
  assert.equal((await samples.next()).done, true)
})

test('the last ones first', async (t) => {
  const { bus, producer } = open(t)
  for (let n = 0; n < 3000; n++) producer.count('n', n)
  assert.deepEqual((await samplesOf(bus, { kind: 'count', last: 3 })).map((s) => s.value), [2997, 2998, 2999])
  assert.equal((await samplesOf(bus, { kind: 'count' })).length, 3000)
  assert.deepEqual(await samplesOf(bus, { kind: 'count', last: 0 }), [])
  const samples = tail({ bus, kind: 'count', last: 1 })
  assert.equal((await samples.next()).value.value, 2999)
  setTimeout(() => producer.count('n', 7), 20)
  assert.equal((await samples.next()).value.value, 7)
  await samples.return()
})

test('samples of several producers come in the order of their time', async (t) => {
  const { bus, producer } = open(t)
  const other = new Producer({ bot: 'other', bus })
  for (let n = 0; n < 100; n++) (n % 3 ? producer : other).count('n', n)
  assert.deepEqual((await samplesOf(bus, { kind: 'all' })).map((s) => s.value), Array.from({ length: 100 }, (_, n) => n))
})

test('filters', async (t) => {
  const { bus, producer } = open(t)
  producer.request({ model: 'openai/gpt-4' }).set({ provider: 'OpenAI' }).end()
  producer.request({ model: 'acme/large' }).set({ provider: 'Acme' }).end('error')
  const slow = producer.request({ model: 'acme/slow' })
  await sleep(60)
  slow.end()
  const models = async (options) => (await samplesOf(bus, options)).map((s) => s.model ?? s.requested_model)
  assert.deepEqual(await models({ model: 'acme/*' }), ['acme/large', 'acme/slow'])
  assert.deepEqual(await models({ status: 'error' }), ['acme/large'])
  assert.deepEqual(await models({ provider: 'Open*' }), ['openai/gpt-4'])
  assert.deepEqual(await models({ minMs: 50 }), ['acme/slow'])
  assert.deepEqual(await models({ bot: 'other' }), [])
  assert.equal((await models({ kind: 'begin' })).length, 3)
  assert.equal((await models({ kind: 'all' })).length, 6)
})

test('it ends by break, return, throw and signal', async (t) => {
  const { bus, producer } = open(t)
  const returned = tail({ bus })
  const waiting = returned.next()
  await returned.return()
  assert.equal((await waiting).done, true)
  const error = new Error('mine')
  await assert.rejects(tail({ bus }).throw(error), (e) => e === error)
  const controller = new AbortController()
  const samples = tail({ bus, signal: controller.signal })
  producer.request({ model: 'm' }).end()
  assert.equal((await samples.next()).value.model, 'm')
  setTimeout(() => controller.abort(), 20)
  await assert.rejects(samples.next(), { name: 'AbortError' })
  assert.throws(() => tail({ bus, signal: controller.signal }), { name: 'AbortError' })
  if (Symbol.asyncDispose) {
    const disposed = tail({ bus })
    await disposed[Symbol.asyncDispose]()
    assert.equal((await disposed.next()).done, true)
  }
})

test('calls that do not wait for each other are answered in turn', async (t) => {
  const { bus, producer } = open(t)
  const samples = tail({ bus, kind: 'count' })
  const three = [samples.next(), samples.next(), samples.next()]
  for (const n of [1, 2, 3]) producer.count('n', n)
  assert.deepEqual((await Promise.all(three)).map(({ value }) => value.value), [1, 2, 3])
  await samples.return()
})

test('the event loop goes on, in silence and in a flood', async (t) => {
  const { bus, producer } = open(t)
  const samples = tail({ bus, kind: 'all', model: 'nothing passes' })
  const next = samples.next()
  let turns = 0
  const timer = setInterval(() => turns++, 5)
  await sleep(300)
  assert.ok(turns >= 2, `${turns}`)
  turns = 0
  const until = Date.now() + 300
  while (Date.now() < until) {
    for (let n = 0; n < 500; n++) producer.count('n')
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.ok(turns >= 1, `${turns}`)
  clearInterval(timer)
  await samples.return()
  assert.equal((await next).done, true)
})

test('what was overwritten is counted', async (t) => {
  const { bus, producer } = open(t)
  const samples = tail({ bus, kind: 'count' })
  for (let n = 0; n < 10000; n++) producer.count('n')
  let read = 0
  while (read + samples.lost < 10000) {
    await samples.next()
    read++
  }
  assert.equal(read + samples.lost, 10000)
  assert.ok(samples.lost >= 10000 - 4096)
  const { lost } = samples
  await samples.return()
  assert.equal(samples.lost, lost)
})

test('it keeps the process while it waits, unless told not to', async (t) => {
  const { bus } = open(t)
  const program = (ref) => `
    import('orbus').then(async ({ tail }) => {
      setTimeout(() => console.log('waited'), 200).unref()
      ${ref ? 'setTimeout(() => process.exit(), 1000).unref()' : ''}
      for await (const _ of tail({ bus: '${bus}', ref: ${ref} }));
    })`
  const run = async (ref) => (await promisify(execFile)(process.execPath, ['-e', program(ref)], { cwd: import.meta.dirname ?? new URL('.', import.meta.url).pathname })).stdout
  assert.equal(await run(true), 'waited\n')
  assert.equal(await run(false), '')
})

test('what cannot be read is said by name', (t) => {
  const { bus } = open(t)
  for (const [options, code, words] of [
    [{ bus: `${bus}-none` }, 'ENOENT', /cannot read bus orbus-test-.*-none: no such bus/],
    [{ bus: 7 }, 'EINVAL', /bus: a name or a path/],
    [{ bus, status: 'fine' }, 'EINVAL', /status: ok, error, timeout, cancelled, not 'fine'/],
    [{ bus, kind: 'x' }, 'EINVAL', /kind: request, begin, gauge, count, progress, not 'x'/],
    [{ bus, last: -1 }, 'EINVAL', /last: a number of samples/],
    [{ bus, last: 'x' }, 'EINVAL', /last: a number of samples/],
  ]) {
    assert.throws(() => tail(options), (e) => e instanceof OrbusError && e.code === code && words.test(e.message))
  }
})
