// A server of this process that gives every answer of the conformance table, and some that only HTTP
// knows, each under a path of its own, and tells in a header what it was asked. Two programs that ask it the
// same get the same.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'

import { SOURCE } from './index.mjs'

const COMPLETION = JSON.stringify({
  id: 'gen-1', object: 'chat.completion', model: 'acme/large-2024', created: 1700000000,
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
})
const REQUEST = { model: 'acme/large', messages: [{ role: 'user', content: 'Say hello.' }] }
const ofHttp = (name, answer) =>
  ({ name, request: REQUEST, answer: { content_type: 'application/json', parts: [COMPLETION], ...answer } })

/** What a call may be answered. */
export const ANSWERS = [
  ...JSON.parse(readFileSync(path.join(SOURCE, 'tests/conformance/calls.json'), 'utf8')),
  ofHttp('a status that no Response may be made of', { status: 799 }),
  ofHttp('a reason in another script', { reason: 'caf\u00e9' }),
  ofHttp('no content', { status: 204, parts: [] }),
  ofHttp('reset content', { status: 205, parts: [] }),
  ofHttp('not modified', { status: 304, parts: [] }),
  ofHttp('a body that is compressed', { headers: { 'Content-Encoding': 'gzip' }, parts: [gzipSync(COMPLETION)] }),
  ofHttp('a body that is said to be compressed', { headers: { 'Content-Encoding': 'gzip' } }),
  ofHttp('a body that is shorter than was said', { headers: { 'Content-Length': '4000' }, parts: [COMPLETION, { abort: true }] }),
  ofHttp('a form', { content_type: 'application/x-www-form-urlencoded', parts: ['a=1&b=2'] }),
  ofHttp('two cookies', { headers: { 'Set-Cookie': ['a=1', 'b=2'] } }),
  ofHttp('no answer at all', { isSilent: true, parts: [{ hang: true }] }),
  ofHttp('a redirect that leads nowhere', { status: 302, headers: {}, parts: [] }),
]

export const SILENT = ANSWERS.findIndex(({ answer }) => answer?.isSilent)
export const hangs = ({ answer }) => answer?.parts.some((part) => part.hang) ?? false

// Boundaries of forms are drawn by chance.
const plain = (text) => text?.replaceAll(/-{4,}[\w-]*\d{6,}[\w-]*/g, 'BOUNDARY')

async function described(request) {
  const hash = createHash('sha1')
  const parts = []
  for await (const part of request) parts.push(part)
  hash.update(plain(Buffer.concat(parts).toString('latin1')))
  const { 'content-type': type, 'content-length': length, 'transfer-encoding': coding, 'x-own': own } = request.headers
  const saw = { method: request.method, type: plain(type), sized: length !== undefined, coding, own, body: hash.digest('hex') }
  return JSON.stringify(saw)
}

async function answerWith({ answer }, response, saw) {
  const { status = 200, content_type: type, headers = {}, reason, parts, isSilent } = answer
  if (isSilent) return
  response.sendDate = false
  response.writeHead(status, reason, { 'Content-Type': type, 'X-Generation-Id': 'gen-1', 'X-Saw': saw, ...headers })
  response.flushHeaders()
  for (const part of parts) {
    if (response.destroyed) return
    if (typeof part === 'number') await sleep(5)
    else if (part.abort) return void (await sleep(20), response.destroy())
    else if (part.hang) return
    else response.write(part)
  }
  response.end()
}

/** base(n) is the API whose every answer is the n-th; base(n, 307) sends elsewhere first. */
export async function serveAnswers(t) {
  const server = http.createServer((request, response) => {
    const [, redirect, index, rest] = /^\/(\d*)\/(\d+)(\/.*)$/.exec(request.url)
    described(request).then((saw) => {
      if (redirect === '') return answerWith(ANSWERS[index], response, saw)
      response.writeHead(Number(redirect), { Location: `//${request.headers.host}//${index}${rest}` }).end()
    }).catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => { server.closeAllConnections(); server.close() })
  const refusing = http.createServer().listen(0, '127.0.0.1')
  await once(refusing, 'listening')
  const nobody = refusing.address().port
  await new Promise((resolve) => refusing.close(resolve))
  return {
    base(index, redirect = '') {
      const kind = ANSWERS[index].server
      if (kind === 'refuses') return `http://127.0.0.1:${nobody}/${redirect}/${index}`
      if (kind === 'unknown') return `http://${'x'.repeat(64)}.example/${redirect}/${index}`
      return `http://127.0.0.1:${server.address().port}/${redirect}/${index}`
    },
  }
}
