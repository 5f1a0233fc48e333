"""How long the agent leaves the ring alone, and what late samples cost it, as lines of JSON.

    bench_pauses.py BUILD_DIR

    names      256 models, bots and providers now
    late       720 ended hours, 8 models
    both       256 models, bots and providers over 720 ended hours, and now
    trickle    100 samples a second over 24 ended hours, 8 models: CPU and what is written
    start      the first checkpoint, with what `both` has left behind

pause_ms is what the board says (longest_pause_ms), the longest time between two drains in which the
agent did something else: on a machine that is busy, the scheduler's time too.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BUILD = sys.argv[1]
TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


class Run:
    """An agent on a bus of its own."""

    def __init__(self):
        self.bus = f"orbus-bench-pauses-{os.getpid()}"
        self.folder = tempfile.mkdtemp(prefix="orbus-bench-")
        self.agent = None

    def start(self):
        self.agent = subprocess.Popen(
            [f"{BUILD}/agent/oragent", "--bus", self.bus, "--data-dir", self.folder, "--slots",
             "65536", "--retention-days", "0", "--io", "posix", "--log-level", "error"])
        while not os.path.exists(f"/dev/shm/{self.bus}.board"):
            time.sleep(0.01)

    def publish(self, samples, rate, hours, models, others):
        return subprocess.Popen([f"{BUILD}/tests/publish_late", self.bus, *map(
            str, (samples, rate, hours, models, others))])

    def pause_ms(self):
        done = subprocess.run([f"{BUILD}/tools/orstat", "--bus", self.bus, "--json"],
                              capture_output=True, check=True)
        return json.loads(done.stdout)["agent"]["longest_pause_ms"]

    def memory_kib(self):
        with open(f"/proc/{self.agent.pid}/status", encoding="ascii") as file:
            return int(next(line.split()[1] for line in file if line.startswith("VmHWM")))

    def cpu_ms(self):
        with open(f"/proc/{self.agent.pid}/stat", encoding="ascii") as file:
            return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13])) * TICK_MS

    def written(self):
        with open(f"/proc/{self.agent.pid}/io", encoding="ascii") as file:
            return int(next(line.split()[1] for line in file if line.startswith("write_bytes")))

    def stop(self, how=signal.SIGTERM):
        started = time.monotonic()
        self.agent.send_signal(how)
        self.agent.wait()
        return (time.monotonic() - started) * 1000

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        for end in ("", ".board", ".lanes"):
            if os.path.exists(f"/dev/shm/{self.bus}{end}"):
                os.unlink(f"/dev/shm/{self.bus}{end}")


def pauses(name, *publishers, after=None):
    run = Run()
    run.start()
    for bot in [run.publish(*p) for p in publishers]:
        bot.wait()
    time.sleep(6)
    figures = {"bench": name, "pause_ms": round(run.pause_ms(), 1), "memory_kib": run.memory_kib(),
               "checkpoint_bytes": os.stat(f"{run.folder}/state").st_size}
    if after:
        run.stop(signal.SIGKILL)
        after(run)
    figures["stop_ms"] = round(run.stop())
    print(json.dumps(figures), flush=True)
    run.remove()


def restart(run):
    before, started = os.stat(f"{run.folder}/state").st_ino, time.monotonic()
    run.start()
    while True:
        try:
            if os.stat(f"{run.folder}/state").st_ino != before:
                break
        except FileNotFoundError:
            pass
        time.sleep(0.005)
    print(json.dumps({"bench": "start", "first_checkpoint_ms":
                      round((time.monotonic() - started) * 1000)}), flush=True)


def trickle():
    run = Run()
    run.start()
    bot = run.publish(9000, 100, 24, 8, 1)
    time.sleep(10)
    cpu, written, started = run.cpu_ms(), run.written(), time.monotonic()
    bot.wait()
    seconds = time.monotonic() - started
    print(json.dumps({"bench": "trickle", "cpu_ms_per_s": round((run.cpu_ms() - cpu) / seconds, 2),
                      "written_kb_per_s": round((run.written() - written) / seconds / 1000, 1),
                      "pause_ms": round(run.pause_ms(), 1)}), flush=True)
    run.stop()
    run.remove()


pauses("names", (300000, 30000, 0, 256, 256))
pauses("late", (100000, 10000, 720, 8, 1))
pauses("both", (200000, 20000, 720, 256, 256), (30000, 3000, 0, 256, 256), after=restart)
trickle()
