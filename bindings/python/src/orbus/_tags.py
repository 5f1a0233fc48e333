"""orbus.tags(): tags for all that is published within a block."""
from __future__ import annotations

from types import TracebackType
from typing import Any, Dict, Mapping

from ._orbus import TAGS_MAX, tags_var


class _Within(Dict[str, str]):
    """What the variable holds: read by ext/tags.c."""

    __slots__ = ("owner", "outer")
    owner: tags
    outer: dict[str, str] | None


class tags:
    """Puts tags on what is measured within: `with orbus.tags(user="ann", channel=7): ...`

    They are put on requests that begin within, by hand or through an instrumented client, and on gauges and
    counts; publish() takes nothing but what it is given. A block within a block adds its tags to those
    around it; for the same tag the inner one holds. Tags that are given with a request, gauge or count
    come before these, and those of instrument() after them. A sample carries at most 16: what has no
    room is left out, the outermost first.

    They belong to the context (contextvars): an asyncio task has those of where it was made, a thread has
    none. `tags({"a-b": 1})` takes names that are no Python identifiers. Values are taken as their str().
    """

    __slots__ = ("_tags",)

    def __init__(self, tags: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        given = {**(tags or {}), **more}
        for key in given:
            if not isinstance(key, str):
                raise TypeError(f"tags: the key {key!r} must be a str, not {type(key).__name__}")
        if len(given) > TAGS_MAX:
            raise ValueError(f"{len(given)} tags: a sample carries at most {TAGS_MAX}")
        self._tags = {key: str(value) for key, value in given.items()}

    def __enter__(self) -> tags:
        within = _Within(self._tags)
        within.owner = self
        within.outer = tags_var.get(None)
        for key, value in (within.outer or {}).items():
            if len(within) < TAGS_MAX:
                within.setdefault(key, value)
        try:
            tags_var.set(within)
        except BaseException:  # an interrupt, behind which no block is entered
            tags_var.set(within.outer)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        # Not by a token: a generator's block may be left in another context than it was entered in. A block
        # within that an interrupt kept from being left is left with this one.
        within = tags_var.get(None)
        while isinstance(within, _Within) and within.owner is not self:
            within = within.outer
        if isinstance(within, _Within):
            tags_var.set(within.outer)
