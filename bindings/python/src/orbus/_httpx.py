"""Calls of httpx, and of httpx2, its successor by the same design, which the openai package uses.

The transport that a client chooses for a request is wrapped for this request: what it sends and
receives is seen as it is, whether the client retries, follows redirects, streams or reads at once. One
attribute of the client is set, and deleted by detach().
"""
from __future__ import annotations

import sys
from typing import Any, AsyncIterator, Iterator

from ._instrument import Measurement, Target

_HOOK = "_transport_for_url"
_stream_types: dict[str, tuple[type, type]] = {}


def attach(client: Any, target: Target) -> None:
    choose = getattr(client, _HOOK, None)
    if choose is None:
        raise TypeError(f"cannot instrument this version of {type(client).__module__}")
    streams = _streams_of(client)

    def wrapped(url: Any) -> _Transport:
        return _Transport(choose(url), target, streams)
    setattr(client, _HOOK, wrapped)


def detach(client: Any) -> None:
    vars(client).pop(_HOOK, None)


class _Transport:
    __slots__ = ("_inner", "_target", "_streams")

    def __init__(self, inner: Any, target: Target, streams: tuple[type, type]) -> None:
        self._inner = inner
        self._target = target
        self._streams = streams

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _begin(self, request: Any) -> Measurement | None:
        return self._target.begin(request.method, request.url.path, request.url, request.headers,
                                  lambda: getattr(request, "_content", None))

    def handle_request(self, request: Any) -> Any:
        measurement = self._begin(request)
        if measurement is None:
            return self._inner.handle_request(request)
        try:
            response = self._inner.handle_request(request)
        except BaseException as error:
            measurement.end(error)
            raise
        return _tap(response, measurement, self._streams[0])

    async def handle_async_request(self, request: Any) -> Any:
        measurement = self._begin(request)
        if measurement is None:
            return await self._inner.handle_async_request(request)
        try:
            response = await self._inner.handle_async_request(request)
        except BaseException as error:
            measurement.end(error)
            raise
        return _tap(response, measurement, self._streams[1])


def _tap(response: Any, measurement: Measurement, stream_type: type) -> Any:
    library = sys.modules.get(type(response).__module__.partition(".")[0])
    decoders = getattr(getattr(library, "_decoders", None), "SUPPORTED_DECODERS", {})
    if hasattr(response, "_content"):
        # The transport has read and decoded it: nobody will ask for the stream any more.
        measurement.response(response.status_code, response.headers, False)
        measurement.feed(response.content)
        measurement.end()
        return response
    measurement.response(response.status_code, response.headers, True, decoders)
    response.stream = stream_type(response.stream, measurement)
    return response


class _Stream:
    """A response's body that is measured as it is iterated, with close() or aclose()."""

    def __init__(self, inner: Any, measurement: Measurement) -> None:
        self._inner = inner
        self._measurement = measurement

    def __iter__(self) -> Iterator[bytes]:
        measurement = self._measurement
        try:
            for data in self._inner:
                measurement.feed(data)
                yield data
        except GeneratorExit:
            measurement.end(cancelled=True)
            raise
        except BaseException as error:
            measurement.end(error)
            raise
        measurement.end()

    def close(self) -> None:
        self._measurement.end(cancelled=True)
        self._inner.close()


class _AsyncStream:
    def __init__(self, inner: Any, measurement: Measurement) -> None:
        self._inner = inner
        self._measurement = measurement

    async def __aiter__(self) -> AsyncIterator[bytes]:
        measurement = self._measurement
        inner = self._inner.__aiter__()
        try:
            async for data in inner:
                measurement.feed(data)
                yield data
        except GeneratorExit:
            measurement.end(cancelled=True)
            raise
        except BaseException as error:
            measurement.end(error)
            raise
        finally:
            close = getattr(inner, "aclose", None)
            if close:
                await close()
        measurement.end()

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
