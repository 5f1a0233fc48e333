"""Measuring the calls of HTTP clients, without a change in the calls.

What is measured is a chat completion: a POST whose path ends with /completions, which
/chat/completions does too. Everything else passes by untouched. What the client receives goes through
the parser of bindings/llm as it passes, so that all languages make the same sample of the same
call; nothing is read ahead, and no answer is kept. What a server repeats of the request's body, or of a
key, is not published.

Of several instrumented layers around a call (a client whose transport is another client, a client of an
SDK within another) the innermost one measures, as bindings/llm/nesting.h says; within the block of
`bus.request()` a call fills in that request's sample (ext/call_end.h).

An error in here is counted in the producer's `dropped`, logged once, and never reaches the program.
"""
from __future__ import annotations

import os
import sys
import threading
import zlib
from typing import Any, Callable, Iterable, Iterator, Mapping, Protocol, TypeVar

from ._nesting import Layer, Scope, layer, layer_of
from ._outcome import api_key, outcome, secrets
from ._orbus import BOT_MAX, TAGS_MAX, BusError, Call, expect_calls
from ._producer import Producer

_Client = TypeVar("_Client")

_lock = threading.Lock()
_own_producer: Producer | None = None
_INFLATED_AT_ONCE = 1 << 16
_is_told = False


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

    def decode(self, data: bytes) -> Iterator[bytes]:
        while data:
            yield self._inflate.decompress(data, _INFLATED_AT_ONCE)
            data = self._inflate.unconsumed_tail


class Target:
    """Where the calls of an instrumented client are published."""

    __slots__ = ("producer", "tags", "key_id")

    def __init__(self, producer: Producer, tags: dict[str, Any] | None, key_id: bool) -> None:
        self.producer = producer
        self.tags = tags
        self.key_id = key_id
        expect_calls()

    def begin(self, method: str, path: str, url: Any, headers: Mapping[str, str],
              body: Callable[[], bytes | None]) -> Measurement | None:
        """A measurement, or None where the request is none of ours."""
        if method != "POST" or not path.rstrip("/").endswith("/completions"):
            return None
        return Measurement(self, str(url), headers, body())

    def drop(self, error: Exception) -> None:
        """Counts a call that cannot be measured in `dropped`; the first one is logged."""
        global _is_told
        self.producer._drop()
        if not _is_told:
            _is_told = True
            try:
                import logging
                logging.getLogger("orbus").warning(
                    "a call is not measured, since %s: %s (this is said once: Producer.dropped counts)",
                    type(error).__name__, error)
            except Exception:
                pass  # a handler of the program's


class Measurement:
    """One request of an instrumented client, from its start to its end.

    One that is dropped without an end counts as abandoned: it ends with what came last. One whose place a
    call within has taken publishes nothing.
    """

    __slots__ = ("call", "_target", "_decoders", "_unread", "_ended")

    def __init__(self, target: Target, url: str, headers: Mapping[str, str],
                 body: bytes | None) -> None:
        self._target = target
        self._decoders: list[Decoder] = []
        self._unread = self._ended = False
        outer = layer_of(self.bus)
        self.call: Call = Call(target.producer, body, _attempt(headers), target.tags, secrets(headers), url,
                                None if outer is None else outer.call, api_key(headers) if target.key_id else None)

    @property
    def bus(self) -> str | None:
        return self._target.producer.bus

    def layer(self) -> Scope[Layer]:
        """While it holds the request is handed on."""
        return Scope(layer, self)

    def response(self, status: int, headers: Mapping[str, str], encoded: bool,
                 decoders: Mapping[str, Callable[[], Decoder]] = {}) -> None:
        """The head of the response. `encoded`: the body comes as Content-Encoding says; `decoders`
        are the client's own."""
        if self.call.over:
            self._unread = True  # by this layer: one within reads it
            return
        try:
            self.call.response(status, headers.get("Content-Type"), _seconds(headers.get("Retry-After")),
                                headers.get("X-Generation-Id"))
            if encoded:
                self._choose_decoders(headers.get("Content-Encoding") or "", decoders)
        except Exception as error:
            self.give_up(error)

    def _choose_decoders(self, encodings: str, known: Mapping[str, Callable[[], Decoder]]) -> None:
        for name in reversed(encodings.lower().split(",")):
            name = name.strip()
            if name in ("gzip", "x-gzip", "deflate"):
                self._decoders.append(_Inflater())
            elif name in known:
                self._decoders.append(known[name]())
            elif name not in ("", "identity"):
                self.give_up(ValueError(f"the answer comes in the encoding {name!r}"))

    def feed(self, data: bytes) -> None:
        """More of the body."""
        if self._unread:
            return
        try:
            for piece in _decode(self._decoders, data) if self._decoders else (data,):
                self.call.feed(piece)
        except Exception as error:
            self.give_up(error)

    def end(self, error: BaseException | None = None, *, cancelled: bool = False,
            abandoned: bool = False) -> None:
        """It came to an end, by an exception or by the program (cancelled, abandoned); once."""
        if self._ended:
            return
        self._ended = True
        try:
            if error is not None:
                self.call.end(**outcome(error))
            elif self._unread:
                self.call.end(unread=True)
            else:
                self.call.end(cancelled=cancelled, abandoned=abandoned)
        except Exception as fault:
            self._target.drop(fault)

    def end_refused(self, error: BaseException) -> None:
        """An exception that a client made of the response's status."""
        try:
            status = getattr(error, "status", None)
            if isinstance(status, int) and status >= 300:
                self.response(status, getattr(error, "headers", None) or {}, encoded=False)
                self.end()
        except Exception:
            pass  # an exception of another make
        self.end(error)

    def give_up(self, error: Exception) -> None:
        """The answer cannot be understood: its time and status alone are told."""
        if not self._unread:
            self._target.drop(error)
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
            _own_producer = Producer(name.encode()[:BOT_MAX].decode(errors="ignore"))
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


def _find(client: Any) -> tuple[Any, Any, bool]:
    """The HTTP client that is meant, its adapter, and whether `client` is an SDK's that holds it."""
    for candidate in (client, getattr(client, "_client", None)):
        adapter = _adapter(candidate)
        if adapter:
            is_sdk = candidate is not client and hasattr(adapter, "hook") and all(
                callable(getattr(client, name, None)) for name in ("request", "copy", "with_options"))
            return candidate, adapter, is_sdk
    raise TypeError(f"cannot instrument {type(client).__name__}: give an openai.OpenAI or AsyncOpenAI, "
                    "an httpx.Client or AsyncClient, or an aiohttp.ClientSession")


def attach(client: Any, target: Target) -> None:
    inner, adapter, is_sdk = _find(client)
    if is_sdk:
        from . import _sdk
        _sdk.attach(client, adapter.hook(inner), target)
    else:
        adapter.attach(inner, target)


def _checked(tags: Any) -> dict[str, Any]:
    """A copy of the tags; TypeError or ValueError here and not, unseen, in each call."""
    if not isinstance(tags, Mapping):
        raise TypeError(f"tags must be a dict or None, not {type(tags).__name__}: "
                        'give for example {"user": "ann"}')
    for key in tags:
        if not isinstance(key, str):
            raise TypeError(f"tags: the key {key!r} must be a str, not {type(key).__name__}")
    if len(tags) > TAGS_MAX:
        raise ValueError(f"{len(tags)} tags: a sample carries at most {TAGS_MAX}")
    return dict(tags)


def instrument(client: _Client, bus: Producer | None = None, *,
               tags: dict[str, Any] | None = None, key_id: bool = False) -> _Client:
    """Measures every chat completion of `client` from here on, and returns it.

    `client` is an `openai.OpenAI` or `AsyncOpenAI` of any base URL (or another SDK that has an httpx
    client inside), an `httpx.Client` or `AsyncClient`, or an `aiohttp.ClientSession`. Each attempt is a
    sample, also those that the SDK makes by itself. Objects, exceptions and timing stay as they were.

    An SDK's client is measured by itself, also where others share the httpx client inside. The copies
    that `copy()` and `with_options()` make of it are measured too; a copy that is instrumented again has
    its own bus and tags. For tags of single calls see `orbus.tags`.

    `bus` None means a producer of this process's own, named by `$ORBUS_BOT`, else by the program; if
    the bus cannot be used, a warning is logged and the client works unmeasured. `tags` are put on every
    sample. Instrumenting a client again takes the place of what was there. `key_id` True publishes the first
    8 hex digits of the SHA-256 of the API key (of the headers Authorization or X-Api-Key), which tells keys
    apart; the key itself is never published.
    """
    _find(client)
    if bus is not None and not isinstance(bus, Producer):
        raise TypeError(f"bus must be an orbus.Producer or None, not {type(bus).__name__}: "
                        "make one with orbus.Producer(NAME), and hand it over")
    if tags is not None:
        tags = _checked(tags)
    if bus is None:
        try:
            bus = _default_producer()
        except BusError as error:
            import logging
            logging.getLogger("orbus").warning("calls are not measured: %s", error)
            return client
    attach(client, Target(bus, tags, key_id))
    return client


def uninstrument(client: _Client) -> _Client:
    """Undoes instrument(), and returns the client. Responses that are under way are still measured."""
    inner, adapter, is_sdk = _find(client)
    if is_sdk:
        from . import _sdk
        _sdk.detach(client)
    else:
        adapter.detach(inner)
    return client
