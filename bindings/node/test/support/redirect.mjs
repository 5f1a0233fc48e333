// For examples, by --import: OpenRouter is the scripted server.
const { fetch } = globalThis
const elsewhere = (url) => String(url).replace('https://openrouter.ai/api/v1', process.env.TEST_OPENROUTER)

globalThis.fetch = (input, init) =>
  input instanceof Request ? fetch(new Request(elsewhere(input.url), input), init) : fetch(elsewhere(input), init)
