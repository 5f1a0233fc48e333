// client.mjs: asks the server through the ecosystem's own client, streamed and in one piece, so that
// it speaks no dialect of ours. Prints what came as JSON.
//
//   node client.mjs URL
import OpenAI from 'openai'

const client = new OpenAI({ baseURL: process.argv[2], apiKey: 'none', maxRetries: 0 })
const request = {
  model: 'smollm2', max_tokens: 24, messages: [{ role: 'user', content: 'Name three colours.' }],
}

const whole = await client.chat.completions.create(request)

const streamed = { text: '', chunks: 0, usage: null, finish_reason: null }
const stream = await client.chat.completions.create({
  ...request, stream: true, stream_options: { include_usage: true },
})
for await (const chunk of stream) {
  streamed.chunks++
  streamed.text += chunk.choices[0]?.delta?.content ?? ''
  streamed.finish_reason = chunk.choices[0]?.finish_reason ?? streamed.finish_reason
  streamed.usage = chunk.usage ?? streamed.usage
}

let refused = null
try {
  await client.chat.completions.create({ ...request, messages: [] })
} catch (problem) {
  refused = { status: problem.status, message: problem.message }
}
console.log(JSON.stringify({
  whole: {
    text: whole.choices[0].message.content, usage: whole.usage,
    finish_reason: whole.choices[0].finish_reason,
  },
  streamed, refused,
}))
