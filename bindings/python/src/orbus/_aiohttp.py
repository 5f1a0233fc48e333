"""Calls of aiohttp.

aiohttp has no place where a streamed answer can be seen as it comes (its trace signals come when the
whole was read). So the stream of a measured response, which the connection's parser feeds, is given a
class derived from its own, whose methods look at what passes. The stream, the response and the session
stay the same objects.
"""
from __future__ import annotations

import asyncio
import sys
import weakref
from typing import Any, Mapping

from ._instrument import Measurement, Target

_HOOK = "_request"
_tapped_types: dict[type, type] = {}
_measurements: dict[int, _Tap] = {}  # by the id of a tapped stream that lives and has not ended


def attach(session: Any, target: Target) -> None:
    if getattr(session, _HOOK, None) is None:
        raise TypeError(f"cannot instrument this version of {type(session).__module__}")
    reference = weakref.ref(session)  # a dropped session is freed at once, as without orbus

    def wrapped(method: Any, str_or_url: Any, **options: Any) -> Any:
        session: Any = reference()
        request = getattr(type(session), _HOOK).__get__(session)
        # A wrong argument is told where the call is made, not where it is awaited.
        request(method, str_or_url, **options).close()
        return measured(session, request, method, str_or_url, options)

    async def measured(session: Any, request: Any, method: Any, str_or_url: Any,
                       options: dict[str, Any]) -> Any:
        measurement = None if session.closed else _begin(target, session, method, str_or_url, options)
        if measurement is None:
            return await request(method, str_or_url, **options)
        layer = measurement.layer()
        try:
            with layer:
                response = await request(method, str_or_url, **options)
            _tap(session, response, measurement)
            return response
        except BaseException as error:
            layer.is_over = True
            measurement.end_refused(error)
            raise
    # As the session's own is called in "was never awaited".
    measured.__qualname__ = getattr(type(session), _HOOK).__qualname__
    # The session's own __setattr__ warns of attributes that it does not know.
    object.__setattr__(session, _HOOK, wrapped)


def _begin(target: Target, session: Any, method: Any, url: Any,
           options: dict[str, Any]) -> Measurement | None:
    """What the json serializer of the program raises is the call's own exception, and passes."""
    path = None
    try:
        path = _path(url)
        if method.upper() != "POST" or not path.rstrip("/").endswith("/completions"):
            return None
    except Exception as error:
        target.drop(error)
        return None
    body = _body(session, options)
    try:
        return target.begin("POST", path, _whole_url(session, url, options),
                            _headers(session, options), lambda: body)
    except Exception as error:
        target.drop(error)
        return None


def detach(session: Any) -> None:
    vars(session).pop(_HOOK, None)


def _path(url: Any) -> str:
    path = getattr(url, "path", None)
    return str(url).partition("?")[0].partition("#")[0] if path is None else str(path)


def _pairs(given: Any) -> list[tuple[Any, Any]]:
    """Of what may be read twice: an iterator is the client's to read."""
    if isinstance(given, Mapping):
        return list(given.items())
    return [(pair[0], pair[1]) for pair in given] if isinstance(given, (list, tuple)) else []


def _whole_url(session: Any, url: Any, options: dict[str, Any]) -> str:
    """As far as it may hold keys: those are in the user's part and in the query."""
    params = options.get("params") or ""
    if not isinstance(params, str):
        params = "&".join(f"{name}={value}" for name, value in _pairs(params))
    base = getattr(session, "_base_url", None) or ""
    return f"{base}{url}{'&' if '?' in str(url) else '?'}{params}"


def _headers(session: Any, options: dict[str, Any]) -> dict[str, str]:
    """Those that the program gave, for the call or for the session, and what becomes one."""
    found = dict(session.headers)
    auth = options.get("auth") or getattr(session, "auth", None)
    if auth:
        found["Auth-Password"] = str(getattr(auth, "password", ""))
    found.update(_pairs(options.get("headers") or {}))
    return {str(name).title(): value for name, value in found.items()}


def _body(session: Any, options: dict[str, Any]) -> bytes | None:
    """What will be sent. JSON is written once, as aiohttp would, and handed on as it is."""
    data = options.get("data")
    if data is None and options.get("json") is not None:
        payload = sys.modules["aiohttp"].payload
        data = payload.JsonPayload(options["json"], dumps=session.json_serialize)
        options["data"] = data
        options["json"] = None
        return getattr(data, "_value", None)
    if isinstance(data, str):
        return data.encode(errors="replace")
    return bytes(data) if isinstance(data, (bytes, bytearray)) else None


class _Tap:
    __slots__ = ("measurement", "interruption")

    def __init__(self, measurement: Measurement) -> None:
        self.measurement = measurement
        self.interruption: BaseException | None = None  # of the read that came last


def _tap(session: Any, response: Any, measurement: Measurement) -> None:
    try:
        measurement.response(response.status, response.headers,
                             encoded=not getattr(session, "auto_decompress", True))
        content = response.content
        for data in list(getattr(content, "_buffer", ())):
            measurement.feed(data)
        if content.is_eof():
            measurement.end()
        else:
            content.__class__ = _tapped(type(content))
            _measurements[id(content)] = _Tap(measurement)
    except Exception as error:
        measurement.give_up(error)
        measurement.end()


def _tapped(stream: type) -> type:
    if stream not in _tapped_types:
        _tapped_types[stream] = _derive(stream)
    return _tapped_types[stream]


def _derive(stream: Any) -> type:
    """A class of the same layout, so that a stream can change into it."""

    class StreamReader(stream):  # type: ignore[misc]
        __slots__ = ()

        def feed_data(self, data: bytes, *more: Any) -> Any:
            tap = _measurements.get(id(self))
            if tap:
                tap.interruption = None
                tap.measurement.feed(data)
            return stream.feed_data(self, data, *more)

        def feed_eof(self) -> None:
            tap = _measurements.pop(id(self), None)
            if tap:
                tap.measurement.end()
            stream.feed_eof(self)

        def set_exception(self, exc: BaseException, *more: Any) -> None:
            tap = _measurements.pop(id(self), None)
            if tap:
                _end(tap, exc)
            stream.set_exception(self, exc, *more)

        async def _wait(self, func_name: str) -> None:
            try:
                await stream._wait(self, func_name)
            except (asyncio.TimeoutError, asyncio.CancelledError) as error:
                tap = _measurements.get(id(self))
                if tap:
                    tap.interruption = error
                raise

        def __del__(self) -> None:
            tap = _measurements.pop(id(self), None)
            if tap:
                tap.measurement.end(abandoned=True)
    StreamReader.__qualname__ = stream.__qualname__
    StreamReader.__module__ = stream.__module__
    return StreamReader


def _end(tap: _Tap, error: BaseException) -> None:
    """The connection broke, or the program closed the response, as it does after a time-out too."""
    closed = type(error).__name__ == "ClientConnectionError" and str(error) == "Connection closed"
    if not closed:
        tap.measurement.end(error)
    elif tap.interruption is not None:
        tap.measurement.end(tap.interruption)
    else:
        tap.measurement.end(cancelled=True)
