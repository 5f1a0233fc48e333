// usage.js: a request's token counts and cost, under orbus's names, the API's, those of @openrouter/sdk or
// those of the Vercel AI SDK.
'use strict'

const { FIGURE } = require('./native.js')
const { get } = require('./values.js')

const { cacheWriteTokens, cachedTokens, completionTokens, costUsd, promptTokens, reasoningTokens, totalTokens } = FIGURE

const isFigure = (figure, n) =>
  typeof n === 'number' && n >= 0 && (figure === costUsd ? n < Infinity : Number.isSafeInteger(n))

// The first of these that is there.
const first = (object, names) => {
  for (const name of names) {
    const value = get(object, name)
    if (value !== undefined && value !== null) return value
  }
  return undefined
}

const INPUT = ['prompt_tokens_details', 'promptTokensDetails', 'inputTokenDetails', 'input_tokens_details']
const OUTPUT = ['completion_tokens_details', 'completionTokensDetails', 'outputTokenDetails', 'output_tokens_details']

/** Calls take(figure, number) for what is there, and refuse(value) for what is no figure. */
function readUsage(u, take, refuse) {
  if (u === null || typeof u !== 'object') return
  const input = first(u, INPUT)
  const output = first(u, OUTPUT)
  const offer = (figure, value) => {
    if (value === undefined || value === null) return
    const n = typeof value === 'bigint' ? Number(value) : value
    if (isFigure(figure, n)) take(figure, n)
    else refuse(value)
  }
  offer(promptTokens, first(u, ['promptTokens', 'prompt_tokens', 'inputTokens', 'input_tokens']))
  offer(completionTokens, first(u, ['completionTokens', 'completion_tokens', 'outputTokens', 'output_tokens']))
  offer(totalTokens, first(u, ['totalTokens', 'total_tokens']))
  offer(cachedTokens, first(u, ['cachedTokens', 'cached_tokens', 'cachedInputTokens']) ??
    first(input, ['cached_tokens', 'cachedTokens', 'cacheReadTokens']))
  offer(cacheWriteTokens, first(u, ['cacheWriteTokens', 'cache_write_tokens', 'cache_creation_input_tokens']) ??
    first(input, ['cache_write_tokens', 'cacheWriteTokens']))
  offer(reasoningTokens, first(u, ['reasoningTokens', 'reasoning_tokens']) ??
    first(output, ['reasoning_tokens', 'reasoningTokens']))
  offer(costUsd, first(u, ['costUsd', 'cost_usd', 'cost']))
}

module.exports = { readUsage }
