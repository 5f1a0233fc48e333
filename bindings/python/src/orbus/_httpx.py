"""Calls of httpx, and of httpx2, its successor by the same design, which the openai package uses.

The transport that a client chooses for a request is wrapped for this request: what it sends and
receives is seen as it is, whether the client retries, follows redirects, streams or reads at once. One
attribute of the client is set, and deleted by detach(). It refers to the client weakly, so a client that the
program drops is freed at once, as without orbus.
"""
from __future__ import annotations

import sys
import weakref
from contextvars import ContextVar
from typing import Any, AsyncIterator, Iterator

from ._instrument import Measurement, Target
from ._nesting import Variable, current

_HOOK = "_transport_for_url"
_stream_types: dict[str, tuple[type, type]] = {}

# Of calls that were redirected, by the stream of the body, which all requests of the call have.
_redirected: weakref.WeakKeyDictionary[Any, Measurement] = weakref.WeakKeyDictionary()

# Whose call it is where SDKs share an httpx client (_sdk.py): the hook of that client, and the target.
asked: Variable[tuple[Hook, Target]] = ContextVar("orbus.asked", default=None)


class Hook:
    """Takes the place of a client's method that chooses the transport."""

    __slots__ = ("_client", "_prior", "_streams", "target", "users")

    def __init__(self, client: Any) -> None:
        if getattr(client, _HOOK, None) is None:
            raise TypeError(f"cannot instrument this version of {type(client).__module__}")
        self._client = weakref.ref(client)
        self._prior = vars(client).get(_HOOK)  # of another who does this
        self._streams = _streams_of(client)
        self.target: Target | None = None  # of calls of the client itself
        self.users = 0  # SDKs' clients that ask through it

    @property
    def is_async(self) -> bool:
        return any(kind.__name__ == "AsyncClient" for kind in type(self._client()).__mro__)

    def __call__(self, url: Any) -> Any:
        client: Any = self._client()
        transport = self._prior(url) if self._prior else getattr(type(client), _HOOK)(client, url)
        by = current(asked)
        target = by[1] if by is not None and by[0] is self else self.target
        if target is None:
            return transport
        follows = bool(getattr(client, "follow_redirects", False))
        return _Transport(transport, target, self._streams, follows)

    def remove_if_unused(self) -> None:
        client = self._client()
        if self.target or self.users or client is None or vars(client).get(_HOOK) is not self:
            return
        del vars(client)[_HOOK]
        if self._prior:
            setattr(client, _HOOK, self._prior)


def hook(client: Any) -> Hook:
    """The client's, made where there is none."""
    found = vars(client).get(_HOOK)
    if not isinstance(found, Hook):
        found = Hook(client)
        setattr(client, _HOOK, found)
    return found


def attach(client: Any, target: Target) -> None:
    hook(client).target = target


def detach(client: Any) -> None:
    found = vars(client).get(_HOOK)
    if isinstance(found, Hook):
        found.target = None
        found.remove_if_unused()


class _Transport:
    __slots__ = ("_inner", "_target", "_streams", "_follows")

    def __init__(self, inner: Any, target: Target, streams: tuple[type, type], follows: bool) -> None:
        self._inner = inner
        self._target = target
        self._streams = streams
        self._follows = follows  # the client follows redirects

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _begin(self, request: Any) -> Measurement | None:
        try:
            redirected = _go_on(request)
            if redirected is not None:
                return redirected
            return self._target.begin(request.method, request.url.path, request.url, request.headers,
                                      lambda: getattr(request, "_content", None))
        except Exception as error:
            self._target.drop(error)
            return None

    def handle_request(self, request: Any) -> Any:
        measurement = self._begin(request)
        if measurement is None:
            return self._inner.handle_request(request)
        layer = measurement.layer()
        try:
            with layer:
                response = self._inner.handle_request(request)
            if self._follows and _hold(request, response, measurement):
                return response
            return _tap(response, measurement, self._streams[0])
        except BaseException as error:
            layer.is_over = True
            measurement.end(error)
            raise

    async def handle_async_request(self, request: Any) -> Any:
        measurement = self._begin(request)
        if measurement is None:
            return await self._inner.handle_async_request(request)
        layer = measurement.layer()
        try:
            with layer:
                response = await self._inner.handle_async_request(request)
            if self._follows and _hold(request, response, measurement):
                return response
            return _tap(response, measurement, self._streams[1])
        except BaseException as error:
            layer.is_over = True
            measurement.end(error)
            raise


def _hold(request: Any, response: Any, measurement: Measurement) -> bool:
    """Whether the client will send this request's body once more, elsewhere, which is the same call. Where it does
    not after all, the measurement ends as abandoned, when the request goes."""
    try:
        if response.status_code not in (307, 308) or "location" not in response.headers:
            return False
        _redirected[request.stream] = measurement
    except Exception:
        return False  # a body that cannot be referred to, or a response of another make
    measurement.response(response.status_code, {}, False)
    return True


def _go_on(request: Any) -> Measurement | None:
    """The measurement of the call that was redirected to this request."""
    try:
        measurement = _redirected.pop(request.stream, None)
    except TypeError:  # a body that cannot be referred to
        return None
    if measurement is not None:
        measurement.response(0, {}, False)  # how it was redirected counts no more
    return measurement


def _tap(response: Any, measurement: Measurement, stream_type: type) -> Any:
    """The response, which it also is where it is of no kind that is known."""
    try:
        library = sys.modules.get(type(response).__module__.partition(".")[0])
        decoders = getattr(getattr(library, "_decoders", None), "SUPPORTED_DECODERS", {})
        if hasattr(response, "_content"):
            # The transport has read and decoded it: the stream will not be asked for any more.
            measurement.response(response.status_code, response.headers, False)
            measurement.feed(response.content)
            measurement.end()
        elif isinstance(response.stream, stream_type.__bases__[1]):
            measurement.response(response.status_code, response.headers, True, decoders)
            response.stream = stream_type(response.stream, measurement)
        else:
            raise TypeError(f"a response's stream is a {type(response.stream).__name__}")
    except Exception as error:
        measurement.give_up(error)
        measurement.end()
    return response


class _Pieces:
    """What comes of a body, as it is asked for. It is no generator: one that is dropped half-way would not
    tell that from being closed by the program, which is the moment that a call ends."""

    __slots__ = ("_pieces", "_measurement")

    def __init__(self, pieces: Any, measurement: Measurement) -> None:
        self._pieces = pieces
        self._measurement = measurement

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            data: bytes = next(self._pieces)
        except StopIteration:
            self._measurement.end()
            raise
        except BaseException as error:
            self._measurement.end(error)
            raise
        self._measurement.feed(data)
        return data


class _AsyncPieces:
    __slots__ = ("_pieces", "_measurement")

    def __init__(self, pieces: Any, measurement: Measurement) -> None:
        self._pieces = pieces
        self._measurement = measurement

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            data: bytes = await self._pieces.__anext__()
        except StopAsyncIteration:
            self._measurement.end()
            raise
        except BaseException as error:
            self._measurement.end(error)
            raise
        self._measurement.feed(data)
        return data


class _Stream:
    """A response's body that is measured as it is iterated, with close() or aclose()."""

    def __init__(self, inner: Any, measurement: Measurement) -> None:
        self._inner = inner
        self._measurement = measurement

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __iter__(self) -> Iterator[bytes]:
        return _Pieces(iter(self._inner), self._measurement)

    def close(self) -> None:
        self._measurement.end(cancelled=True)
        self._inner.close()


class _AsyncStream:
    def __init__(self, inner: Any, measurement: Measurement) -> None:
        self._inner = inner
        self._measurement = measurement

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _AsyncPieces(self._inner.__aiter__(), self._measurement)

    async def aclose(self) -> None:
        self._measurement.end(cancelled=True)
        await self._inner.aclose()


def _streams_of(client: Any) -> tuple[type, type]:
    """Streams of the types that this client's library insists on."""
    names = (kind.__module__.partition(".")[0] for kind in type(client).__mro__)
    name = next(name for name in names if name in ("httpx", "httpx2"))
    if name not in _stream_types:
        library = sys.modules[name]
        _stream_types[name] = (type("Stream", (_Stream, library.SyncByteStream), {}),
                               type("AsyncStream", (_AsyncStream, library.AsyncByteStream), {}))
    return _stream_types[name]
