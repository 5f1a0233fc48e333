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
   * Called with what could not be published as it was given. After a producer was opened, neither it
   * nor its requests throw; what this function throws is ignored.
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
 * The samples of a bus as they come: `for await (const sample of tail())`. Leaving the loop closes
 * it.
 *
 * @throws {OrbusError} where there is no such bus, or an option is wrong.
 */
export function tail(options?: TailOptions): Tail

/*
 * Documents: the agent's files, and what merge() and stats() give. A figure that is not known is null. What
 * stats() gives has no keys that only files have: they are optional here. load() also reads files of the
 * seed system, which have some of these keys.
 */
// begin documents: what man/schemadoc typescript prints of libbus/doc/schema.def
export interface Document {
  /** of the agent, in s */
  uptime_seconds: number
  /** the same: 1 day, 2:00:00 */
  uptime_formatted: string
  /** what the document is of */
  period?: DocumentPeriod
  /** requests by how they ended */
  requests: DocumentRequests
  /** duration of requests that ended with ok */
  response_times: Summary
  /** time to the first token, of streams */
  ttft: Summary
  /** completion tokens over the whole response */
  tps: Summary
  /** completion tokens from the first one on */
  decode_tps: Summary
  /** tokens of all requests */
  token_usage: DocumentTokenUsage
  /** cost as reported, null where none was, in USD */
  cost_usd: number | null
  /** what the exact sum has beyond it, in trillionths */
  cost_usd_rest?: number
  /** what failed */
  errors: DocumentErrors
  /** users, channels, and two counts */
  active_stats: DocumentActiveStats
  /** counts <cache>_hits and <cache>_misses, by cache */
  cache_stats: Record<string, DocumentCache>
  /** all other counts */
  service_metrics: Record<string, number>
  /** messages and errors by hour, or null */
  hourly_trends: DocumentTrends | null
  /** requests of each model */
  by_model: Record<string, DocumentStats>
  /** requests of each bot */
  by_bot: Record<string, DocumentStats>
  /** requests of each provider */
  by_provider: Record<string, DocumentStats>
  /** each gauge */
  gauges: Record<string, DocumentGauge>
  /** samples overwritten before they were read */
  lost_samples: number
  /** records that were no valid sample */
  rejected_samples: number
  /** samples stamped in the future, counted as of now */
  skewed_samples: number
  /** requests that were counted, and not kept in the journal */
  journal_lost: number
  /** since the first agent in this data folder; not in files */
  lifetime?: DocumentLifetime
  /** of which the summaries come */
  histograms: DocumentHistograms
  /** every count */
  counts?: Record<string, number>
  /** what exact sums have beyond them, in trillionths */
  counts_rest?: Record<string, number>
  /** sketches behind active_users and active_channels */
  distinct?: DocumentDistinct
  /** local time, as Python's isoformat() */
  saved_at: string
  /** 1.0 */
  version: string
  [key: string]: any
}

export interface DocumentPeriod {
  /** hourly, daily, merged, or a window: 1m, 5m, 1h, day, start */
  kind: string
  /** its first moment */
  start: string
  /** the moment after it */
  end: string
  /** the period is over, and all of it is here */
  complete: boolean
}

export interface DocumentRequests {
  /** requests that ended */
  total: number
  /** requests that were answered */
  ok: number
  /** requests that failed otherwise than by timeout */
  errors: number
  /** requests that were not answered in time */
  timeouts: number
  /** requests that the program called off */
  cancelled: number
  /** requests whose process ended first */
  orphaned: number
  /** begun and not ended when this was written */
  in_flight: number
  /** requests whose response was streamed */
  streaming: number
  /** requests whose cost was reported */
  priced: number
  /** errors, timeouts and orphaned */
  failed: number
  /** failed of total, in % */
  error_rate: number | null
}

export interface Summary {
  /** exact mean */
  avg: number | null
  /** smallest value */
  min: number | null
  /** largest value */
  max: number | null
  /** 50th percentile, wrong by 1.1 % at most */
  p50: number | null
  /** 95th percentile */
  p95: number | null
  /** 99th percentile */
  p99: number | null
  /** how many values */
  count: number
}

export interface DocumentTokenUsage {
  /** all tokens, as reported, or prompt and completion */
  total_tokens: number
  /** tokens that were sent */
  prompt_tokens: number
  /** tokens that were generated */
  completion_tokens: number
  /** prompt tokens that the provider read from a cache */
  cached_tokens: number
  /** completion tokens that were reasoning */
  reasoning_tokens: number
  /** total_tokens by model */
  by_model: Record<string, number>
}

export interface DocumentErrors {
  /** errors, timeouts and orphaned */
  total_errors: number
  /** requests by error_type */
  by_type: Record<string, number>
  /** the last 20 */
  recent_errors?: DocumentRecentError[]
  /** errors of messages_processed, or, without it, of requests, in % */
  error_rate: number | null
}

export interface DocumentRecentError {
  /** error_type of the request, or how it ended */
  type: string
  /** error_message of the request */
  message?: string | null
  /** when the request ended */
  timestamp: string
}

export interface DocumentActiveStats {
  /** different values of the tag `user` */
  active_users: number
  /** different values of the tag `channel` */
  active_channels: number
  /** the count of that name */
  messages_processed: number
  /** the count of that name */
  commands_executed: number
}

export interface DocumentCache {
  /** the count <cache>_hits */
  hits: number
  /** the count <cache>_misses */
  misses: number
  /** hits of both, in % */
  hit_rate: number | null
}

export interface DocumentTrends {
  /** the last 24 hours, oldest first */
  messages_per_hour: number[]
  /** of the same hours */
  errors_per_hour: number[]
  /** of the hour that is not over */
  current_hour_messages: number
  /** of the hour that is not over */
  current_hour_errors: number
}

export interface DocumentStats {
  /** requests that ended */
  requests: number
  /** duration of requests that ended with ok */
  response_times: Summary
  /** time to the first token, of streams */
  ttft: Summary
  /** completion tokens over the whole response */
  tps: Summary
  /** completion tokens from the first one on */
  decode_tps: Summary
  /** tokens of these requests */
  tokens: DocumentTokens
  /** cost as reported, null where none was, in USD */
  cost: number | null
  /** what the exact sum has beyond it, in trillionths */
  cost_rest?: number
  /** errors, timeouts and orphaned */
  errors: number
  /** requests that were answered */
  ok: number
  /** requests that were not answered in time */
  timeouts: number
  /** requests that the program called off */
  cancelled: number
  /** requests whose process ended first */
  orphaned: number
  /** requests whose response was streamed */
  streaming: number
  /** requests whose cost was reported */
  priced: number
}

export interface DocumentTokens {
  /** all tokens, as reported, or prompt and completion */
  total_tokens: number
  /** tokens that were sent */
  prompt_tokens: number
  /** tokens that were generated */
  completion_tokens: number
  /** prompt tokens that the provider read from a cache */
  cached_tokens: number
  /** completion tokens that were reasoning */
  reasoning_tokens: number
}

export interface DocumentGauge {
  /** last value */
  last: number | null
  /** smallest value */
  min: number | null
  /** largest value */
  max: number | null
  /** mean */
  avg: number | null
  /** sum of the values; without it avg * count */
  sum?: number | null
  /** what the exact sum has beyond it, in trillionths */
  sum_rest?: number
  /** sum of the values above 0 */
  positive_sum?: number | null
  /** what the exact sum has beyond it, in trillionths */
  positive_sum_rest?: number
  /** sum of the values below 0, without the sign */
  negative_sum?: number | null
  /** what the exact sum has beyond it, in trillionths */
  negative_sum_rest?: number
  /** how many values */
  count: number
  /** when the last one came */
  last_at: string
}

export interface DocumentLifetime {
  /** when that began */
  since: string
  /** requests by how they ended */
  requests: DocumentRequests
  /** duration of requests that ended with ok */
  response_times: Summary
  /** time to the first token, of streams */
  ttft: Summary
  /** completion tokens over the whole response */
  tps: Summary
  /** completion tokens from the first one on */
  decode_tps: Summary
  /** tokens of all requests */
  token_usage: DocumentTokens
  /** cost as reported, null where none was, in USD */
  cost_usd: number | null
  /** what the exact sum has beyond it, in trillionths */
  cost_usd_rest?: number
  /** what failed, without recent_errors */
  errors: DocumentErrors
  /** counts other than those of active_stats and cache_stats */
  counts: Record<string, number>
  /** the count of that name */
  messages_processed: number
  /** the count of that name */
  commands_executed: number
  /** samples overwritten before they were read */
  lost_samples: number
  /** records that were no valid sample */
  rejected_samples: number
  /** samples stamped in the future, counted as of now */
  skewed_samples: number
}

export interface DocumentHistograms {
  /** of milliseconds */
  response_times: DocumentHistogram
  /** of milliseconds */
  ttft: DocumentHistogram
  /** of tokens a second */
  tps: DocumentHistogram
  /** of tokens a second */
  decode_tps: DocumentHistogram
  /** 5: 32 buckets from a power of two to the next */
  scale: number
  /** of each model */
  by_model?: Record<string, DocumentStatsHistograms>
  /** of each bot */
  by_bot?: Record<string, DocumentStatsHistograms>
  /** of each provider */
  by_provider?: Record<string, DocumentStatsHistograms>
}

export interface DocumentHistogram {
  /** how many values */
  count: number
  /** sum of the values */
  sum: number | null
  /** what the exact sum has beyond it, in trillionths */
  sum_rest?: number
  /** smallest value */
  min: number | null
  /** largest value */
  max: number | null
  /** values that are 0 */
  zero_count: number
  /** index of the first bucket */
  offset: number | null
  /** values in each bucket */
  bucket_counts: number[]
}

export interface DocumentStatsHistograms {
  /** of milliseconds */
  response_times: DocumentHistogram
  /** of milliseconds */
  ttft: DocumentHistogram
  /** of tokens a second */
  tps: DocumentHistogram
  /** of tokens a second */
  decode_tps: DocumentHistogram
}

export interface DocumentDistinct {
  /** hashes of the tag `user` */
  users: number[]
  /** hashes of the tag `channel` */
  channels: number[]
}
// end documents

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
