// nesting.js: which measured call is made within which, so that a call counts once, however many
// layers measure it: a fetch within a fetch, and a client's calls within measure() or request().
//
// bindings/llm/nesting.h has the rule. Layers are found by Node's asynchronous context of the call
// (AsyncLocalStorage).
'use strict'

const { AsyncLocalStorage } = require('node:async_hooks')

const internals = require('./internals.js')
const { isSameBus } = require('./native.js')

const current = new AsyncLocalStorage()
// Requests that are never ended stay open: no more than this are looked through, or kept.
const DEPTH_MAX = 16
// Once a program measures its clients. Until then no request can have a call within.
let isNeeded = false

/** A measured call under way. It holds nothing of the program's but the tags. */
class Layer {
  producer
  tags // as flatten() gives them
  attempt
  id // [high, low] of the begin that was published; undefined: none yet
  isTaken = false // a call within has taken its place: it publishes nothing itself
  #isOpen = true
  #outer
  #depth = 0
  #onTaken

  constructor(producer, { tags, attempt, id, onTaken } = {}) {
    this.producer = producer
    this.tags = tags
    this.attempt = attempt
    this.id = id
    this.#onTaken = onTaken
    const outer = current.getStore()?.open
    if (outer === undefined || outer.#depth >= DEPTH_MAX) return
    this.#outer = outer
    this.#depth = outer.#depth + 1
  }

  /** A call within has the begin now. */
  take() {
    this.isTaken = true
    this.#onTaken?.()
  }

  /** Calls that are made from now on are not within. Contexts that still have this layer keep next to nothing. */
  close() {
    this.#isOpen = false
    this.producer = this.tags = this.#onTaken = undefined
  }

  /** The innermost one that is open, from this one outwards. Closed ones in between are forgotten. */
  get open() {
    let layer = this
    while (layer !== undefined && !layer.#isOpen) layer = layer.#outer
    if (this.#isOpen === false) this.#outer = layer
    return layer
  }

  /** The innermost open one that publishes on the producer's bus, from this one outwards. */
  openOn(producer) {
    let layer = this.open
    while (layer !== undefined && !publishesOn(layer, producer)) layer = layer.#outer?.open
    return layer
  }
}

/** Most layers are of one producer: only for others the buses' names are compared. */
const publishesOn = (layer, producer) =>
  layer.producer === producer || isSameBus(internals.busOf(layer.producer), internals.busOf(producer))

/** The layer of the producer's bus that the program is within; undefined where it is within none. */
function openLayer(producer) {
  return current.getStore()?.openOn(producer)
}

/** Runs work(...) within a layer. */
const within = (layer, work) => current.run(layer, work)

/** What follows in this context is within the layer, until it is closed. */
function enter(layer) {
  current.enterWith(layer)
}

module.exports = {
  Layer, enter, openLayer, within,
  expectFetches() { isNeeded = true },
  isNeeded: () => isNeeded,
}
