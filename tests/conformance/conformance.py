"""The table of calls for tests in Python: what the server answers, and whether a sample is right.

As a program, `conformance.py BUS`, for tests in other languages: fails where the bus's memory holds what
a server of the table echoed."""
import json
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, "..", "support"))
from openrouter import ABORT, HANG, Reply  # noqa: E402

NOT_COMPARED = ("kind", "ts", "bot", "begin_id", "attempt", "tags", "tps", "decode_tps")
TIMES = ("response_ms", "ttft_ms", "max_gap_ms")
UNKNOWN_HOST = ".".join(["x" * 60] * 5 + ["example"])


def calls():
    with open(os.path.join(FOLDER, "calls.json"), encoding="utf-8") as file:
        return json.load(file)


def nesting():
    with open(os.path.join(FOLDER, "nesting.json"), encoding="utf-8") as file:
        return json.load(file)


def reply(call):
    """What the server answers, None where there is no server."""
    answer = call.get("answer")
    if answer is None:
        return None
    parts = []
    for part in answer["parts"]:
        if isinstance(part, str):
            part = part.encode()
        elif isinstance(part, dict):
            part = ABORT if "abort" in part else HANG
        parts.append(part)
    return Reply(parts, status=answer.get("status", 200), headers=answer.get("headers", {}),
                 content_type=answer["content_type"], reason=answer.get("reason"))


def differences(call, sample):
    """What is wrong with a sample, in words; empty where it is right."""
    found = []
    wanted = call["sample"]
    actual = {k: v for k, v in sample.items() if k not in NOT_COMPARED + TIMES}
    for key in sorted(wanted.keys() | actual.keys()):
        is_any = wanted.get(key) == "*" and isinstance(actual.get(key), str)
        if not is_any and actual.get(key) != wanted.get(key):
            found.append(f"{key} is {actual.get(key)!r}, not {wanted.get(key)!r}")
    for key in TIMES:
        limits, value = call["times"].get(key), sample.get(key)
        if (limits is None) != (value is None) or limits and not limits[0] <= value <= limits[1]:
            found.append(f"{key} is {value!r}, not within {limits!r}")
    return found


def echoes(published):
    """Which 12 characters of a prompt or key that a server of the table echoes these bytes repeat, without
    regard to capitals and line feeds."""
    published = published.lower().replace(b"\n", b" ")
    return sorted(run for run in ECHO_RUNS if run in published)


def is_echo(call):
    return call["name"].startswith("an echo") and "names that are none" not in call["name"]


def _echo_runs():
    asked = {call["request"]["messages"][-1]["content"] for call in calls() if is_echo(call)}
    texts = [" ".join(text.lower().split()) for text in asked | {KEY}]
    return {text[at:at + 12].encode() for text in texts for at in range(len(text) - 11)}


KEY = "sk-test-0123456789"
ECHO_RUNS = _echo_runs()


def ring_bytes(bus):
    """What the shared memory of a bus holds, its holes left out: to read one would fill it."""
    found = b""
    for name in os.listdir("/dev/shm"):
        if not name.startswith(bus):
            continue
        with open(os.path.join("/dev/shm", name), "rb", buffering=0) as file:
            at, size = 0, os.fstat(file.fileno()).st_size
            while at < size:
                try:
                    at = os.lseek(file.fileno(), at, os.SEEK_DATA)
                except OSError:
                    break
                end = os.lseek(file.fileno(), at, os.SEEK_HOLE)
                found += os.pread(file.fileno(), end - at, at)
                at = end
    return found


if __name__ == "__main__":
    memory = ring_bytes(sys.argv[1])
    if not memory or echoes(memory):
        sys.exit(f"{len(memory)} bytes of {sys.argv[1]}: {echoes(memory)}")
