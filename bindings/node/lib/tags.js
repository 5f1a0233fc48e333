// tags.js: tags, as the addon takes them.
'use strict'

const { MAX } = require('./native.js')
const { attempt, get } = require('./values.js')

const clean = (text) => (text.includes('\0') ? text.replaceAll('\0', '') : text)

/**
 * Keys and values, each ended by a NUL; undefined where there are none. Those beyond 16 are left
 * out, and those that cannot be made a text.
 */
function flattenAll(tags) {
  if (tags === null || typeof tags !== 'object') return undefined
  let flat = ''
  let count = 0
  for (const key in tags) {
    const value = get(tags, key)
    if (value === undefined || value === null || key === '' || count === MAX.tags) continue
    const text = attempt(() => String(value))
    if (text === undefined) continue
    flat += `${clean(key)}\0${clean(text)}\0`
    count++
  }
  return count > 0 ? flat : undefined
}

/** Of an object that does not tell its keys nothing is known. */
const flatten = (tags) => attempt(() => flattenAll(tags))

/** Both; where they name the same, the outer ones count. */
function merge(outer, inner) {
  if (outer === undefined || inner === undefined) return outer ?? inner
  const all = new Map()
  for (const tags of [outer, inner]) {
    const parts = tags.split('\0')
    for (let n = 0; n + 1 < parts.length; n += 2) if (!all.has(parts[n])) all.set(parts[n], parts[n + 1])
  }
  return [...all].slice(0, MAX.tags).map(([key, value]) => `${key}\0${value}\0`).join('')
}

module.exports = { flatten, merge }
