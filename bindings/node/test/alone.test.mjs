// A measured program behaves as it would alone: the same calls by fetch, and by the measured fetch,
// over every answer of the conformance table. Results, errors, warnings and rejections are compared.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'

import { Producer, instrumentFetch } from 'orbus'

import { ANSWERS, SILENT, hangs, serveAnswers } from './support/answers.mjs'
import { SANITIZER, newBus } from './support/index.mjs'
import { ASKS, READS, REDIRECTS, SDKS, seen, seenBy } from './support/ways.mjs'

const AT_ONCE = 16

/** Runs all programs, some at a time; what each of them saw, and what the process did. */
async function runAll(programs, ask) {
  const events = []
  const onWarning = ({ name, message }) => events.push(`${name}: ${message}`)
  const onRejection = (reason) => events.push(`rejected: ${inspect(reason, { depth: 0 }).split('\n')[0]}`)
  process.on('warning', onWarning).on('unhandledRejection', onRejection)
  const saw = []
  let next = 0
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let n = next++; n < programs.length; n = next++) saw[n] = await programs[n].run(ask)
  }))
  await turn()
  await sleep(50)
  process.off('warning', onWarning).off('unhandledRejection', onRejection)
  return { saw, events: [...new Set(events)].sort() }
}

const isTree = (value) => value !== null && typeof value === 'object'

/** Where two values differ, a line each. */
function differences(path, alone, measured) {
  if (!isTree(alone) || !isTree(measured)) {
    return Object.is(alone, measured) ? [] : [`${path}: ${inspect(measured)}, alone ${inspect(alone)}`]
  }
  return [...new Set([...Object.keys(alone), ...Object.keys(measured)])]
    .flatMap((key) => differences(`${path}.${key}`, alone[key], measured[key]))
}

/**
 * Each program alone and measured. One that differs runs again, twice at most: on a machine that stands still
 * for a moment the network takes a connection away from all programs that are under way, measured or not.
 */
async function compare(t, programs) {
  const producer = new Producer({ bot: 'alone', bus: newBus(t) })
  const measuring = instrumentFetch(globalThis.fetch, { bus: producer, tags: { user: 'ann' } })
  const bare = await runAll(programs, globalThis.fetch)
  const measured = await runAll(programs, measuring)
  const differing = (some, alone, seen) => some.flatMap((program, n) => {
    const [first] = differences('', alone.saw[n], seen.saw[n])
    return first === undefined ? [] : [{ program, first }]
  })
  let left = differing(programs, bare, measured)
  for (let again = 0; again < 2 && left.length > 0; again++) {
    const some = left.map(({ program }) => program)
    left = differing(some, await runAll(some, globalThis.fetch), await runAll(some, measuring))
  }
  const wrong = left.map(({ program, first }) => `${program.name}: ${first}`)
  t.diagnostic(`${programs.length} programs, ${wrong.length} of them notice`)
  assert.equal(wrong.length, 0, `${wrong.length} of ${programs.length} notice:\n${wrong.slice(0, 40).join('\n')}`)
  assert.deepEqual(measured.events, bare.events)
}

// An error of the program's own must be the same object, and is compared by itself.
function program(name, index, { way, read, redirect, reason, when, at }) {
  return { name, async run(ask) {
    const log = []
    const controller = new AbortController()
    const url = `${at.base(index, redirect)}/chat/completions`
    const [input, init, ...more] = way(url, JSON.stringify(ANSWERS[index].request), log)
    const args = [input, init, ...more].slice(0, Math.max(input === undefined ? 0 : 1, init === undefined ? 0 : 2, more.length + 2))
    if (when !== undefined) args[1] = { ...init, signal: controller.signal }
    const abort = () => controller.abort(reason)
    if (when === 'before') abort()
    const later = () => setTimeout(abort, 20)
    const saw = await seen(ask, args, read, { answered: abort, later }[when])
    controller.abort() // what was left is given up
    const { thrown, ...rest } = saw
    return { ...rest, isReason: when !== undefined && Object.is(thrown, controller.signal.reason), log }
  } }
}

const indices = ANSWERS.map((_, index) => index)
const whole = indices.filter((index) => !hangs(ANSWERS[index]))
// Answers that echo differ for what is published alone: each of these is read in some of the ways. Where
// a sanitizer looks on, some of all answers are.
const isEcho = (index) => ANSWERS[index].name.startsWith('an echo')
const some = whole.filter((index, n) => (!isEcho(index) || n % 4 === 0) && (SANITIZER === '' || n % 5 === 0))
const few = [0, 1, 13, 38, 42]
const hanging = indices.filter((index) => hangs(ANSWERS[index]) && index !== SILENT)
const nameOf = (...parts) => parts.filter((part) => part !== undefined).join(' | ')

test('every way to read every answer', async (t) => {
  const at = await serveAnswers(t)
  const isRead = (index, n) => !isEcho(index) || (n + index) % 4 === 0
  await compare(t, (SANITIZER === '' ? whole : some).flatMap((index) => Object.keys(READS)
    .filter((_, n) => isRead(index, n))
    .map((read) => program(nameOf(ANSWERS[index].name, read), index, { at, way: ASKS['a string'], read }))))
})

test('every way to ask', async (t) => {
  const at = await serveAnswers(t)
  await compare(t, few.flatMap((index) => [
    ...Object.entries(ASKS).map(([ask, way]) => program(nameOf(ANSWERS[index].name, ask), index, { at, way, read: 'text' })),
    ...Object.entries(REDIRECTS).map(([name, [redirect, way]]) =>
      program(nameOf(ANSWERS[index].name, name), index, { at, way, redirect, read: 'text' })),
  ]))
})

const REASONS = { none: undefined, error: new RangeError('mine'), text: 'mine', null: null, zero: 0, symbol: Symbol('mine'),
  'an object': { of: 'mine' } }

test('every abort', async (t) => {
  const at = await serveAnswers(t)
  const programs = []
  for (const [why, reason] of Object.entries(REASONS)) {
    for (const [when, index] of [['before', 0], ['before', SILENT], ['answered', hanging[0]], ...hanging.map((index) => ['later', index])]) {
      for (const read of ['text', 'iterator', 'reader', 'tee', 'pipeTo', "Node's stream", 'cancel after a chunk']) {
        for (const ask of ['a string', 'a Request']) {
          programs.push(program(nameOf(ANSWERS[index].name, when, why, read, ask), index, { at, way: ASKS[ask], read, reason, when }))
        }
      }
    }
  }
  await compare(t, programs)
})

test('every way of the SDKs', async (t) => {
  const at = await serveAnswers(t)
  const programs = []
  const bySdk = (index, sdk) => programs.push({
    name: nameOf(ANSWERS[index].name, sdk), run: (ask) => seenBy(sdk, ask, at.base(index), ANSWERS[index].request),
  })
  const sdks = Object.keys(SDKS).filter((sdk) => sdk !== 'openai: a limit of time')
  // By turns: the SDKs take far longer than what is tested.
  for (const index of some) for (const [n, sdk] of sdks.entries()) if ((n + index) % 4 === 0 || few.includes(index)) bySdk(index, sdk)
  bySdk(SILENT, 'openai: a limit of time')
  for (const index of hanging.slice(1)) { // of the first one no chunk comes
    bySdk(index, 'openai: leave a stream')
    bySdk(index, 'openai: an abort')
  }
  await compare(t, programs)
})

// Of a seed that is fixed, so that what fails fails again.
function draws(seed) {
  return (list) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return list[Math.floor((seed / 2 ** 32) * list.length)]
  }
}

test('combinations by chance', async (t) => {
  const at = await serveAnswers(t)
  const draw = draws(20261129)
  const asks = Object.entries(ASKS)
  await compare(t, Array.from({ length: 600 }, () => {
    const index = draw(whole)
    const [ask, way] = draw(asks)
    const read = draw(Object.keys(READS))
    const redirect = draw(['', '', '', 307, 303])
    return program(nameOf(ANSWERS[index].name, ask, read, redirect), index, { at, way, read, redirect })
  }))
})
