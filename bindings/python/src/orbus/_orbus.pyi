"""The extension module, in C (bindings/python/ext)."""
from types import TracebackType
from typing import Any, Awaitable, Literal, Mapping, SupportsFloat, SupportsIndex, TypeVar

from typing_extensions import NotRequired, TypedDict

_Block = TypeVar("_Block", bound="TagsBlock")

__version__: str
BOT_MAX: int  # bytes of a bot's name
TAGS_MAX: int  # of a sample

class BusError(OSError):
    """A bus that cannot be used: the message says why, and what to do; errno tells it to a program."""

class Producer:
    def __new__(cls, bot: str, bus: str | None = None, *, logger: Any = None) -> "Producer": ...
    @property
    def bot(self) -> str: ...
    @property
    def bus(self) -> str | None: ...
    @property
    def closed(self) -> bool: ...
    @property
    def dropped(self) -> int:
        """Samples that could not be published, and calls that could not be measured."""
    @property
    def last_error(self) -> str | None:
        """Why the last of them was dropped."""
    def request(
        self,
        model: str | None = None,
        *,
        stream: bool = False,
        attempt: int | None = None,
        tags: dict[str, Any] | None = None,
    ) -> "Request":
        """Starts the clock and publishes a begin. Use it in a `with` or `async with` block, or end()
        it yourself; a request that is dropped is recorded as cancelled."""
    def gauge(
        self, name: str, value: SupportsFloat | None, *, tags: dict[str, Any] | None = None
    ) -> None:
        """`name` has this value now. What is no finite figure from 0 on is dropped and counted."""
    def count(self, name: str, value: float = 1, *, tags: dict[str, Any] | None = None) -> None:
        """`name` grew by `value`."""
    def publish(
        self,
        *,
        kind: str = "request",
        status: str = "ok",
        ts: int | None = None,
        bot: str | None = None,
        model: str | None = None,
        requested_model: str | None = None,
        provider: str | None = None,
        finish_reason: str | None = None,
        request_id: str | None = None,
        begin_id: str | None = None,
        stream: bool = False,
        error_type: str | None = None,
        error_message: str | None = None,
        http_status: int | None = None,
        response_ms: float | None = None,
        ttft_ms: float | None = None,
        prompt_tokens: int | None = None,
        completion_tokens: int | None = None,
        total_tokens: int | None = None,
        cached_tokens: int | None = None,
        reasoning_tokens: int | None = None,
        tokens_estimated: bool = False,
        cost_usd: float | None = None,
        attempt: int | None = None,
        operation: str | None = None,
        cache_write_tokens: int | None = None,
        tool_calls: int | None = None,
        max_gap_ms: float | None = None,
        chunks: int | None = None,
        cost_estimated: bool = False,
        retry_after_s: float | None = None,
        key_id: str | None = None,
        name: str | None = None,
        value: float | None = None,
        tags: dict[str, Any] | None = None,
        tps: float | None = None,
        decode_tps: float | None = None,
    ) -> None:
        """Publishes one whole sample, measured elsewhere. `ts` is in ns since 1970, None: now."""
    def close(self) -> None:
        """Gives the lane back. What is said afterwards is dropped and counted."""
    def _totals(
        self,
    ) -> tuple[float, float, float, int, int, str | None, float, float]: ...
    def _summarise(self) -> None: ...
    def _summary(self) -> dict[str, Any] | None: ...
    def _drop(self) -> None: ...

class Request:
    """One request under way. Exceptions that leave its block are recorded and go on.

    An instrumented call in its block is not counted a second time: what the program does not say itself is
    filled in from the call, its times and its failure too. Where several calls follow one another in the
    block, the last one is the block's, and each before it a sample of its own.
    """

    model: str | None
    requested_model: str | None
    provider: str | None
    finish_reason: str | None
    request_id: str | None
    error_type: str | None
    error_message: str | None
    http_status: int | None
    attempt: int | None
    prompt_tokens: int | None
    completion_tokens: int | None
    total_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None
    response_ms: float | None
    ttft_ms: float | None
    cost_usd: float | None
    operation: str | None
    cache_write_tokens: int | None
    tool_calls: int | None
    chunks: int | None
    max_gap_ms: float | None
    retry_after_s: float | None
    @property
    def status(self) -> str | None:
        """ok, error, timeout or cancelled once it is known. None where an instrumented call's answer
        goes on after the block: that call publishes the end."""
    @property
    def stream(self) -> bool: ...
    @property
    def tps(self) -> float | None: ...
    def first_token(self) -> None:
        """Marks the first token of a stream; later calls change nothing."""
    def usage(
        self,
        prompt_tokens: SupportsIndex | Mapping[str, Any] | object | None = None,
        completion_tokens: int | None = None,
        total_tokens: int | None = None,
        *,
        cached_tokens: int | None = None,
        reasoning_tokens: int | None = None,
        cost_usd: float | None = None,
        estimated: bool = False,
    ) -> None:
        """The tokens, or the `usage` of an API's answer (a dictionary, or an object of the openai
        package) as the one argument. What is None stays as it was."""
    def error(
        self, error_type: str, message: str | None = None, *, http_status: int | None = None
    ) -> None:
        """It will end with an error, however its block ends."""
    def timeout(self, error_type: str | None = None, message: str | None = None) -> None: ...
    def cancel(self) -> None: ...
    def end(self, status: str | None = None) -> None:
        """Stops the clock and publishes. Later calls change nothing."""
    def __enter__(self) -> "Request": ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...
    def __aenter__(self) -> Awaitable["Request"]: ...
    def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> Awaitable[None]: ...

class Call:
    """An instrumented call: a call of bindings/llm."""

    def __new__(
        cls,
        producer: Producer,
        body: bytes | None,
        attempt: int | None = None,
        tags: dict[str, Any] | None = None,
        secret: str | None = None,
        url: str | None = None,
        outer: "Call | None" = None,
        key: str | None = None,
    ) -> "Call": ...
    @property
    def over(self) -> bool: ...
    @property
    def answered(self) -> bool: ...
    def response(
        self,
        http_status: int,
        content_type: str | None = None,
        retry_after: int | None = None,
        generation_id: str | None = None,
    ) -> None: ...
    def feed(self, data: bytes | bytearray | memoryview) -> None: ...
    def end(
        self,
        *,
        limit: str | None = None,
        failure: str | None = None,
        message: str | None = None,
        cancelled: bool = False,
        unread: bool = False,
        abandoned: bool = False,
    ) -> None: ...

class Reader:
    def __new__(cls, bus: str | None = None, skip: bool = False) -> "Reader": ...
    @property
    def lost(self) -> int: ...
    @property
    def rejected(self) -> int: ...
    def next(self) -> dict[str, Any] | None: ...
    def wait(self, timeout_ms: int) -> bool: ...
    def close(self) -> None: ...

def expect_calls() -> None: ...
def stats(bus: str | None, window: str) -> Statistics: ...
def merge(files: list[tuple[str, bytes]]) -> Document: ...
def http_error_type(status: int) -> str: ...
def same_bus(a: str | None, b: str | None) -> bool: ...
def quote(text: str, body: Any, secret: str | None, url: str | None) -> str | None: ...

class TagsBlock:
    """The block of orbus.tags(), which an interrupt finds entered or not, left or not."""
    _tags: dict[str, str]
    def __enter__(self: _Block) -> _Block: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None, /) -> None: ...

# Documents. For checkers alone: at run time they are dictionaries, and these names are not there.

# begin documents: what man/schemadoc python prints of libbus/doc/schema.def
class Document(TypedDict):
    # of the agent, in s
    uptime_seconds: float
    # the same: 1 day, 2:00:00
    uptime_formatted: str
    # what the document is of
    period: NotRequired[DocumentPeriod]
    # requests by how they ended
    requests: DocumentRequests
    # duration of requests that ended with ok
    response_times: Summary
    # time to the first token, of streams
    ttft: Summary
    # completion tokens over the whole response
    tps: Summary
    # completion tokens from the first one on
    decode_tps: Summary
    # tokens of all requests
    token_usage: DocumentTokenUsage
    # cost as reported, null where none was, in USD
    cost_usd: float | None
    # what the exact sum has beyond it, in trillionths
    cost_usd_rest: NotRequired[int]
    # what failed
    errors: DocumentErrors
    # users, channels, and two counts
    active_stats: DocumentActiveStats
    # counts <cache>_hits and <cache>_misses, by cache
    cache_stats: dict[str, DocumentCache]
    # all other counts
    service_metrics: dict[str, float]
    # messages and errors by hour, or null
    hourly_trends: DocumentTrends | None
    # requests of each model
    by_model: dict[str, DocumentStats]
    # requests of each bot
    by_bot: dict[str, DocumentStats]
    # requests of each provider
    by_provider: dict[str, DocumentStats]
    # requests of each combination of bot, model, provider and operation
    breakdown: list[DocumentCombination]
    # by each tag of --by-tag, and by its values
    by_tag: dict[str, dict[str, DocumentTagValue]]
    # each bot
    bots: dict[str, DocumentBot]
    # each gauge
    gauges: dict[str, DocumentGauge]
    # samples overwritten before they were read
    lost_samples: int
    # records that were no valid sample
    rejected_samples: int
    # samples stamped in the future, counted as of now
    skewed_samples: int
    # requests that were counted, and not kept in the journal
    journal_lost: int
    # since the first agent in this data folder; not in files
    lifetime: NotRequired[DocumentLifetime]
    # of which the summaries come
    histograms: DocumentHistograms
    # every count
    counts: NotRequired[dict[str, float]]
    # what exact sums have beyond them, in trillionths
    counts_rest: NotRequired[dict[str, int]]
    # sketches behind active_users and active_channels
    distinct: NotRequired[DocumentDistinct]
    # of an hour, each minute that had requests
    minutes: NotRequired[list[DocumentMinute]]
    # local time, as Python's isoformat()
    saved_at: str
    # 1.0
    version: str

class DocumentPeriod(TypedDict):
    # hourly, daily, merged, or a window: 1m, 5m, 1h, day, start
    kind: str
    # its first moment
    start: str
    # the moment after it
    end: str
    # the period is over, and all of it is here
    complete: bool

class DocumentRequests(TypedDict):
    # requests that ended
    total: int
    # requests that were answered
    ok: int
    # requests that failed otherwise than by timeout
    errors: int
    # requests that were not answered in time
    timeouts: int
    # requests that the program called off
    cancelled: int
    # requests whose process ended first
    orphaned: int
    # begun and not ended when this was written
    in_flight: int
    # requests whose response was streamed
    streaming: int
    # requests whose cost was reported
    priced: int
    # errors, timeouts and orphaned
    failed: int
    # failed of total, in %
    error_rate: float | None

class Summary(TypedDict):
    # exact mean
    avg: float | None
    # smallest value
    min: float | None
    # largest value
    max: float | None
    # 50th percentile, wrong by 1.1 % at most
    p50: float | None
    # 95th percentile
    p95: float | None
    # 99th percentile
    p99: float | None
    # how many values
    count: int

class DocumentTokenUsage(TypedDict):
    # all tokens, as reported, or prompt and completion
    total_tokens: int
    # tokens that were sent
    prompt_tokens: int
    # tokens that were generated
    completion_tokens: int
    # prompt tokens that the provider read from a cache
    cached_tokens: int
    # completion tokens that were reasoning
    reasoning_tokens: int
    # total_tokens by model
    by_model: dict[str, int]

class DocumentErrors(TypedDict):
    # errors, timeouts, orphaned, and the count bot_errors
    total_errors: int
    # requests by error_type, and errors that are no requests, as bot:type
    by_type: dict[str, int]
    # the last 20
    recent_errors: NotRequired[list[DocumentRecentError]]
    # errors of messages_processed, or, without it, of requests, in %
    error_rate: float | None

class DocumentRecentError(TypedDict):
    # error_type of the request, or how it ended
    type: str
    # error_message of the request
    message: NotRequired[str | None]
    # when the request ended
    timestamp: str

class DocumentActiveStats(TypedDict):
    # different values of the tag `user`
    active_users: int
    # different values of the tag `channel`
    active_channels: int
    # the count of that name
    messages_processed: float
    # the count of that name
    commands_executed: float

class DocumentCache(TypedDict):
    # the count <cache>_hits
    hits: float
    # the count <cache>_misses
    misses: float
    # hits of both, in %
    hit_rate: float | None

class DocumentTrends(TypedDict):
    # the last 24 hours, oldest first
    messages_per_hour: list[int]
    # of the same hours
    errors_per_hour: list[int]
    # of the hour that is not over
    current_hour_messages: int
    # of the hour that is not over
    current_hour_errors: int

class DocumentStats(TypedDict):
    # requests that ended
    requests: int
    # duration of requests that ended with ok
    response_times: Summary
    # time to the first token, of streams
    ttft: Summary
    # completion tokens over the whole response
    tps: Summary
    # completion tokens from the first one on
    decode_tps: Summary
    # tokens of these requests
    tokens: DocumentTokens
    # cost as reported, null where none was, in USD
    cost: float | None
    # what the exact sum has beyond it, in trillionths
    cost_rest: NotRequired[int]
    # errors, timeouts and orphaned
    errors: int
    # requests that were answered
    ok: int
    # requests that were not answered in time
    timeouts: int
    # requests that the program called off
    cancelled: int
    # requests whose process ended first
    orphaned: int
    # requests whose response was streamed
    streaming: int
    # requests whose cost was reported
    priced: int

class DocumentTokens(TypedDict):
    # all tokens, as reported, or prompt and completion
    total_tokens: int
    # tokens that were sent
    prompt_tokens: int
    # tokens that were generated
    completion_tokens: int
    # prompt tokens that the provider read from a cache
    cached_tokens: int
    # completion tokens that were reasoning
    reasoning_tokens: int

class DocumentCombination(TypedDict):
    # the producer's name
    bot: str
    # that answered, or was asked for
    model: str
    # as the API reports it
    provider: str
    # chat, text_completion, embeddings
    operation: str
    # requests that ended
    requests: int
    # tokens of these requests
    tokens: DocumentTokens
    # cost as reported, null where none was, in USD
    cost: float | None
    # what the exact sum has beyond it, in trillionths
    cost_rest: NotRequired[int]
    # errors, timeouts and orphaned
    errors: int
    # requests that were answered
    ok: int
    # requests that were not answered in time
    timeouts: int
    # requests that the program called off
    cancelled: int
    # requests whose process ended first
    orphaned: int
    # requests whose response was streamed
    streaming: int
    # requests whose cost was reported
    priced: int
    # of these requests
    histograms: DocumentCombinationHistograms

class DocumentCombinationHistograms(TypedDict):
    # of milliseconds
    response_times: DocumentHistogram
    # of milliseconds
    ttft: DocumentHistogram
    # of tokens a second
    tps: DocumentHistogram
    # of tokens a second
    decode_tps: DocumentHistogram

class DocumentHistogram(TypedDict):
    # how many values
    count: int
    # sum of the values
    sum: float | None
    # what the exact sum has beyond it, in trillionths
    sum_rest: NotRequired[int]
    # smallest value
    min: float | None
    # largest value
    max: float | None
    # values that are 0
    zero_count: int
    # index of the first bucket
    offset: float | None
    # values in each bucket
    bucket_counts: list[int]

class DocumentTagValue(TypedDict):
    # requests that ended
    requests: int
    # duration of requests that ended with ok
    response_times: Summary
    # time to the first token, of streams
    ttft: Summary
    # completion tokens over the whole response
    tps: Summary
    # completion tokens from the first one on
    decode_tps: Summary
    # tokens of these requests
    tokens: DocumentTokens
    # cost as reported, null where none was, in USD
    cost: float | None
    # what the exact sum has beyond it, in trillionths
    cost_rest: NotRequired[int]
    # errors, timeouts and orphaned
    errors: int
    # requests that were answered
    ok: int
    # requests that were not answered in time
    timeouts: int
    # requests that the program called off
    cancelled: int
    # requests whose process ended first
    orphaned: int
    # requests whose response was streamed
    streaming: int
    # requests whose cost was reported
    priced: int
    # of these requests
    histograms: NotRequired[DocumentStatsHistograms]

class DocumentStatsHistograms(TypedDict):
    # of milliseconds
    response_times: DocumentHistogram
    # of milliseconds
    ttft: DocumentHistogram
    # of tokens a second
    tps: DocumentHistogram
    # of tokens a second
    decode_tps: DocumentHistogram

class DocumentBot(TypedDict):
    # a producer of it lives; not where the period is over
    connected: NotRequired[bool]
    # the first sample of the oldest of its producers; where it is connected
    since: NotRequired[str]
    # how long it has been connected; where it is, in s
    uptime_seconds: NotRequired[int]
    # its newest sample
    last_seen: str | None
    # the end of its newest request
    last_request: str | None
    # its own gauges
    gauges: dict[str, DocumentGauge]

class DocumentGauge(TypedDict):
    # last value
    last: float | None
    # smallest value
    min: float | None
    # largest value
    max: float | None
    # mean
    avg: float | None
    # sum of the values; without it avg * count
    sum: NotRequired[float | None]
    # what the exact sum has beyond it, in trillionths
    sum_rest: NotRequired[int]
    # sum of the values above 0
    positive_sum: NotRequired[float | None]
    # what the exact sum has beyond it, in trillionths
    positive_sum_rest: NotRequired[int]
    # sum of the values below 0, without the sign
    negative_sum: NotRequired[float | None]
    # what the exact sum has beyond it, in trillionths
    negative_sum_rest: NotRequired[int]
    # how many values
    count: int
    # when the last one came
    last_at: str

class DocumentLifetime(TypedDict):
    # when that began
    since: str
    # requests by how they ended
    requests: DocumentRequests
    # duration of requests that ended with ok
    response_times: Summary
    # time to the first token, of streams
    ttft: Summary
    # completion tokens over the whole response
    tps: Summary
    # completion tokens from the first one on
    decode_tps: Summary
    # tokens of all requests
    token_usage: DocumentTokens
    # cost as reported, null where none was, in USD
    cost_usd: float | None
    # what the exact sum has beyond it, in trillionths
    cost_usd_rest: NotRequired[int]
    # what failed, without recent_errors
    errors: DocumentErrors
    # counts other than those of active_stats and cache_stats
    counts: dict[str, float]
    # the count of that name
    messages_processed: float
    # the count of that name
    commands_executed: float
    # samples overwritten before they were read
    lost_samples: int
    # records that were no valid sample
    rejected_samples: int
    # samples stamped in the future, counted as of now
    skewed_samples: int
    # of each combination; where the lifetime stands by itself, on the board
    breakdown: NotRequired[list[DocumentCombination]]

class DocumentHistograms(TypedDict):
    # of milliseconds
    response_times: DocumentHistogram
    # of milliseconds
    ttft: DocumentHistogram
    # of tokens a second
    tps: DocumentHistogram
    # of tokens a second
    decode_tps: DocumentHistogram
    # 5: 32 buckets from a power of two to the next
    scale: int
    # of each model
    by_model: NotRequired[dict[str, DocumentStatsHistograms]]
    # of each bot
    by_bot: NotRequired[dict[str, DocumentStatsHistograms]]
    # of each provider
    by_provider: NotRequired[dict[str, DocumentStatsHistograms]]

class DocumentDistinct(TypedDict):
    # hashes of the tag `user`
    users: list[int]
    # hashes of the tag `channel`
    channels: list[int]

class DocumentMinute(TypedDict):
    # counted from the start of the period: 0 to 59, or to 119 where the clocks were set back
    minute: int
    # requests that ended in it
    requests: int
    # errors, timeouts and orphaned
    failed: int
    # all tokens of these
    tokens: int
    # cost as reported, null where none was, in USD
    cost_usd: float | None
    # what the exact sum has beyond it, in trillionths
    cost_usd_rest: NotRequired[int]
    # of milliseconds
    response_times: NotRequired[DocumentMinuteHistogram]
    # of milliseconds
    ttft: NotRequired[DocumentMinuteHistogram]
    # of tokens a second
    tps: NotRequired[DocumentMinuteHistogram]

class DocumentMinuteHistogram(TypedDict):
    # how many values
    count: int
    # sum of the values
    sum: float | None
    # what the exact sum has beyond it, in trillionths
    sum_rest: NotRequired[int]
    # values that are 0
    zero_count: NotRequired[int]
    # index of the first bucket
    offset: float | None
    # values in each bucket
    bucket_counts: list[int]
# end documents

class Statistics(Document):
    """What stats() returns."""
    # "ring" where no agent runs: then of what the ring still holds
    source: Literal["agent", "ring"]
    agent: dict[str, Any] | None
    alerts: dict[str, Any] | None
