"""Statistics: what is current, and the agent's files."""
from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Dict, Iterable, Union

from ._orbus import merge as _merge
from ._orbus import stats as _stats

if TYPE_CHECKING:
    from ._orbus import Document, Statistics

Path = Union[str, "os.PathLike[str]"]


def stats(window: str = "5m", bus: str | None = None) -> Statistics:
    """Current statistics: of the last 1m, 5m or 1h, of the `day`, or since the agent's `start`.

    They come from the agent's board, or, where no agent runs, from what the ring still holds: `source`
    says which, and `agent` is None then. Keys as in the agent's files. Raises BusError.
    """
    return _stats(bus, window)


def load(path: Path) -> Dict[str, Any]:
    """A file of the agent, such as hourly_20251128_01.json. Raises OSError, or ValueError where it is
    none."""
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    if not isinstance(document, dict):
        raise ValueError(f"{os.fspath(path)}: not a file of an orbus agent")
    return document


def merge(files: Iterable[Path | Document | Dict[str, Any]]) -> Document:
    """Files of the agent, or what load() returned, added up: hours to days, hosts to fleets.

    Sums, counts and averages are exact, and so are percentiles within the 1.1 % of the histograms that
    the files hold. Files of one host that cover the same time (an hour and its day) count twice. The
    result can be merged again. Raises OSError, or ValueError which names the file that is none.
    """
    items = []
    for file in files:
        if isinstance(file, dict):
            items.append(("a document", json.dumps(file).encode()))
        else:
            with open(file, "rb") as opened:
                items.append((os.fspath(file), opened.read()))
    return _merge(items)
