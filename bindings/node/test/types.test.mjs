// The types are those of a program in TypeScript, as a module and by require.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { plainEnvironment, run } from './support/index.mjs'

async function compile(project) {
  const typescript = path.dirname(createRequire(import.meta.url).resolve('typescript/package.json'))
  const file = fileURLToPath(new URL(`./types/${project}`, import.meta.url))
  const done = await run(process.execPath, [path.join(typescript, 'bin/tsc'), '--project', file], { env: plainEnvironment() })
    .catch((error) => error)
  assert.equal(done.stdout, '')
  assert.equal(done.code, undefined, done.stderr)
}

test('a program in TypeScript compiles, and what is wrong does not', () => compile('tsconfig.json'))

test('the types are sound by themselves', () => compile('tsconfig.own.json'))

test('a program of target es2022 needs no further library', () => compile('tsconfig.plain.json'))
