// discord.mjs: as much of discord.js as discord-bot.mjs uses, without a network: it plays a short
// conversation, prints what the bot replies, and ends.
import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

export const Events = { ClientReady: 'clientReady', InteractionCreate: 'interactionCreate', MessageCreate: 'messageCreate' }
export const GatewayIntentBits = { Guilds: 1, GuildMessages: 512, MessageContent: 32768 }

const CONVERSATION = [
  { author: 'ann', channelId: 'general', content: 'Hello!' },
  { author: 'bob', channelId: 'general', content: 'Why is the sky blue?' },
  { author: 'ann', channelId: 'support', content: 'Is anybody there?' },
]

export class Client extends EventEmitter {
  ws = { ping: NaN } // no heartbeat yet

  // Resolves when the bot has replied.
  #deliver(event, who, what) {
    return new Promise((resolve) => {
      const reply = async (text) => {
        console.log(`${who}: ${text}`)
        resolve()
      }
      this.emit(event, { ...what, reply })
    })
  }

  async login() {
    this.emit(Events.ClientReady, this)
    this.ws.ping = 42
    await sleep(50)
    for (const { author, channelId, content } of CONVERSATION) {
      console.log(`${author}: ${content}`)
      await this.#deliver(Events.MessageCreate, 'acore', { author: { id: author, bot: false }, channelId, content })
    }
    await this.#deliver(Events.InteractionCreate, 'acore', { isChatInputCommand: () => true, commandName: 'stats' })
  }
}
