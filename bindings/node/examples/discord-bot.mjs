// discord-bot.mjs: a Discord bot that answers by way of OpenRouter, measured by orbus.
//
//   OPENROUTER_BASE_URL=http://127.0.0.1:8080/api/v1 node discord-bot.mjs
//
// It plays a few messages by discord.mjs, which stands for discord.js and needs no network. In a bot
// of your own import 'discord.js' in its place: nothing else changes.
import { AsyncLocalStorage } from 'node:async_hooks'

import OpenAI from 'openai'
import { Producer, instrumentFetch } from 'orbus'

import { Client, Events, GatewayIntentBits } from './discord.mjs'

const bus = new Producer({ bot: 'acore', onError: (error) => console.error(error.message) })

// Whose message is being answered, for the tags of each request.
const asking = new AsyncLocalStorage()

const llm = new OpenAI({
  baseURL: process.env.OPENROUTER_BASE_URL ?? 'https://openrouter.ai/api/v1',
  apiKey: process.env.OPENROUTER_API_KEY ?? 'none',
  timeout: 180_000,
  fetch: instrumentFetch(fetch, { bus, tags: () => asking.getStore(), timeout: 180_000 }),
})

const history = new Map() // of each channel

function remember(channel, message) {
  bus.count(history.has(channel) ? 'history_cache_hits' : 'history_cache_misses')
  const messages = history.get(channel) ?? []
  history.set(channel, messages)
  messages.push(message)
  return messages
}

async function answer(message) {
  const messages = remember(message.channelId, { role: 'user', content: message.content })
  const stream = await llm.chat.completions.create({ model: 'openai/gpt-4', stream: true, messages })
  let text = ''
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? ''
  remember(message.channelId, { role: 'assistant', content: text })
  await message.reply(text)
}

const client = new Client({ intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages, GatewayIntentBits.MessageContent] })

client.on(Events.MessageCreate, async (message) => {
  if (message.author.bot) return
  bus.count('messages_processed')
  try {
    await asking.run({ user: message.author.id, channel: message.channelId }, answer, message)
  } catch (error) {
    await message.reply(`I cannot answer: ${error.message}`) // orbus has its sample all the same
  }
})

client.on(Events.InteractionCreate, async (interaction) => {
  if (!interaction.isChatInputCommand()) return
  bus.count('commands_executed')
  const stats = bus.getPerformanceStats()
  await interaction.reply(`${stats.total_requests} requests, ${stats.average_response_time_seconds}s each, ${stats.last_tps} TPS`)
})

client.once(Events.ClientReady, () => {
  // Before the first heartbeat it is NaN, which orbus drops, or -1.
  const measure = () => client.ws.ping === -1 || bus.gauge('discord_latency_ms', client.ws.ping)
  measure()
  setInterval(measure, Number(process.env.HEARTBEAT_MS ?? 15_000)).unref()
})

await client.login(process.env.DISCORD_TOKEN)
