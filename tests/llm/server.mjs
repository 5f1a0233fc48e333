// server.mjs: a real language model (llama.cpp) behind OpenRouter's chat completions protocol.
//
//   node server.mjs MODEL.gguf [PORT]
//
// Listens on the loopback address only and prints "listening on URL"; then one JSON line a request
// with the engine's own timings, by the generation id. Requests are answered one after another.
import http from 'node:http'
import os from 'node:os'
import { randomUUID } from 'node:crypto'
import { loadModel } from '@fugood/llama.node'

const [file, port = '0'] = process.argv.slice(2)
const MODEL = 'smollm2-135m-instruct'
const PROVIDER = 'llama.cpp'
const CONTEXT = 2048

const engine = await loadModel({
  model: file, n_ctx: CONTEXT, n_gpu_layers: 0, n_threads: Math.max(1, os.cpus().length - 1),
})

// The engine has one context: the next request waits for the one before.
let last = Promise.resolve()
const inTurn = (work) => (last = last.catch(() => {}).then(work))

async function readBody(request) {
  const pieces = []
  for await (const piece of request) pieces.push(piece)
  return JSON.parse(Buffer.concat(pieces).toString('utf8'))
}

// tokens_evaluated counts the prompt and the answer; what was not evaluated anew was cached.
function usageOf({ tokens_evaluated, tokens_predicted, timings }) {
  const prompt = tokens_evaluated - tokens_predicted
  return {
    prompt_tokens: prompt, completion_tokens: tokens_predicted, total_tokens: tokens_evaluated, cost: 0,
    prompt_tokens_details: { cached_tokens: Math.max(0, prompt - timings.prompt_n) },
  }
}

function sendError(response, status, message) {
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify({ error: { code: status, message } }))
}

async function complete(body, response) {
  const id = `gen-${randomUUID()}`
  const created = Math.floor(Date.now() / 1000)
  const common = { id, provider: PROVIDER, model: MODEL, created }
  const chunk = (delta, finish_reason = null, more = {}) =>
    response.write(`data: ${JSON.stringify({
      ...common, object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }], ...more,
    })}\n\n`)

  response.setHeader('X-Generation-Id', id)
  if (body.stream) {
    response.socket.setNoDelay(true)
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' })
    response.write(': OPENROUTER PROCESSING\n\n')
    chunk({ role: 'assistant', content: '' })
  }
  const started = performance.now()
  const result = await engine.completion({
    messages: body.messages, n_predict: body.max_tokens ?? 128, temperature: body.temperature ?? 0.8,
    seed: body.seed,
  }, body.stream ? ({ token }) => token && chunk({ content: token }) : undefined)
  const finish = result.stopped_limited ? 'length' : 'stop'
  const usage = usageOf(result)

  console.log(JSON.stringify({ id, timings: result.timings, wall_ms: performance.now() - started, usage }))
  if (!body.stream) {
    response.writeHead(200, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify({
      ...common, object: 'chat.completion', usage,
      choices: [{ index: 0, finish_reason: finish, message: { role: 'assistant', content: result.text } }],
    }))
    return
  }
  chunk({}, finish)
  if (body.stream_options?.include_usage)
    response.write(`data: ${JSON.stringify({ ...common, object: 'chat.completion.chunk', choices: [], usage })}\n\n`)
  response.end('data: [DONE]\n\n')
}

const server = http.createServer(async (request, response) => {
  try {
    if (request.method !== 'POST' || !request.url.endsWith('/chat/completions'))
      return sendError(response, 404, `no such endpoint: ${request.method} ${request.url}`)
    const body = await readBody(request)
    if (!Array.isArray(body.messages) || body.messages.length === 0)
      return sendError(response, 400, 'messages: an array with one message at least')
    await inTurn(() => complete(body, response))
  } catch (problem) {
    if (response.headersSent) response.destroy()
    else sendError(response, problem instanceof SyntaxError ? 400 : 500, String(problem.message))
  }
})
server.listen(Number(port), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}/api/v1`)
})
process.on('SIGTERM', () => process.exit(0))
