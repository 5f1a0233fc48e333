// Values that are not what they are taken for, for every place where a program hands over one.
import { inspect } from 'node:util'

const throwing = () => { throw new Error('nasty') }
const THROWS = { get: throwing, has: throwing, ownKeys: throwing, getPrototypeOf: throwing, getOwnPropertyDescriptor: throwing }

function revoked() {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** An object all of whose known properties throw. */
function gettersThatThrow() {
  const object = {}
  for (const name of ['model', 'stream', 'tags', 'attempt', 'provider', 'message', 'name', 'code', 'cause', 'status',
    'promptTokens', 'prompt_tokens', 'usage', 'httpStatus', 'then', 'constructor', 'errors', 'toString', 'error']) {
    Object.defineProperty(object, name, { get: throwing, enumerable: true })
  }
  return object
}

const ring = {}
ring.cause = ring.errors = ring

export const NASTY = [
  ['undefined', undefined], ['null', null], ['true', true], ['zero', 0], ['NaN', NaN], ['infinity', Infinity],
  ['bigint', 2n], ['huge bigint', 10n ** 400n], ['symbol', Symbol('s')], ['empty', ''], ['NUL', 'a\0b'],
  ['half a pair', '\ud800'], ['long', 'x'.repeat(100000)], ['function', () => {}], ['array', [1, [2]]],
  ['no prototype', Object.create(null)], ['frozen', Object.freeze({})], ['date', new Date(NaN)], ['ring', ring],
  ['no string', { toString: () => ({}), valueOf: () => ({}) }], ['string that throws', { toString: throwing }],
  ['number that throws', { valueOf: throwing, [Symbol.toPrimitive]: throwing }],
  ['inspect that throws', { [inspect.custom]: throwing }], ['getters', gettersThatThrow()],
  ['proxy', new Proxy({}, THROWS)], ['revoked proxy', revoked()],
  ['error', Object.assign(new Error('e'), { name: 7, code: 7n, cause: Symbol('c') })],
  ['error with getters', Object.defineProperty(new Error('e'), 'message', { get: throwing })],
  ['error without class', Object.assign(Object.create(null), { name: 'E' })],
]

/** What a promise is rejected with, in an object: by itself it might be taken for a promise. */
export const caught = (promise) => promise.then(() => { throw new Error('not rejected') }, (error) => ({ error }))
