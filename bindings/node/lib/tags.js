// tags.js: tags, as the addon takes them.
'use strict'

const TAGS_MAX = 16

const clean = (text) => (text.includes('\0') ? text.replaceAll('\0', '') : text)

/** Keys and values, each ended by a NUL; undefined where there are none. Those beyond 16 are left out. */
function flatten(tags) {
  if (tags === null || typeof tags !== 'object') return undefined
  let flat = ''
  let count = 0
  for (const key in tags) {
    const value = tags[key]
    if (value === undefined || value === null || key === '' || count === TAGS_MAX) continue
    flat += `${clean(key)}\0${clean(String(value))}\0`
    count++
  }
  return count > 0 ? flat : undefined
}

module.exports = { flatten }
