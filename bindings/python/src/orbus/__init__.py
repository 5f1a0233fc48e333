"""Metrics of programs that call LLMs, over shared memory.

    import orbus
    from openai import OpenAI

    bus = orbus.Producer(bot="acore")
    client = orbus.instrument(OpenAI(), bus)     # every call of it is measured from here on

or by hand, around any call:

    with bus.request(model="openai/gpt-4", stream=True) as r:
        for chunk in ask():
            r.first_token()
        r.usage(prompt_tokens=225, completion_tokens=287)

`with orbus.tags(user="ann"):` puts tags on all that begins within.

Publishing takes about a microsecond and never waits. No prompt and no answer enters the bus,
also where a server repeats one. An agent (`oragent`) turns what is published into hourly and daily JSON
files; `stats`, `tail`, `load` and `merge` read. Importing this does nothing but define names.

Producers may be shared among threads and are good in forked children; `close()` is optional: the
kernel frees what a process held, however it ends.
"""
import sys

# Before the module in C, of which such a Python would say only that it is not there.
if "t" in sys.abiflags:
    raise ImportError("orbus relies on the interpreter's lock (the GIL), which this free-threaded "
                      "Python does not have: use a CPython with it")

from ._instrument import instrument, uninstrument
from ._orbus import BusError, Request, __version__
from ._producer import Producer
from ._stats import load, merge, stats
from ._tags import tags
from ._tail import Sample, Tail, tail

__all__ = ["BusError", "Producer", "Request", "Sample", "Tail", "__version__", "instrument", "load",
           "merge", "stats", "tail", "tags", "uninstrument"]
