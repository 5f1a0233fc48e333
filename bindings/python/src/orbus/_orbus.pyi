"""The extension module, in C (bindings/python/ext)."""
from types import TracebackType
from typing import Any, Awaitable, Mapping, SupportsFloat, SupportsIndex, TypeVar

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
def stats(bus: str | None, window: str) -> dict[str, Any]: ...
def merge(files: list[tuple[str, bytes]]) -> dict[str, Any]: ...
def http_error_type(status: int) -> str: ...
def same_bus(a: str | None, b: str | None) -> bool: ...
def quote(text: str, body: Any, secret: str | None, url: str | None) -> str | None: ...

class TagsBlock:
    """The block of orbus.tags(), which an interrupt finds entered or not, left or not."""
    _tags: dict[str, str]
    def __enter__(self: _Block) -> _Block: ...
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None, /) -> None: ...
