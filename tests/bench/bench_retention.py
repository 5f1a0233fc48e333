"""How long removing expired files holds up checkpoints and SIGTERM: lines of JSON, one for each number of expired
files.

    bench_retention.py BUILD [FILES...]

`checkpoint_s` is from the start of the agent to the first checkpoint on the disk, `sigterm_s` from SIGTERM,
a moment after the removals have begun, to the end of the process; `removed_s` is how long an undisturbed agent
takes to remove all.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

FILES = (0, 3000, 10000, 100000)


def fill(folder, files):
    for n in range(files):
        day = time.strftime("%Y%m%d", time.gmtime(86400 * (12000 + n // 24)))
        with open(os.path.join(folder, f"hourly_{day}_{n % 24:02}.json"), "w", encoding="ascii"):
            pass
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        boot = file.read().strip()
    now = time.time_ns()
    with open(os.path.join(folder, ".clock"), "w", encoding="ascii") as file:
        file.write(f"orbus clock 1\nwall {now}\nboot {time.clock_gettime_ns(time.CLOCK_BOOTTIME)}\n"
                   f"confirmed 1 {now}\ndoubted 0 0 0\nid {boot}\n")


def wait(condition):
    while not condition():
        time.sleep(0.002)


def measure(build, io, files):
    folder = tempfile.mkdtemp(prefix="orbus-bench-", dir=".")
    bus = f"orbus-bench-{os.getpid()}"
    command = [os.path.join(build, "agent", "oragent"), "--bus", bus, "--data-dir", folder, "--io", io,
               "--log-level", "error"]
    expired = os.path.join(folder, "hourly_20021109_00.json")
    left = lambda: sum(name.startswith("hourly_20") and name < "hourly_2020"  # noqa: E731
                       for name in os.listdir(folder))
    try:
        fill(folder, files)
        begun = time.monotonic()
        agent = subprocess.Popen(command)
        wait(lambda: os.path.exists(os.path.join(folder, "state")))
        checkpoint = time.monotonic() - begun
        if files:
            wait(lambda: not os.path.exists(expired) or left() < files)
        begun = time.monotonic()
        agent.send_signal(signal.SIGTERM)
        status = agent.wait()
        sigterm = time.monotonic() - begun
        begun = time.monotonic()
        agent = subprocess.Popen(command)
        wait(lambda: left() == 0)
        removed = time.monotonic() - begun
        agent.terminate()
        agent.wait()
        return {"io": io, "files": files, "checkpoint_s": round(checkpoint, 3),
                "sigterm_s": round(sigterm, 3), "status": status, "removed_s": round(removed, 2)}
    finally:
        shutil.rmtree(folder)
        for name in os.listdir("/dev/shm"):
            if name.startswith(bus):
                os.unlink(os.path.join("/dev/shm", name))


def main(build, counts):
    for files in counts or FILES:
        for io in "uring", "posix":
            print(json.dumps(measure(build, io, files)), flush=True)


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]), [int(n) for n in sys.argv[2:]])
