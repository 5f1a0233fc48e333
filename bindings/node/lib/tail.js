// tail.js: the samples of a bus as they come, as an async iterator.
//
// It polls on a timer: every 5 ms while samples come, less often the longer none came. It reads the ring only
// then, so producers pay a cache miss a few times a second, not per publish.
'use strict'

const { inspect } = require('node:util')

const { checkBus, nameOf } = require('./bus.js')
const { OrbusError, errno } = require('./errors.js')
const native = require('./native.js')

const { KIND, STATUS } = native
const BATCH = 512
const POLL_LIVE_MS = 5
const POLL_QUIET_MS = 500
const ANY = -1

const refuse = (message) => new OrbusError(errno.EINVAL, 'tail', message)

function choose(what, name, numbers) {
  if (Object.hasOwn(numbers, name)) return numbers[name]
  throw refuse(`${what}: ${Object.keys(numbers).join(', ')}, not ${inspect(name)}`)
}

function openTail({ bus, kind = 'request', status, minMs, model, bot, provider, last }) {
  checkBus('tail', bus)
  if (last !== undefined && !(last >= 0)) throw refuse(`last: a number of samples is needed, not ${inspect(last)}`)
  const handle = native.tailOpen(bus, kind === 'all' ? ANY : choose('kind', kind, KIND),
    status === undefined ? ANY : choose('status', status, STATUS), minMs ?? NaN, model, bot, provider)
  if (typeof handle !== 'number') return handle
  throw new OrbusError(handle, `cannot read ${nameOf(bus)}`)
}

const byTime = (a, b) => (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0)

class Tail {
  #handle
  #follow
  #ref
  #signal
  #batch = []
  #at = 0 // in the batch
  #seen = performance.now() // when samples last came
  #stopped = false
  #lost = 0
  #rejected = 0
  #timer
  #wake
  #turn = Promise.resolve() // of those who called next() before
  #onAbort = () => this.#stop()

  constructor(options) {
    const { follow = true, last, ref = true, signal } = options
    signal?.throwIfAborted()
    this.#handle = openTail(options)
    this.#follow = follow
    this.#ref = ref
    this.#signal = signal
    signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (last !== undefined || !follow) this.#batch = this.#takePast(last ?? Infinity)
    else native.tailSkip(this.#handle)
  }

  // What the bus still holds: the newest `most` of it.
  #takePast(most) {
    let past = []
    const newest = () => past.sort(byTime).slice(Math.max(0, past.length - most))
    for (let batch = this.#take(); batch !== undefined; batch = this.#take()) {
      for (const sample of batch) past.push(sample)
      if (past.length > 2 * most + BATCH) past = newest()
    }
    return newest()
  }

  // The next samples in the order of their times; [] where none passed the filter; undefined: none came.
  #take() {
    const text = native.tailNext(this.#handle, BATCH)
    if (typeof text === 'number') throw new OrbusError(text, 'tail')
    return text === undefined ? undefined : JSON.parse(text).sort(byTime)
  }

  #sleep(ms) {
    return new Promise((resolve) => {
      this.#wake = resolve
      this.#timer = setTimeout(resolve, ms)
      if (!this.#ref) this.#timer.unref()
    })
  }

  #pollMs() {
    return Math.min(POLL_QUIET_MS, Math.max(POLL_LIVE_MS, (performance.now() - this.#seen) / 10))
  }

  async #next() {
    while (!this.#stopped) {
      if (this.#at < this.#batch.length) return { done: false, value: this.#batch[this.#at++] }
      if (!this.#follow) break
      // A flood must not keep the event loop to itself.
      await new Promise((resolve) => setImmediate(resolve))
      const batch = this.#stopped ? undefined : this.#take()
      if (batch !== undefined) {
        this.#batch = batch
        this.#at = 0
        this.#seen = performance.now()
      } else if (!this.#stopped) {
        await this.#sleep(this.#pollMs())
      }
    }
    this.#stop()
    this.#signal?.throwIfAborted()
    return { done: true, value: undefined }
  }

  #stop() {
    if (this.#stopped) return
    this.#stopped = true
    this.#lost = native.tailLost(this.#handle)
    this.#rejected = native.tailRejected(this.#handle)
    native.tailClose(this.#handle)
    this.#signal?.removeEventListener('abort', this.#onAbort)
    clearTimeout(this.#timer)
    this.#wake?.()
  }

  // Calls that do not wait for each other are answered one after another, as a generator does.
  next() {
    const turn = this.#turn.then(() => this.#next())
    this.#turn = turn.then(() => {}, () => this.#stop())
    return turn
  }

  async return(value) {
    this.#stop()
    return { done: true, value }
  }

  async throw(error) {
    this.#stop()
    throw error
  }

  get lost() {
    return this.#stopped ? this.#lost : native.tailLost(this.#handle)
  }

  get rejected() {
    return this.#stopped ? this.#rejected : native.tailRejected(this.#handle)
  }

  [Symbol.asyncIterator]() {
    return this
  }
}

if (Symbol.asyncDispose) {
  Tail.prototype[Symbol.asyncDispose] = async function () {
    await this.return()
  }
}

const tail = (options = {}) => new Tail(options)

module.exports = { tail }
