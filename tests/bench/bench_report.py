#!/usr/bin/env python3
"""Times orreport over thirty days of hourly files, of eight models and six bots.

  bench_report.py BUILD_FOLDER [ROUNDS]     such as build/release

The files are those of make_history: 720 hours, some 600 requests each, 40 MB. Prints the fastest and
the median of the rounds, from start to exit.
"""
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

END = 1795651200  # 2026-11-26 00:00 UTC: 30 whole days
SPAN = ["--from", "2026-10-27", "--to", "2026-11-25", "--utc"]
MODES = [("trend by the day", []), ("trend by the hour", ["--per", "hour"]),
         ("--by model", ["--by", "model"]), ("--format html", ["--format", "html"]),
         ("--json", ["--json"])]


def timed(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def main():
    build, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 21
    with tempfile.TemporaryDirectory(prefix="orbus-bench-") as folder:
        subprocess.run([os.path.join(build, "tests/make_history"), "--end", str(END), folder],
                       check=True)
        names = os.listdir(folder)
        size = sum(os.path.getsize(os.path.join(folder, n)) for n in names if n.startswith("hourly"))
        print(f"{sum(n.startswith('hourly') for n in names)} hourly files, {size / 1e6:.0f} MB, "
              f"{os.cpu_count()} cores")
        for name, options in MODES:
            command = [os.path.join(build, "tools/orreport"), "--data-dir", folder, *SPAN, *options]
            times = [timed(command) for _ in range(rounds)]
            print(f"  {name:18} fastest {min(w for w, _ in times) * 1e3:4.0f} ms, "
                  f"median {statistics.median(w for w, _ in times) * 1e3:4.0f} ms, "
                  f"CPU {statistics.median(c for _, c in times) * 1e3:4.0f} ms")


if __name__ == "__main__":
    main()
