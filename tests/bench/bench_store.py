"""What storing costs by io_uring and by plain system calls: lines of JSON, one an operation.

    bench_store.py BUILD

Times are bench_store's; system calls are counted by strace in runs of their own, less those of a run
that does nothing. Sleeping between two looks is not counted.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

FILES = (1, 100, 10000)
COUNT = 200  # of the snapshots and checkpoints in a run
TRACED = 50


def run(build, io, files, operation, count, *prefix):
    folder = tempfile.mkdtemp(prefix="orbus-bench-", dir=".")
    try:
        return subprocess.run(
            [*prefix, os.path.join(build, "tests", "bench_store"), folder, io, str(files),
             operation, str(count)], check=True, capture_output=True, text=True).stdout
    finally:
        shutil.rmtree(folder)


def calls(build, io, files, operation, count):
    with tempfile.NamedTemporaryFile("r", encoding="ascii") as log:
        run(build, io, files, operation, count, "strace", "-f", "-c", "-U", "calls,name", "-o",
            log.name)
        found = re.findall(r"^\s*(\d+)\s+(\w+)$", log.read(), re.M)
    return sum(int(n) for n, name in found if name not in ("clock_nanosleep", "nanosleep", "total"))


def main(build):
    for files in FILES:
        for operation in ("snapshot", "checkpoint", "retention"):
            for io in ("uring", "posix"):
                times = 1 if operation == "retention" else COUNT
                figures = json.loads(run(build, io, files, operation, times))
                traced = files if operation == "retention" else TRACED
                figures["calls"] = (calls(build, io, files, operation, min(times, TRACED))
                                    - calls(build, io, files, "nothing", 1)) / traced
                print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
