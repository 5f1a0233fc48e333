"""A drop-in for the metrics service of the bot that orbus grew from: a bot moves over by importing

    from orbus.metrics import MetricsService

instead of its own. What is recorded is published on the bus and appears in the agent's files under the
keys that it always had. The hourly and daily files are the agent's: while one runs,
save_hourly_snapshot() and its kin have nothing to do; while none does, they write this service's own
figures, as before, but each file whole.

A call to a model is one request on the bus, though the old service records it by two methods:
record_response_time() and record_token_usage(), in either order, of one task or thread. The first of the
two waits for the other for a second. An error is a failed request where it is of a call; others are
counted beside the requests, and are in `errors` all the same.
"""
from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import tempfile
import time
import weakref
from collections import deque
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Deque

from ._calls import Calls, is_of_a_call, is_timeout
from ._orbus import BusError
from ._producer import Producer
from ._stats import load, stats

_log = logging.getLogger("orbus.metrics")

# Files of ours, by name: their date says how old they are. The offset from UTC tells two apart that
# would have one name, after a change of the time zone.
_MARK = r"(?:[+-]\d{4}(?:_[1-9]\d{0,2})?)?"
_OURS = re.compile(rf"(?:hourly_(\d{{8}})_\d\d{_MARK}|daily_(\d{{8}}){_MARK}|"
                   r"metrics_(\d{8})_\d{6})\.json")


class MetricsService:
    """Records what a bot does. All methods that record are cheap and never raise for a bus's sake."""

    def __init__(self, data_dir: str | os.PathLike[str] | None = None, *, bot: str = "bot",
                 bus: str | None = None) -> None:
        """`data_dir` is where files are saved and looked for: the agent's --data-dir is best. None
        means `$ORBUS_DATA_DIR`, else data/metrics."""
        self.metrics_dir = Path(data_dir or os.environ.get("ORBUS_DATA_DIR") or "data/metrics")
        self.producer = Producer(bot, bus)
        self.producer._summarise()
        self.start_time = datetime.now()
        self.debug_mode = False
        self._hours: Deque[tuple[int, int]] = deque(maxlen=24)  # messages and errors, oldest first
        self._hour = [0, 0]
        self._hour_start = time.monotonic()
        self._calls = Calls(self.producer)
        # Also at the end of the program: what waits then for its other half is published alone.
        weakref.finalize(self, self._calls.flush)

    # --- Recording ---

    def record_response_time(self, duration_ms: float, details: dict[str, Any] | None = None) -> None:
        """A response that took so many milliseconds. `details` may hold its `model`,
        `prompt_tokens` and `completion_tokens`; the rest of it is not recorded."""
        known = {key: details[key] for key in ("model", "prompt_tokens", "completion_tokens")
                 if details and isinstance(details.get(key), str if key == "model" else int)}
        self._calls.add("time", {**known, "response_ms": float(duration_ms)})

    def record_token_usage(self, prompt_tokens: int, completion_tokens: int,
                           model: str = "unknown") -> None:
        """Tokens of a response: of the one whose time the same task or thread records within a second
        before or after, or else a request of its own."""
        prompt_tokens, completion_tokens = int(prompt_tokens), int(completion_tokens)
        self._calls.add("tokens", {
            "model": str(model), "prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens})

    def record_error(self, error_type: str, error_message: str, *, request: bool | None = None) -> None:
        """An error. `request` says whether a call to a model failed; None: where its type is one of the
        clients of such, or its message names their API. The message is cut to 200 bytes; it must not
        hold a prompt."""
        self._roll_hour()
        self._hour[1] += 1
        what: dict[str, Any] = {"error_type": str(error_type), "error_message": str(error_message)[:200]}
        timed = self._calls.take_failed()
        if request is None:
            request = timed is not None or is_of_a_call(error_type, error_message)
        if request:
            status = "timeout" if is_timeout(error_type, error_message) else "error"
            self.producer.publish(**{**(timed or {}), "status": status, **what})
            return
        if timed:
            self.producer.publish(**timed)
        self.producer.publish(kind="count", name="bot_errors", value=1, **what)

    def record_message(self, user_id: int | str, channel_id: int | str) -> None:
        self._roll_hour()
        self._hour[0] += 1
        self.producer.count("messages_processed", tags={"user": user_id, "channel": channel_id})

    def record_command(self, command_name: str) -> None:
        self.producer.count("commands_executed", tags={"command": command_name})

    def record_cache_hit(self, cache_type: str) -> None:
        """Of any cache: `history` counts under cache_stats.history_cache."""
        self.producer.count(f"{cache_type}_cache_hits")

    def record_cache_miss(self, cache_type: str) -> None:
        self.producer.count(f"{cache_type}_cache_misses")

    def record_service_event(self, service: str, event: str = "request") -> None:
        """`vision` and `request` count under service_metrics.vision_requests."""
        self.producer.count(f"{service}_{event}s")

    class Timer:
        """Records how long its block took."""

        def __init__(self, metrics_service: MetricsService) -> None:
            self.metrics_service = metrics_service
            self.start_time = 0.0

        def __enter__(self) -> MetricsService.Timer:
            self.start_time = time.perf_counter()
            return self

        def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
            elapsed_ms = (time.perf_counter() - self.start_time) * 1000
            if kind is None:
                self.metrics_service.record_response_time(elapsed_ms)
            else:  # record_error() may follow, of the same call
                self.metrics_service._calls.add("failed", {
                    "response_ms": elapsed_ms, "status": "error", "error_type": kind.__name__})

    def timer(self) -> Timer:
        return self.Timer(self)

    def flush(self) -> None:
        """Publishes what waits for its other half."""
        self._calls.flush()

    # --- Asking ---

    def get_summary(self) -> dict[str, Any]:
        """What this service recorded since it was made, with the keys of the files; figures that
        cannot be computed are 0, as they were."""
        self.flush()
        summary = _own_errors(self.producer._summary() or {})
        summary["response_times"] = _zeros(summary["response_times"])
        summary["errors"] = _zeros(summary["errors"])
        summary["cache_stats"] = {k: _zeros(v) for k, v in summary["cache_stats"].items()}
        summary["hourly_trends"] = self.get_hourly_trends()
        summary["debug_mode"] = self.debug_mode
        return summary

    def _part(self, key: str) -> dict[str, Any]:
        part: dict[str, Any] = self.get_summary()[key]
        return part

    def get_response_time_stats(self) -> dict[str, Any]:
        return self._part("response_times")

    def get_token_usage(self) -> dict[str, Any]:
        return self._part("token_usage")

    def get_error_stats(self) -> dict[str, Any]:
        return self._part("errors")

    def get_active_stats(self) -> dict[str, Any]:
        return self._part("active_stats")

    def get_cache_stats(self) -> dict[str, Any]:
        return self._part("cache_stats")

    def get_service_metrics(self) -> dict[str, Any]:
        return self._part("service_metrics")

    def get_hourly_trends(self) -> dict[str, Any]:
        self._roll_hour()
        return {"messages_per_hour": [messages for messages, _ in self._hours],
                "errors_per_hour": [errors for _, errors in self._hours],
                "current_hour_messages": self._hour[0], "current_hour_errors": self._hour[1]}

    def _roll_hour(self) -> None:
        passed = min(int((time.monotonic() - self._hour_start) // 3600), 24)
        for _ in range(passed):
            self._hours.append((self._hour[0], self._hour[1]))
            self._hour = [0, 0]
            self._hour_start += 3600

    # --- Files ---

    def save_metrics_to_file(self, filename: str | None = None) -> Path | None:
        """Writes the summary, whole or not at all. The path, or None after a line in the log."""
        path = self.metrics_dir / (filename or f"metrics_{datetime.now():%Y%m%d_%H%M%S}.json")
        data = {**self.get_summary(), "saved_at": datetime.now().isoformat(), "version": "1.0"}
        try:
            self.metrics_dir.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=self.metrics_dir, prefix=".metrics-",
                                             delete=False, encoding="utf-8") as file:
                json.dump(data, file, indent=2, default=str)
                file.flush()
                os.fsync(file.fileno())
            os.replace(file.name, path)
        except OSError as error:
            _log.error("cannot save %s: %s", path, error)
            return None
        return path

    def save_hourly_snapshot(self) -> Path | None:
        return self._save_period(f"hourly_{datetime.now():%Y%m%d_%H}.json")

    def save_daily_summary(self) -> Path | None:
        return self._save_period(f"daily_{datetime.now():%Y%m%d}.json")

    def _save_period(self, filename: str) -> Path | None:
        """Where an agent runs, it writes the file: returns that file's path if it is in this folder."""
        if not self._has_agent():
            return self.save_metrics_to_file(filename)
        path = self.metrics_dir / filename
        return path if path.exists() else None

    def _has_agent(self) -> bool:
        try:
            return bool(stats("1m", self.producer.bus)["source"] == "agent")
        except BusError:
            return False

    def cleanup_old_metrics(self, days_to_keep: int = 30) -> None:
        """Removes files of ours that are older, by the date in the name; nothing else."""
        oldest = f"{datetime.now() - timedelta(days=days_to_keep):%Y%m%d}"
        for path in self.metrics_dir.glob("*.json"):
            match = _OURS.fullmatch(path.name)
            day = match and next(group for group in match.groups() if group)
            if day and day < oldest and days_to_keep > 0 and not path.is_symlink():
                try:
                    path.unlink()
                except OSError as error:
                    _log.error("cannot remove %s: %s", path, error)

    def start_auto_save(self, interval_hours: float = 1) -> asyncio.Task[None]:
        """Saves once each interval. Not needed where an agent runs."""
        async def save() -> None:
            while True:
                await asyncio.sleep(interval_hours * 3600)
                self.save_hourly_snapshot()
                self.save_daily_summary()
                if not self._has_agent():
                    self.cleanup_old_metrics()
        return asyncio.create_task(save())

    def start_hourly_reset(self) -> asyncio.Task[None]:
        """Does nothing: kept for bots that start this task. Memory is bounded without it."""
        async def nothing() -> None:
            await asyncio.Event().wait()
        return asyncio.create_task(nothing())

    def load_metrics_from_file(self, filename: str) -> dict[str, Any] | None:
        try:
            return load(self.metrics_dir / filename)
        except (OSError, ValueError) as error:
            _log.error("cannot load %s: %s", filename, error)
            return None

    def list_saved_metrics(self) -> list[dict[str, Any]]:
        found = []
        for path in sorted(self.metrics_dir.glob("*.json"), reverse=True):
            try:
                status = path.stat()
            except OSError:
                continue
            found.append({"filename": path.name, "size_bytes": status.st_size,
                          "size_kb": round(status.st_size / 1024, 2),
                          "modified": datetime.fromtimestamp(status.st_mtime).isoformat()})
        return found


def _own_errors(summary: dict[str, Any]) -> dict[str, Any]:
    """Errors as this service was told of them: those that are no requests bear a prefix on the bus."""
    errors = summary.get("errors")
    if errors:
        by_type: dict[str, int] = {}
        for name, n in errors["by_type"].items():
            name = name.removeprefix("bot:")
            by_type[name] = by_type.get(name, 0) + n
        recent = [{**error, "type": error["type"].removeprefix("bot:")} for error in errors["recent_errors"]]
        summary["errors"] = {**errors, "by_type": by_type, "recent_errors": recent}
    return summary


def _zeros(figures: dict[str, Any]) -> dict[str, Any]:
    return {key: 0 if value is None else value for key, value in figures.items()}
