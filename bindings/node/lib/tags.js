// tags.js: tags, as the addon takes them.
'use strict'

const TAGS_MAX = 16

/** A flat array of keys and values; undefined where there are none. Those beyond 16 are left out. */
function flatten(tags) {
  if (tags === null || typeof tags !== 'object') return undefined
  const flat = []
  for (const [key, value] of Object.entries(tags)) {
    if (value !== undefined && value !== null && flat.length < 2 * TAGS_MAX) flat.push(key, String(value))
  }
  return flat.length > 0 ? flat : undefined
}

module.exports = { flatten }
