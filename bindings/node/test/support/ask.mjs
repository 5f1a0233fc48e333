// Asks a server for several stories by OpenAI's SDK, measured, and prints the samples, a line each.
//
//   node ask.mjs URL BUS ROUNDS
import OpenAI from 'openai'
import { Producer, tail } from 'orbus'

const [baseURL, bus, rounds] = process.argv.slice(2)
const producer = new Producer({ bot: 'node', bus })
const client = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0, fetch: producer.fetch })

for (let n = 0; n < Number(rounds); n++) {
  const stream = await client.chat.completions.create({
    model: 'smollm2', max_tokens: 40, stream: true, stream_options: { include_usage: true },
    messages: [{ role: 'user', content: `Tell me a long story about the number ${n + 100}.` }],
  })
  for await (const _ of stream);
}
for await (const sample of tail({ bus, follow: false })) console.log(JSON.stringify(sample))
