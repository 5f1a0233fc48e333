// index.mjs: what `import ... from 'orbus'` gives.
import orbus from './index.js'

export const { OrbusError, Producer, instrumentFetch, load, merge, stats, tail, version } = orbus
