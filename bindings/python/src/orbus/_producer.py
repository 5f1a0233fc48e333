"""The producer as Python programs see it."""
from __future__ import annotations

import math
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import _orbus

if TYPE_CHECKING:
    from ._typing import PerformanceStats, Self


class Producer(_orbus.Producer):
    """Publishes the requests, gauges and counts of one bot.

    `bot` names it in all that it publishes, in 1 to 64 bytes. `bus` is a bus's name or path; None
    means `$ORBUS`, else `orbus`; it is made where it does not exist. `logger`, a `logging.Logger` or
    the name of one, gets a line for each request that ends, in the words of `ortail`:
    `OpenRouter response: 3.45s | Tokens: 287 | TPS: 83.2 | Total: 512`.

    Raises BusError where the bus cannot be used. After that nothing raises but arguments of the
    wrong type: what cannot be published is counted in `dropped` and explained by `last_error`.

    One producer serves all threads of a process, and goes on in a forked child.
    """

    __slots__ = ()

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

    def get_performance_stats(self) -> PerformanceStats:
        """What this producer's own requests took, of those that ended with ok.

        Figures of response times and TPS are 0.0 before the first one; those of the time to the first
        token are None where there was none. All tools and files tell more: see `orbus.stats`.
        """
        last, tps, average, requests, tokens, model, ttft, average_ttft = self._totals()
        return {
            "last_response_time_seconds": round(last / 1000, 2),
            "last_response_time_ms": round(last, 1),
            "last_tps": round(tps, 1),
            "average_response_time_seconds": round(average / 1000, 2),
            "average_response_time_ms": round(average, 1),
            "total_requests": requests,
            "total_tokens_generated": tokens,
            "model": model,
            "last_ttft_seconds": _rounded(ttft / 1000, 2),
            "last_ttft_ms": _rounded(ttft, 1),
            "average_ttft_seconds": _rounded(average_ttft / 1000, 2),
            "average_ttft_ms": _rounded(average_ttft, 1),
        }

    def __reduce__(self) -> Any:
        raise TypeError("a Producer cannot be pickled: make one in each process, or inherit it by fork")


def _rounded(value: float, digits: int) -> float | None:
    return None if math.isnan(value) else round(value, digits)
