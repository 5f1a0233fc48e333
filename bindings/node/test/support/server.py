"""The tests' own server for programs in JavaScript: tests/support/openrouter.py, whose answer is
named on standard input, a line each: a scenario below, or the number of a call of the conformance
table. Prints its URL first, then "ready" for each line; ends with its input."""
import os
import sys

SOURCE = os.environ["ORBUS_SOURCE_DIR"]
sys.path.insert(0, os.path.join(SOURCE, "tests", "conformance"))
from conformance import calls, reply  # noqa: E402
from openrouter import (ABORT, DONE, HANG, OpenRouter, Reply, chunk, completion, error,  # noqa: E402
                        stream, usage_chunk)

SCENARIOS = {
    "stream": stream,
    "completion": completion,
    "slow stream": lambda: Reply([part for n in range(100) for part in (chunk(f"w{n} "), 0.05)]
                                 + [DONE]),
    "hanging stream": lambda: Reply([chunk("Hello"), HANG]),
    "open after the end": lambda: Reply([*stream().parts, HANG]),
    "silent": lambda: Reply([HANG]),
    "broken": lambda: Reply([chunk("Hello"), 0.1, ABORT]),
    "long stream": lambda: Reply([chunk("word " * 200) for _ in range(4000)]
                                 + [usage_chunk(completion=4000), DONE]),
    "repeats the key": lambda: error(401, "no such key: sk-or-v1-0123456789abcdef"),
    "rate limited": lambda: error(429, "slow down"),
    "rate limited, then a stream": lambda: [error(429, "slow down", retry_after_ms="10"), stream()],
}


def choose(name):
    return reply(calls()[int(name)]) if name.isdigit() else SCENARIOS[name]()


def main():
    with OpenRouter() as server:
        print(server.url, flush=True)
        for line in sys.stdin:
            server.requests.clear()
            server.reply = choose(line.strip())
            print("ready", flush=True)


if __name__ == "__main__":
    main()
