"""Calls of aiohttp.

aiohttp has no place where a streamed answer can be seen as it comes (its trace signals come when the
whole was read). So the stream of a measured response, which the connection's parser feeds, is given a
class derived from its own, whose methods look at what passes. The stream, the response and the session
stay the same objects.
"""
from __future__ import annotations

import asyncio
import sys
from typing import Any

from ._instrument import Measurement, Target

_HOOK = "_request"
_tapped_types: dict[type, type] = {}
_measurements: dict[int, _Tap] = {}  # by the id of a tapped stream that lives and has not ended


def attach(session: Any, target: Target) -> None:
    request = getattr(session, _HOOK)

    async def wrapped(method: str, str_or_url: Any, **options: Any) -> Any:
        measurement = target.begin(method.upper(), _path(str_or_url),
                                   _whole_url(session, str_or_url, options),
                                   _headers(session, options), lambda: _body(session, options))
        if measurement is None:
            return await request(method, str_or_url, **options)
        try:
            response = await request(method, str_or_url, **options)
        except BaseException as error:
            measurement.end_refused(error)
            raise
        _tap(session, response, measurement)
        return response
    # The session's own __setattr__ warns of attributes that it does not know.
    object.__setattr__(session, _HOOK, wrapped)


def detach(session: Any) -> None:
    vars(session).pop(_HOOK, None)


def _path(url: Any) -> str:
    path = getattr(url, "path", None)
    return str(url).partition("?")[0].partition("#")[0] if path is None else str(path)


def _whole_url(session: Any, url: Any, options: dict[str, Any]) -> str:
    """As far as it may hold keys: those are in the user's part and in the query."""
    params = options.get("params") or ""
    try:
        if not isinstance(params, str):
            pairs = params.items() if hasattr(params, "items") else params
            params = "&".join(f"{name}={value}" for name, value in pairs)
        base = getattr(session, "_base_url", None) or ""
        return f"{base}{url}{'&' if '?' in str(url) else '?'}{params}"
    except Exception:
        return str(url)


def _headers(session: Any, options: dict[str, Any]) -> Any:
    """Those that the program gave, for the call or for the session, and what becomes one."""
    found = dict(session.headers)
    auth = options.get("auth") or getattr(session, "auth", None)
    if auth:
        found["Auth-Password"] = str(getattr(auth, "password", ""))
    try:
        given = options.get("headers") or {}
        found.update(given if hasattr(given, "keys") else dict(given))
    except Exception:
        pass
    return {name.title(): value for name, value in found.items()}


def _body(session: Any, options: dict[str, Any]) -> bytes | None:
    """What will be sent. JSON is written once, as aiohttp would, and handed on as it is."""
    data = options.get("data")
    if data is None and options.get("json") is not None:
        payload = sys.modules["aiohttp"].payload
        try:
            data = payload.JsonPayload(options["json"], dumps=session.json_serialize)
        except Exception:
            return None  # aiohttp will say the same to the program
        options["data"] = data
        options["json"] = None
        return getattr(data, "_value", None)
    if isinstance(data, str):
        return data.encode()
    return bytes(data) if isinstance(data, (bytes, bytearray)) else None


class _Tap:
    __slots__ = ("measurement", "interruption")

    def __init__(self, measurement: Measurement) -> None:
        self.measurement = measurement
        self.interruption: BaseException | None = None  # of the read that came last


def _tap(session: Any, response: Any, measurement: Measurement) -> None:
    measurement.response(response.status, response.headers,
                         encoded=not getattr(session, "auto_decompress", True))
    content = response.content
    try:
        for data in list(getattr(content, "_buffer", ())):
            measurement.feed(data)
        if content.is_eof():
            measurement.end()
        else:
            content.__class__ = _tapped(type(content))
            _measurements[id(content)] = _Tap(measurement)
    except Exception:
        measurement.give_up()
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
                tap.measurement.end(cancelled=True)
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
