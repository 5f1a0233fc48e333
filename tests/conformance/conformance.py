"""The table of calls for tests in Python: what the server answers, and whether a sample is right."""
import json
import os
import sys

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, "..", "support"))
from openrouter import ABORT, HANG, Reply  # noqa: E402

NOT_COMPARED = ("kind", "ts", "bot", "begin_id", "attempt", "tags", "tps", "decode_tps")
TIMES = ("response_ms", "ttft_ms")
UNKNOWN_HOST = f"{'x' * 64}.example"


def calls():
    with open(os.path.join(FOLDER, "calls.json"), encoding="utf-8") as file:
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
                 content_type=answer["content_type"])


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
