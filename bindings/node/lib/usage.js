// usage.js: a request's token counts and cost, as whichever API or SDK reports them: with orbus's
// own names, the API's, those of @openrouter/sdk, or the Vercel AI SDK's.
'use strict'

const { FIGURE } = require('./native.js')

const { cachedTokens, completionTokens, costUsd, promptTokens, reasoningTokens, totalTokens } = FIGURE

const isFigure = (figure, n) =>
  typeof n === 'number' && n >= 0 && (figure === costUsd ? n < Infinity : Number.isSafeInteger(n))

/** Calls take(figure, number) for what is there, and refuse(value) for what is no figure. */
function readUsage(u, take, refuse) {
  if (u === null || typeof u !== 'object') return
  const input = u.prompt_tokens_details ?? u.promptTokensDetails ?? u.inputTokenDetails ?? u.input_tokens_details
  const output =
    u.completion_tokens_details ?? u.completionTokensDetails ?? u.outputTokenDetails ?? u.output_tokens_details
  const offer = (figure, value) => {
    if (value === undefined || value === null) return
    if (isFigure(figure, value)) take(figure, value)
    else refuse(value)
  }
  offer(promptTokens, u.promptTokens ?? u.prompt_tokens ?? u.inputTokens ?? u.input_tokens)
  offer(completionTokens, u.completionTokens ?? u.completion_tokens ?? u.outputTokens ?? u.output_tokens)
  offer(totalTokens, u.totalTokens ?? u.total_tokens)
  offer(cachedTokens, u.cachedTokens ?? u.cached_tokens ?? u.cachedInputTokens ??
    input?.cached_tokens ?? input?.cachedTokens ?? input?.cacheReadTokens)
  offer(reasoningTokens, u.reasoningTokens ?? u.reasoning_tokens ?? output?.reasoning_tokens ?? output?.reasoningTokens)
  offer(costUsd, u.costUsd ?? u.cost_usd ?? u.cost)
}

module.exports = { readUsage }
