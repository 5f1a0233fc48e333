"""orbus.tags(): tags for all that is published within a block."""
from __future__ import annotations

from typing import Any, Mapping

from ._orbus import TAGS_MAX, TagsBlock


class tags(TagsBlock):
    """Puts tags on what is measured within: `with orbus.tags(user="ann", channel=7): ...`

    They are put on requests that begin within, by hand or through an instrumented client, and on gauges and
    counts; publish() takes nothing but what it is given. A block within a block adds its tags to those
    around it; for the same tag the inner one holds. Tags that are given with a request, gauge or count
    come before these, and those of instrument() after them. A sample carries at most 16: what has no
    room is left out, the outermost first.

    They belong to the context (contextvars): an asyncio task has those of where it was made, a thread has
    none. `tags({"a-b": 1})` takes names that are no Python identifiers. Values are taken as their str().
    """

    __slots__ = ()

    def __init__(self, tags: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        given = {**(tags or {}), **more}
        for key in given:
            if not isinstance(key, str):
                raise TypeError(f"tags: the key {key!r} must be a str, not {type(key).__name__}")
        if len(given) > TAGS_MAX:
            raise ValueError(f"{len(given)} tags: a sample carries at most {TAGS_MAX}")
        self._tags = {key: str(value) for key, value in given.items()}
