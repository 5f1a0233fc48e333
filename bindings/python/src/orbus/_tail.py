"""The samples of a bus as they are published."""
from __future__ import annotations

import time
from collections import deque
from fnmatch import fnmatchcase
from types import TracebackType
from typing import TYPE_CHECKING, Any, Deque, Dict

from ._orbus import Reader

if TYPE_CHECKING:
    from ._typing import Self

#: A published sample, with the keys of orbus(7); an absent value has no key. `ts` is in nanoseconds since
#: 1970. `tps` and `decode_tps` are added where they can be computed.
Sample = Dict[str, Any]

_ROUND = 16384  # samples that are put in order at once
_LIVE_S, _QUIET_S = 0.005, 0.25  # between looks, while samples come and after they stopped


class Tail:
    """The samples of a bus as they are published: an iterator, and an asynchronous one."""

    def __init__(self, bus: str | None, last: int, follow: bool, timeout: float | None,
                 filters: dict[str, str], min_ms: float | None) -> None:
        self._ready: Deque[Sample] = deque()
        self._follow = follow
        self._timeout = timeout
        self._filters = filters
        self._min_ms = min_ms
        self._reader = Reader(bus, follow and last == 0)
        if last or not follow:
            self._collect(None)
            while 0 < last < len(self._ready):
                self._ready.popleft()

    @property
    def lost(self) -> int:
        """Samples that were overwritten before they could be read, exactly."""
        return self._reader.lost

    @property
    def rejected(self) -> int:
        """Samples that were passed over because they were not valid."""
        return self._reader.rejected

    def close(self) -> None:
        """Ends the iteration, also one that waits in another thread."""
        self._follow = False
        self._ready.clear()
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Sample:
        deadline = self._deadline()
        while not self._take():
            left = self._left(deadline)
            if left <= 0:
                raise StopIteration
            self._reader.wait(max(1, int(min(left, 0.5) * 1000)))
        return self._ready.popleft()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Sample:
        import asyncio  # there already where this is awaited: `import orbus` need not wait for it
        deadline = self._deadline()
        pause = _LIVE_S
        while not self._take():
            left = self._left(deadline)
            if left <= 0:
                raise StopAsyncIteration
            await asyncio.sleep(min(pause, left))
            pause = min(pause * 1.2, _QUIET_S)
        return self._ready.popleft()

    def _deadline(self) -> float | None:
        return None if self._timeout is None else time.monotonic() + self._timeout

    def _left(self, deadline: float | None) -> float:
        if not self._follow:
            return 0.0
        return 3600.0 if deadline is None else deadline - time.monotonic()

    def _take(self) -> bool:
        """Whether a sample is ready; reads the bus where none is."""
        if not self._ready and self._follow:
            self._collect(_ROUND)
        return bool(self._ready)

    def _collect(self, limit: int | None) -> None:
        """Those that are there, in the order of their times."""
        found = []
        sample = self._reader.next()
        while sample is not None:
            if self._is_wanted(sample):
                found.append(sample)
            limit = limit - 1 if limit is not None else None
            sample = self._reader.next() if limit != 0 else None
        found.sort(key=_time)
        self._ready.extend(found)

    def _is_wanted(self, sample: Sample) -> bool:
        for key, pattern in self._filters.items():
            value = sample.get(key)
            if value is None and key == "model":
                value = sample.get("requested_model")
            if value is None or not fnmatchcase(value, pattern):
                return False
        return self._min_ms is None or sample.get("response_ms", -1.0) >= self._min_ms


def _time(sample: Sample) -> int:
    ts: int = sample["ts"]
    return ts


def tail(bus: str | None = None, *, last: int = 0, follow: bool = True, timeout: float | None = None,
         kind: str | None = "request", model: str | None = None, bot: str | None = None,
         provider: str | None = None, status: str | None = None,
         min_ms: float | None = None) -> Tail:
    """The samples of a bus, as dictionaries: `for sample in tail()`, or `async for`.

    First the `last` N that the bus still holds, then what comes; without `follow`, all that it holds
    (or the last N) and the end. `timeout` ends the iteration after so many seconds without a sample.
    `kind` is request, begin, progress, gauge or count, None for all; `model`, `bot` and `provider` take
    patterns such as openai/*. Readers are never noticed by any bot. A reader belongs to its process:
    a forked child must make its own. Raises BusError.
    """
    given = {"kind": kind, "model": model, "bot": bot, "provider": provider, "status": status}
    return Tail(bus, last, follow, timeout, {k: v for k, v in given.items() if v is not None},
                min_ms)
