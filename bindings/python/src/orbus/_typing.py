"""Types for checkers only: never imported by a program that runs."""
from __future__ import annotations

from typing import TypedDict

from typing_extensions import Self

__all__ = ["PerformanceStats", "Self"]


class PerformanceStats(TypedDict):
    last_response_time_seconds: float
    last_response_time_ms: float
    last_tps: float
    average_response_time_seconds: float
    average_response_time_ms: float
    total_requests: int
    total_tokens_generated: int
    model: str | None
    last_ttft_seconds: float | None
    last_ttft_ms: float | None
    average_ttft_seconds: float | None
    average_ttft_ms: float | None
