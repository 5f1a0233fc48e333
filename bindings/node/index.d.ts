/// <reference lib="esnext.disposable" />
/**
 * orbus: measures a program's LLM calls on a shared-memory metrics bus.
 *
 * A producer publishes samples; `tail()`, `stats()`, `load()` and `merge()` read what the bus, its
 * agent and the agent's files hold. Names and units are those of every other part of orbus: times in
 * milliseconds, cost in US dollars, unknown is absent or null and never 0.
 *
 * Everything belongs to the thread that made it: open a producer in each worker. Nothing but a `tail`
 * that is waiting keeps the process alive.
 */

/** An error of orbus. `code` is the name of an errno: ENOENT (no such bus), EUSERS (no free lane), ... */
export class OrbusError extends Error {
  readonly name: 'OrbusError'
  readonly code: string
  /** Negative. */
  readonly errno: number
}

export type Status = 'ok' | 'error' | 'timeout' | 'cancelled'

/** Up to 16, such as `user` and `channel`. What is undefined or null is left out. */
export type Tags = Record<string, string | number | bigint | boolean | null | undefined>

/* --- Producing -------------------------------------------------------------------------------- */

export interface ProducerOptions {
  /** Names the program in every sample: 1 to 64 bytes. */
  bot: string
  /** A name, or a path on a tmpfs. Default: $ORBUS, else "orbus". It is made where it does not exist. */
  bus?: string
  /**
   * Hears of what could not be published as it was given. Nothing that a producer or one of its
   * requests does after it was opened throws, and nothing that this function throws reaches anybody.
   */
  onError?: (error: OrbusError) => void
}

export interface RequestOptions {
  /** That is asked for. */
  model?: string
  /** Default: false. Only a stream has a time to first token. */
  stream?: boolean
  tags?: Tags
  /** 1 for the first try. */
  attempt?: number
}

/** What a request is found to be while it is under way. */
export interface RequestFacts {
  /** The model that answers. Default, for a request that ends well: the one that was asked for. */
  model?: string
  provider?: string
  finishReason?: string
  /** The API's generation id. */
  requestId?: string
  httpStatus?: number
  attempt?: number
  errorType?: string
  errorMessage?: string
  tokensEstimated?: boolean
  tags?: Tags
}

/**
 * Token counts, and the cost in US dollars. Besides these names those of the API
 * (`prompt_tokens`, `prompt_tokens_details.cached_tokens`, `cost`, ...), of `@openrouter/sdk` and of
 * the Vercel AI SDK (`inputTokens`, ...) are understood: pass on what came.
 */
export interface Usage {
  promptTokens?: number | null
  completionTokens?: number | null
  totalTokens?: number | null
  cachedTokens?: number | null
  reasoningTokens?: number | null
  costUsd?: number | null
}

/** A request under way. `using` records it as cancelled unless it was ended. */
export interface Request extends Disposable {
  /** Marks the first token of a stream. Calls after the first change nothing. */
  firstToken(): this
  /** What is said twice counts as it was said last. */
  usage(usage: Usage | object | null | undefined): this
  set(facts: RequestFacts): this
  /** Publishes it; later calls do nothing. Default: "ok". Returns whether a sample was published. */
  end(status?: Status): boolean
  /**
   * Ends it as the error says: `timeout` for a TimeoutError and what undici, OpenAI's and other SDKs
   * throw in its place, `cancelled` for an AbortError, else `error`, with the type by the HTTP status
   * (`rate_limited`, ...), by what failed (`connection_refused`, ...) or by the error's class
   * (`range_error`). Its message is published where it is the server's or the system's, not the program's.
   */
  fail(error: unknown): boolean
}

/** The keys of the seed system, with its rounding; unknown is 0 there, but null for the last four. */
export interface PerformanceStats {
  last_response_time_seconds: number
  last_response_time_ms: number
  last_tps: number
  average_response_time_seconds: number
  average_response_time_ms: number
  total_requests: number
  total_tokens_generated: number
  model: string | null
  last_ttft_seconds: number | null
  last_ttft_ms: number | null
  average_ttft_seconds: number | null
  average_ttft_ms: number | null
}

/** Publishes to a bus. It holds one of the bus's lanes until it is closed or its thread ends. */
export class Producer implements Disposable {
  /** @throws {OrbusError} where the bus cannot be opened. */
  constructor(options: ProducerOptions)
  /**
   * Starts the clock. End it with `end()` or `fail()`; one that is not counts as in flight.
   *
   * A call is one sample, however many layers measure it. A call that a measured fetch of this producer makes
   * in the same asynchronous context before the end, and that asks for this model (or any, where none
   * is given), is this request: it is published with what its answer says and with these tags, each
   * attempt as a sample. What is set here by hand is not published then, and `end()` returns true.
   */
  request(options?: RequestOptions): Request
  /**
   * Runs `work` as a request that ends when its promise does; what it throws goes on to the caller.
   * A measured call within is this request, as with `request()`.
   */
  measure<T>(options: RequestOptions | undefined, work: (request: Request) => T | PromiseLike<T>): Promise<T>
  /** A value as of now. NaN (discord.js's ping before the first heartbeat is one) is dropped, and counted. */
  gauge(name: string, value: number): boolean
  /** Something happened, `n` times: `messages_processed`, `commands_executed`, `rag_cache_hits`, ... */
  count(name: string, n?: number): boolean
  /**
   * The `globalThis.fetch` of when the producer was made, with completions measured: see
   * `instrumentFetch()`. It may be put in the place of `globalThis.fetch`.
   */
  readonly fetch: typeof globalThis.fetch
  /** Of this producer's requests that ended well. */
  getPerformanceStats(): PerformanceStats
  /** Samples that could not be published. */
  readonly dropped: number
  /**
   * Calls of a measured fetch that passed as they were, since they cannot be measured without the program
   * noticing, or at all. `onError` hears of each kind once.
   */
  readonly unmeasured: number
  /** Gives the lane back. What is published afterwards is dropped. */
  close(): void
  [Symbol.dispose](): void
}

export interface InstrumentOptions {
  bus: Producer
  /** Of every request, or of each. */
  tags?: Tags | ((input: Parameters<typeof globalThis.fetch>[0], init?: RequestInit) => Tags | undefined)
  /**
   * Milliseconds after which an abort is a limit on time and not a user who left. Needed for a client
   * that aborts by a timer of its own and does not say so (`timeout` of OpenAI's client, unless it is
   * given with the call).
   */
  timeout?: number
}

/**
 * A fetch like the given one, whose calls of `.../chat/completions` and `.../completions` are measured: hand
 * it to OpenAI's SDK (`fetch`), the Vercel AI SDK's providers (`fetch`), or `@openrouter/sdk`
 * (`new HTTPClient({ fetcher })`).
 *
 * The caller gets the same errors and the same chunks, each when it asks for it. No prompt,
 * no answer and no key is published: of what a server says, what repeats 12 characters of the request's
 * body or of a key is withheld. No answer is kept, and the body until the request ends. Each try of an
 * SDK is a sample. Of a fetch whose Response has no web stream for a body (node-fetch), time and status
 * are measured, tokens and cost are not. What cannot be measured passes as it is: see `unmeasured`.
 */
export function instrumentFetch<F extends (...call: any[]) => Promise<any>>(fetch: F, options: InstrumentOptions): F

/* --- Reading ---------------------------------------------------------------------------------- */

/** A sample, with the keys that `ortail --json` prints. */
export interface Sample {
  /** RFC 3339 in UTC, with nanoseconds. */
  ts: string
  kind: 'request' | 'begin' | 'gauge' | 'count'
  status?: Status | 'orphaned'
  bot?: string
  model?: string
  requested_model?: string
  provider?: string
  finish_reason?: string
  request_id?: string
  begin_id?: string
  stream?: boolean
  error_type?: string
  error_message?: string
  http_status?: number
  response_ms?: number
  ttft_ms?: number
  prompt_tokens?: number
  completion_tokens?: number
  total_tokens?: number
  cached_tokens?: number
  reasoning_tokens?: number
  tokens_estimated?: boolean
  cost_usd?: number
  attempt?: number
  tags?: Record<string, string>
  /** Of a gauge or a count. */
  name?: string
  value?: number
  /** Derived: tokens a second. */
  tps?: number
  decode_tps?: number
}

export interface TailOptions {
  bus?: string
  /** Default: "request". */
  kind?: Sample['kind'] | 'all'
  status?: Status
  /** Shell patterns, such as "openai/*". */
  model?: string
  bot?: string
  provider?: string
  /** Requests that took at least so many milliseconds. */
  minMs?: number
  /** Begin with the last so many that the bus still holds. Default: none, or all without `follow`. */
  last?: number
  /** Default: true. Without it, the iteration ends with what is there now. */
  follow?: boolean
  /** Ends the iteration with its reason. */
  signal?: AbortSignal
  /** Whether waiting for samples keeps the process alive. Default: true. */
  ref?: boolean
}

export interface Tail extends AsyncIterableIterator<Sample> {
  return(): Promise<IteratorResult<Sample>>
  throw(error: unknown): Promise<IteratorResult<Sample>>
  /** Samples that were overwritten before they were read, exactly. */
  readonly lost: number
  /** Samples that were not valid. */
  readonly rejected: number
}

/**
 * The samples of a bus as they come: `for await (const sample of tail())`. Whoever breaks off leaves
 * nothing behind.
 *
 * @throws {OrbusError} where there is no such bus, or an option is wrong.
 */
export function tail(options?: TailOptions): Tail

/** `avg`, percentiles and the rest are null where there is nothing to compute them of. */
export interface Summary {
  avg: number | null
  min: number | null
  max: number | null
  p50: number | null
  p95: number | null
  p99: number | null
  count: number
}

/** What the agent's files hold; `man 5 orbus-files` lists every key. */
export interface Document {
  requests: Record<'total' | 'ok' | 'errors' | 'timeouts' | 'cancelled' | 'orphaned' | 'in_flight' | 'streaming' | 'priced' | 'failed', number>
    & { error_rate: number | null }
  response_times: Summary
  ttft: Summary
  tps: Summary
  decode_tps: Summary
  token_usage: { total_tokens: number; prompt_tokens: number; completion_tokens: number; by_model: Record<string, number> }
  cost_usd: number | null
  errors: { total_errors: number; by_type: Record<string, number>; recent_errors?: object[]; error_rate: number | null }
  [key: string]: any
}

export interface Statistics extends Document {
  /** "ring" where no agent runs: then of what the ring still holds. */
  source: 'agent' | 'ring'
  agent: Record<string, any> | null
}

export type Window = '1m' | '5m' | '1h' | 'day' | 'start'

/**
 * Current statistics, as `orstat --json` prints them. Default: the last hour.
 *
 * @throws {OrbusError} (a rejection) ENOENT where there is no such bus.
 */
export function stats(options?: { bus?: string; window?: Window }): Promise<Statistics>

/** A file of the agent's, or one of the seed system's. @throws {OrbusError} (a rejection) */
export function load(file: string | URL): Promise<Document>

/**
 * Period files added up, of any hours, days and hosts; one that is named twice counts twice. Sums and
 * counts are exact, percentiles are those of all samples together (off by 1.1 % at most, as ever).
 *
 * @throws {OrbusError} (a rejection) that names the file.
 */
export function merge(files: Iterable<string | URL>): Promise<Document>

/** Of the library. */
export const version: string
