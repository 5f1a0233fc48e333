// Every example of the two READMEs runs as it stands. Only OpenRouter is elsewhere: the scripted server.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { Producer, stats } from 'orbus'

import { SOURCE, newBus, newFolder, program, run, samplesOf, startAgent, startServer, waitFor } from './support/index.mjs'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const REDIRECT = new URL('./support/redirect.mjs', import.meta.url).href
const needsPrograms = { skip: program('oragent') ? false : 'orbus itself is not built' }

function examplesOf(file) {
  const text = readFileSync(path.join(SOURCE, file), 'utf8')
  return [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code).filter((code) => code.includes("'orbus'"))
}

/** Files of two hours, by the names that the examples use. */
async function makeFiles(t, bus, folder) {
  const agent = await startAgent(t, bus, folder)
  const producer = new Producer({ bot: 'earlier', bus })
  producer.request({ model: 'openai/gpt-4' }).usage({ promptTokens: 1, completionTokens: 2 }).end()
  await waitFor(async () => (await stats({ bus })).requests.total === 1, 'the agent')
  await agent.stop()
  const [name] = readdirSync(folder).filter((file) => file.startsWith('hourly_'))
  renameSync(path.join(folder, name), path.join(folder, 'hourly_20251128_01.json'))
  writeFileSync(path.join(folder, 'hourly_20251128_00.json'), readFileSync(path.join(folder, 'hourly_20251128_01.json')))
}

async function runExample(t, code, index) {
  const bus = newBus(t)
  const folder = newFolder(t)
  const server = await startServer(t)
  await makeFiles(t, bus, folder)
  await server.answer(code.includes('stream: true, messages') || code.includes('streamText') ? 'stream' : 'completion')
  // Beside the tests, so that it finds what they find.
  const file = path.join(HERE, `.example-${process.pid}-${index}.mjs`)
  writeFileSync(file, code)
  t.after(() => rmSync(file, { force: true }))
  const { stdout, stderr } = await run(process.execPath, ['--import', REDIRECT, file], {
    cwd: folder,
    env: { ...process.env, ORBUS: bus, OPENROUTER_API_KEY: 'none', TEST_OPENROUTER: server.url },
  })
  assert.equal(stderr, '')
  return { stdout, requests: await samplesOf(bus) }
}

for (const file of ['README.md', 'bindings/node/README.md']) {
  for (const [index, code] of examplesOf(file).entries()) {
    test(`${file}, example ${index + 1}`, needsPrograms, async (t) => {
      const { stdout, requests } = await runExample(t, code, `${file.length}-${index}`)
      const asks = /\b(create|streamText|measure)\(/.test(code)
      if (asks) assert.match(stdout, /Hello there!/)
      else assert.match(stdout, /openai\/gpt-4|p95 /)
      const own = requests.filter((sample) => sample.bot === 'acore')
      assert.equal(own.length > 0, asks)
      for (const sample of own) assert.equal(sample.status, 'ok')
    })
  }
}

test('there are examples', () => {
  assert.equal(examplesOf('README.md').length, 1)
  assert.ok(examplesOf('bindings/node/README.md').length >= 6)
})
