"""Measuring the calls of HTTP clients, without a change in the calls.

What is measured is a chat completion: a POST whose path ends with /completions, which
/chat/completions does too. Everything else passes by untouched. What the client receives goes through
the parser of bindings/exchange as it passes, so that all languages make the same sample of the same
call; nothing is read ahead, and no answer is kept. What a server repeats of the request's body, or of a
key, is not published.

Whatever goes wrong in here is counted in the producer's `dropped` and never reaches the program.
"""
from __future__ import annotations

import logging
import os
import sys
import threading
import zlib
from typing import Any, Callable, Iterable, Iterator, Mapping, Protocol, TypeVar

from ._errors import outcome, secrets
from ._orbus import BusError, Call
from ._producer import Producer

_Client = TypeVar("_Client")

_lock = threading.Lock()
_own_producer: Producer | None = None
_TAGS_MAX = 16


class Decoder(Protocol):
    """httpx gives bytes, httpx2 the pieces of them."""

    def decode(self, data: bytes) -> bytes | Iterable[bytes]: ...


def _decode(decoders: list[Decoder], data: bytes) -> Iterator[bytes]:
    """The pieces that these decoders, one after another, make of the data."""
    if not decoders:
        yield data
        return
    decoded = decoders[0].decode(data)
    for piece in (decoded,) if isinstance(decoded, bytes) else decoded:
        yield from _decode(decoders[1:], piece)


class _Inflater:
    """gzip, or zlib under the name of deflate."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(32 + zlib.MAX_WBITS)

    def decode(self, data: bytes) -> bytes:
        return self._inflate.decompress(data)


class Target:
    """Where the calls of an instrumented client are published."""

    def __init__(self, producer: Producer, tags: dict[str, Any] | None) -> None:
        self.producer = producer
        self.tags = tags

    def begin(self, method: str, path: str, url: Any, headers: Mapping[str, str],
              body: Callable[[], bytes | None]) -> Measurement | None:
        """A measurement, or None where the request is none of ours."""
        try:
            if method != "POST" or not path.rstrip("/").endswith("/completions"):
                return None
            return Measurement(self, str(url), headers, body())
        except Exception:
            self.producer._drop()
            return None


class Measurement:
    """One request of an instrumented client, from its start to its end."""

    __slots__ = ("_call", "_producer", "_decoders", "_facts", "_unread", "_ended")

    def __init__(self, target: Target, url: str, headers: Mapping[str, str],
                 body: bytes | None) -> None:
        self._producer = target.producer
        self._decoders: list[Decoder] = []
        self._facts: dict[str, Any] = {}
        self._unread = self._ended = False
        self._call = Call(target.producer, body, _attempt(headers), target.tags,
                          secrets(headers), url)

    def response(self, status: int, headers: Mapping[str, str], encoded: bool,
                 decoders: Mapping[str, Callable[[], Decoder]] = {}) -> None:
        """The head of the response. `encoded`: the body comes as Content-Encoding says; `decoders`
        are the client's own."""
        try:
            self._facts = {"http_status": status, "generation_id": headers.get("X-Generation-Id"),
                           "retry_after": _seconds(headers.get("Retry-After"))}
            self._call.content_type(headers.get("Content-Type"))
            if encoded:
                self._choose_decoders(headers.get("Content-Encoding") or "", decoders)
        except Exception:
            self.give_up()

    def _choose_decoders(self, encodings: str, known: Mapping[str, Callable[[], Decoder]]) -> None:
        for name in reversed(encodings.lower().split(",")):
            name = name.strip()
            if name in ("gzip", "x-gzip", "deflate"):
                self._decoders.append(_Inflater())
            elif name in known:
                self._decoders.append(known[name]())
            elif name not in ("", "identity"):
                self.give_up()

    def feed(self, data: bytes) -> None:
        """More of the body."""
        if self._unread:
            return
        try:
            for piece in _decode(self._decoders, data) if self._decoders else (data,):
                self._call.feed(piece)
        except Exception:
            self.give_up()

    def end(self, error: BaseException | None = None, cancelled: bool = False) -> None:
        """It came to an end, by an exception or by the program's losing interest; once."""
        if self._ended:
            return
        self._ended = True
        try:
            how = outcome(error) if error is not None else {"cancelled": cancelled}
            if self._unread and error is None:
                how = {"unread": True}
            self._call.end(**self._facts, **how)
        except Exception:
            self._producer._drop()

    def end_refused(self, error: BaseException) -> None:
        """An exception that a client made of the response's status."""
        status = getattr(error, "status", None)
        if isinstance(status, int) and status >= 300:
            self.response(status, getattr(error, "headers", None) or {}, encoded=False)
            self.end()
        else:
            self.end(error)

    def give_up(self) -> None:
        """The answer cannot be understood: its time and status alone are told."""
        if not self._unread:
            self._producer._drop()
        self._unread = True


def _attempt(headers: Mapping[str, str]) -> int | None:
    """Which try it is, as the openai package says."""
    retries = headers.get("x-stainless-retry-count")
    return int(retries) + 1 if retries and retries.isdigit() else None


def _seconds(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() and len(text) < 9 else None


def _default_producer() -> Producer:
    """The one for programs that name none, made when it is first needed."""
    global _own_producer
    with _lock:
        if _own_producer is None or _own_producer.closed:
            name = os.environ.get("ORBUS_BOT") or os.path.basename(sys.argv[0] or "") or "python"
            _own_producer = Producer(name.encode()[:64].decode(errors="ignore"))
        return _own_producer


def _adapter(client: Any) -> Any:
    """What knows the client's kind: a module with attach(client, target) and detach(client)."""
    for kind in type(client).__mro__:
        library = kind.__module__.partition(".")[0]
        if library in ("httpx", "httpx2") and kind.__name__ in ("Client", "AsyncClient"):
            from . import _httpx
            return _httpx
        if library == "aiohttp" and kind.__name__ == "ClientSession":
            from . import _aiohttp
            return _aiohttp
    return None


def _find(client: Any) -> tuple[Any, Any]:
    """The HTTP client that is meant, and its adapter; SDKs such as openai hold one inside."""
    for candidate in (client, getattr(client, "_client", None)):
        adapter = _adapter(candidate)
        if adapter:
            return candidate, adapter
    raise TypeError(f"cannot instrument {type(client).__name__}: give an openai.OpenAI or AsyncOpenAI, "
                    "an httpx.Client or AsyncClient, or an aiohttp.ClientSession")


def _checked(tags: Any) -> dict[str, Any]:
    """A copy of the tags; TypeError or ValueError here and not, unseen, in each call."""
    if not isinstance(tags, Mapping):
        raise TypeError(f"tags must be a dict or None, not {type(tags).__name__}: "
                        'give for example {"user": "ann"}')
    for key in tags:
        if not isinstance(key, str):
            raise TypeError(f"tags: the key {key!r} must be a str, not {type(key).__name__}")
    if len(tags) > _TAGS_MAX:
        raise ValueError(f"{len(tags)} tags: a sample carries at most {_TAGS_MAX}")
    return dict(tags)


def instrument(client: _Client, bus: Producer | None = None, *,
               tags: dict[str, Any] | None = None) -> _Client:
    """Measures every chat completion of `client` from here on, and returns it.

    `client` is an `openai.OpenAI` or `AsyncOpenAI` of any base URL (or another SDK that has an httpx
    client inside), an `httpx.Client` or `AsyncClient`, or an `aiohttp.ClientSession`. Each attempt is a
    sample, also those that the SDK makes by itself. Objects, exceptions and timing stay as they were.

    `bus` None means a producer of this process's own, named by `$ORBUS_BOT`, else by the program; if
    the bus cannot be used, a warning is logged and the client works unmeasured. `tags` are put on every
    sample. Instrumenting a client again takes the place of what was there.
    """
    inner, adapter = _find(client)
    if bus is not None and not isinstance(bus, Producer):
        raise TypeError(f"bus must be an orbus.Producer or None, not {type(bus).__name__}: "
                        "make one with orbus.Producer(NAME), and hand it over")
    if tags is not None:
        tags = _checked(tags)
    if bus is None:
        try:
            bus = _default_producer()
        except BusError as error:
            logging.getLogger("orbus").warning("calls are not measured: %s", error)
            return client
    adapter.detach(inner)
    adapter.attach(inner, Target(bus, tags))
    return client


def uninstrument(client: _Client) -> _Client:
    """Undoes instrument(), and returns the client. Responses that are under way are still measured."""
    inner, adapter = _find(client)
    adapter.detach(inner)
    return client
