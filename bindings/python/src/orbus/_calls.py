"""Calls that are recorded by two methods of metrics.MetricsService, put together as one request; and which
errors are of a call.

It is not for what is measured by the package itself: see _instrument.py.
"""
from __future__ import annotations

import asyncio
import os
import re
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._producer import Producer

# Names of exceptions of clients of models' APIs, and of the HTTP clients beneath them.
_OF_A_CALL = frozenset("""
    APIError APIStatusError APIConnectionError APITimeoutError APIResponseValidationError
    AuthenticationError BadRequestError ConflictError InternalServerError NotFoundError
    PermissionDeniedError RateLimitError UnprocessableEntityError OpenAIError LengthFinishReasonError
    OpenRouterError OllamaError ResponseError
    ClientError ClientConnectionError ClientConnectorError ClientOSError ClientPayloadError
    ClientResponseError ContentTypeError ServerConnectionError ServerDisconnectedError
    ServerTimeoutError SocketTimeoutError ConnectionTimeoutError
    HTTPStatusError ConnectError ConnectTimeout ReadError ReadTimeout WriteError WriteTimeout
    PoolTimeout RemoteProtocolError TimeoutException TransportError
    TimeoutError ConnectionError ConnectionRefusedError ConnectionResetError
""".split())
_NAMES_AN_API = re.compile(r"\b(?:OpenRouter|OpenAI|Anthropic|Ollama)\b", re.IGNORECASE)
_TIMED_OUT = re.compile(r"\btimed?[ -]?out\b", re.IGNORECASE)


def is_of_a_call(error_type: str, error_message: str) -> bool:
    """Whether an error looks like one of a call to a model's API."""
    return str(error_type) in _OF_A_CALL or bool(_NAMES_AN_API.search(str(error_message)))


def is_timeout(error_type: str, error_message: str) -> bool:
    return "Timeout" in str(error_type) or bool(_TIMED_OUT.search(str(error_message)))


class Calls:
    """The halves of calls that wait for the other one: at most one a task or thread."""

    HOLD_S = 1.0
    MOST = 1024  # after that, halves are published alone

    def __init__(self, producer: Producer) -> None:
        self.producer = producer
        # By task or thread: when it came, which half it is, the keys of its sample. Holding the task
        # keeps another one from taking its place in memory meanwhile.
        self._waiting: dict[Any, tuple[float, str, dict[str, Any]]] = {}
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        _all.add(self)

    def add(self, half: str, keys: dict[str, Any]) -> None:
        """Publishes a call whose other half waits; else lets this half wait."""
        keys["ts"] = time.time_ns()
        who = _current()
        with self._lock:
            before = self._waiting.pop(who, None)
            paired = before and {before[1], half} == {"time", "tokens"}
            full = len(self._waiting) >= self.MOST
            if not paired and not full:
                self._waiting[who] = (time.monotonic(), half, keys)
                self._arm()
        if paired:
            assert before
            self.producer.publish(**_merge(before[2], keys, half))
            return
        if before:
            self.producer.publish(**before[2])
        if full:
            self.producer.publish(**keys)

    def take_failed(self) -> dict[str, Any] | None:
        """The time of a call that failed, which waits for its error."""
        who = _current()
        with self._lock:
            if self._waiting.get(who, (0, ""))[1] == "failed":
                return self._waiting.pop(who)[2]
        return None

    def flush(self, older_than_s: float = 0) -> None:
        due = time.monotonic() - older_than_s
        with self._lock:
            who = [who for who, (since, *_) in self._waiting.items() if since <= due]
            alone = [self._waiting.pop(one)[2] for one in who]
        for keys in alone:
            self.producer.publish(**keys)

    def _arm(self) -> None:
        if self._timer is None:
            self._timer = threading.Timer(self.HOLD_S / 2, self._look)
            self._timer.daemon = True
            self._timer.start()

    def _look(self) -> None:
        try:
            self.flush(self.HOLD_S)
        finally:
            with self._lock:
                self._timer = None
                if self._waiting:
                    self._arm()

    def forget(self) -> None:
        """In a forked child: what waits is the parent's, and so is the thread of the timer."""
        self._waiting, self._lock, self._timer = {}, threading.Lock(), None


_all: weakref.WeakSet[Calls] = weakref.WeakSet()


def _forget_all() -> None:
    for calls in list(_all):
        calls.forget()


os.register_at_fork(after_in_child=_forget_all)


def _current() -> Any:
    """The task that runs, or the thread."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    return task or threading.get_ident()


def _merge(before: dict[str, Any], keys: dict[str, Any], half: str) -> dict[str, Any]:
    """Both halves of a call as one sample: tokens and model as record_token_usage() told them."""
    timed, tokens = (before, keys) if half == "tokens" else (keys, before)
    merged = {**timed, **tokens, "ts": before["ts"]}
    model = timed.get("model")
    if model and tokens["model"] == "unknown":
        merged["model"] = model
    elif model and model != tokens["model"]:
        merged["requested_model"] = model
    return merged
