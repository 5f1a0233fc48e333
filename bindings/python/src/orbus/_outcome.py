"""Exceptions in the words of the bus.

Libraries are told by the names of their exceptions' classes, so that none of them need be imported.
"""
from __future__ import annotations

import re
import sys
from typing import Any, Iterator, Mapping

from ._orbus import http_error_type, quote

_CANCELLED = {"CancelledError", "Cancelled", "KeyboardInterrupt", "GeneratorExit", "SystemExit"}
_CONNECT_TIMEOUTS = {"ConnectTimeout", "PoolTimeout", "ConnectionTimeoutError"}
# No byte for too long: while the first token is awaited, or after it.
_SILENCES = {"ReadTimeout", "WriteTimeout", "SocketTimeoutError", "ReadTimeoutError"}
_TIMEOUTS = {"TimeoutError", "TimeoutException", "APITimeoutError", "Timeout", "ServerTimeoutError"}
_LOST = {"ReadError", "WriteError", "RemoteProtocolError", "CloseError", "ServerDisconnectedError",
         "ClientPayloadError", "ConnectionResetError", "ConnectionAbortedError", "BrokenPipeError",
         "IncompleteRead", "IncompleteReadError"}
_CONNECT = {"ConnectError", "ClientConnectorError"}
_TRANSFER = {"TransportError", "ClientConnectionError", "APIConnectionError"}

# error_type of a failure, as the call names it.
_FAILURES = {"dns": "dns_failed", "refused": "connection_refused", "connect": "connection_failed",
             "tls": "tls_failed", "lost": "connection_lost", "transfer": "transfer_failed"}

# Headers that hold what must not be published.
_SECRET_HEADER = re.compile("auth|key|token|secret|cookie|password|credential", re.I)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and what led to it, also several things at once; not endlessly."""
    waiting = [error]
    for _ in range(20):
        if not waiting:
            return
        error = waiting.pop(0)
        yield error
        several = getattr(error, "exceptions", None)
        waiting += several if isinstance(several, (list, tuple)) else ()
        cause = error.__cause__ or error.__context__
        if cause is not None:
            waiting.append(cause)


def _names(error: BaseException | type[BaseException]) -> set[str]:
    kind = error if isinstance(error, type) else type(error)
    return {c.__name__ for c in kind.__mro__}


def _limit(error: BaseException) -> str | None:
    """Which limit on time it was: connect, silence, total; None: none."""
    if not _names(error) & (_TIMEOUTS | _CONNECT_TIMEOUTS | _SILENCES):
        return None
    for cause in _causes(error):
        names = _names(cause)
        if names & _CONNECT_TIMEOUTS:
            return "connect"
        if names & _SILENCES:
            return "silence"
    return "total"


def _is_a(error: BaseException, module: str, name: str) -> bool:
    """Whether it is of a module's class: where that was not imported, it is not."""
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(error, kind)


def _failure(error: BaseException) -> str | None:
    """What a transport could not do; None: it is not a transport's exception."""
    names = _names(error)
    if not names & (_LOST | _CONNECT | _TRANSFER) and not isinstance(error, OSError):
        return None
    for cause in _causes(error):
        if _is_a(cause, "ssl", "SSLError") or "CertificateError" in type(cause).__name__:
            return "tls"
        if _is_a(cause, "socket", "gaierror"):
            return "dns"
        if isinstance(cause, ConnectionRefusedError):
            return "refused"
        if names & _CONNECT:
            continue
        if _names(cause) & _LOST:
            return "lost"
    if names & _CONNECT:
        return "connect"
    return "transfer" if names & _TRANSFER else None


def _system_message(error: BaseException) -> str | None:
    """The system's own words behind an exception."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.strerror:
            return str(cause.strerror)
    return None


def outcome(error: BaseException) -> dict[str, Any]:
    """How a transfer ended that this exception ended, as Call.end() takes it."""
    if _names(error) & _CANCELLED:
        return {"cancelled": True}
    limit = _limit(error)
    if limit:
        return {"limit": limit}
    return {"failure": _failure(error) or "transfer",
            "message": _system_message(error) or type(error).__name__}


def _http_status(error: BaseException) -> int | None:
    for holder in (error, getattr(error, "response", None)):
        for name in ("status_code", "status"):
            status = getattr(holder, name, None)
            if isinstance(status, int) and 300 <= status <= 599:
                return status
    return None


def secrets(headers: Mapping[str, str]) -> str | None:
    """The keys that a request's headers hold, one a line."""
    found = [value.partition(" ")[2] or value if "auth" in name.lower() else value
             for name, value in headers.items() if _SECRET_HEADER.search(name)]
    return "\n".join(found) or None


def api_key(headers: Mapping[str, str]) -> str | None:
    """The key that a request is made with, where it is in a header that APIs know."""
    for name in ("Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key"):
        value = headers.get(name)
        if value:
            return value.strip().partition(" ")[2].strip() or value.strip()
    return None


def _asked(error: BaseException) -> tuple[Any, str | None, str | None]:
    """What the exception's request asked, where it holds one: its body, its keys, its URL."""
    for holder in (error, getattr(error, "response", None)):
        request = getattr(holder, "request", None)
        if request is None:
            continue
        body = getattr(request, "_content", None)  # httpx
        if body is None:
            body = getattr(request, "body", None)  # requests
        if isinstance(body, (str, bytes)):
            return body, secrets(request.headers), str(request.url)
    return None, None, None


def _api_message(error: BaseException, status: int) -> str:
    """The API's own words, where a library kept them, and where they do not repeat the request."""
    message = None
    body = getattr(error, "body", None)
    if isinstance(body, dict):
        inner = body.get("error")
        said = (inner if isinstance(inner, dict) else body).get("message")
        if isinstance(said, str) and said:
            try:
                message = quote(said, *_asked(error))
            except Exception:
                pass  # a request of another make: nothing is known of what was asked
    return message or f"HTTP status {status}"


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def classify(error: Any, streamed: bool, waiting: bool) -> tuple[str, str | None, str | None, int | None]:
    """What a request's sample says of an exception that left its block: status, error_type,
    error_message and http_status. `waiting`: no token has come yet, which only of a stream is known.

    The text of an exception that is neither a server's nor the system's may hold a part of a prompt or
    of an answer, so of those only the class is told.
    """
    if _names(error) & _CANCELLED:
        return "cancelled", None, None, None
    if isinstance(error, type):
        return "error", _snake(error.__name__), None, None
    status = _http_status(error)
    if status:
        return "error", http_error_type(status), _api_message(error, status), status
    limit = _limit(error)
    if limit == "silence":
        limit = ("first_token" if waiting else "idle") if streamed else "total"
    if limit:
        return "timeout", f"timeout_{limit}", None, None
    failure = _failure(error)
    if failure:
        return "error", _FAILURES[failure], _system_message(error), None
    return "error", _snake(type(error).__name__), _system_message(error), None
