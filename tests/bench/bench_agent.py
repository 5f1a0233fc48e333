"""What the agent and the tools cost, as real processes beside real load: lines of JSON, one a figure.

    bench_agent.py BUILD [SECTION...]       all sections where none is named

BUILD is a folder of cmake's. Each section has a bus and a data folder of its own. Sections that need rights which
this user lacks are left out, and named.
"""
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else ""
BOTS_OF_THE_GOAL = ("64", "16")  # models, bots


def program(name):
    for folder in ("agent", "tools", "tests"):
        path = os.path.join(BUILD, folder, name)
        if os.access(path, os.X_OK):
            return path
    raise SystemExit(f"bench_agent: {name} is not built in {BUILD}")


def say(what, **figures):
    print(json.dumps({"what": what, **figures}), flush=True)


def run(*command, **how):
    return subprocess.run(command, check=True, capture_output=True, text=True, **how).stdout


def cpu_seconds(pid):
    """Of a process with all its threads, by the clock that the kernel keeps for it."""
    return time.clock_gettime(~pid << 3 | 2)


def status_of(pid, key):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(rf"^{key}:\s+(\d+)", file.read(), re.M).group(1))


def switches(pid):
    """Times that its threads went to sleep; io_uring's workers, which are the kernel's, not counted."""
    count = 0
    for task in glob.glob(f"/proc/{pid}/task/*/status"):
        with contextlib.suppress(FileNotFoundError), open(task, encoding="ascii") as file:
            status = file.read()
        if not status.startswith("Name:\tiou-"):
            count += int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", status, re.M).group(1))
    return count


class Bus:
    """A bus with an agent, removed at the end."""

    def __init__(self, *options, data=None):
        self.name = f"orbus-bench-{os.getpid()}-{time.monotonic_ns() % 10**9}"
        self.folder = tempfile.mkdtemp(prefix="orbus-bench-")
        self.data = data or os.path.join(self.folder, "data")
        self.log = open(os.path.join(self.folder, "log"), "w+", encoding="utf-8")
        self.agent = subprocess.Popen(
            [program("oragent"), "--bus", self.name, "--data-dir", self.data, *options],
            stderr=self.log)
        self.wait(lambda: self.is_serving(), "the agent")

    def is_serving(self):
        with open(self.log.name, encoding="utf-8") as log:
            return "serving bus" in log.read()

    def wait(self, condition, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise SystemExit(f"bench_agent: waited {seconds} s in vain for {what}")
            time.sleep(0.01)

    def load(self, producers, rate, seconds, *models_and_bots):
        return json.loads(run(program("bench_load"), self.name, str(producers), str(rate),
                              str(seconds), *models_and_bots))

    def counted(self):
        """What the agent has counted and lost since it started."""
        d = json.loads(run(program("orstat"), "--bus", self.name, "--window", "start", "--json"))
        return d["requests"]["total"], d["lost_samples"]

    def wait_counted(self, published):
        self.wait(lambda: sum(self.counted()) >= published, f"{published} samples")
        return self.counted()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.agent.send_signal(signal.SIGCONT)
        self.agent.terminate()
        self.agent.wait()
        self.log.close()
        for path in glob.glob(f"/dev/shm/{self.name}*"):
            os.unlink(path)
        shutil.rmtree(self.folder, ignore_errors=True)


def capacity():
    """The ring is filled while the agent is stopped: what does it cost to catch up?"""
    producers, each, rounds = 4, 131072, 5
    found = []
    with Bus("--slots", str(each), "--lanes", "8") as bus:
        total = 0
        for _ in range(rounds):
            bus.agent.send_signal(signal.SIGSTOP)
            bus.load(producers, 0, each, *BOTS_OF_THE_GOAL)
            total += producers * each
            before, started = cpu_seconds(bus.agent.pid), time.monotonic()
            bus.agent.send_signal(signal.SIGCONT)
            bus.wait_counted(total)
            found.append((cpu_seconds(bus.agent.pid) - before, time.monotonic() - started))
        lost = bus.counted()[1]
    cpu = sorted(c for c, _ in found)[rounds // 2]
    if lost:
        raise SystemExit(f"bench_agent: {lost} samples were lost where nothing should be")
    say("capacity", per_core_second=producers * each / cpu, ns=1e9 * cpu / (producers * each))


def flood():
    """Four producers at 500,000 a second each: how long a lane takes them without loss?"""
    for slots in (4096, 16384, 65536, 262144):
        for seconds in (10, 60):
            with Bus("--slots", str(slots), "--lanes", "16") as bus:
                published = bus.load(4, 500000, seconds)["published"]
                counted, lost = bus.wait_counted(published)
                share = cpu_seconds(bus.agent.pid) / seconds
            say("flood", slots=slots, seconds=seconds, per_second=published / seconds, lost=lost,
                unaccounted=published - counted - lost, cpu=share)
            if lost:
                break
        else:
            return


def quiet():
    """At a hundred samples a second, and at none."""
    seconds = 20
    with Bus() as bus:
        bus.load(1, 100, 2)
        before, started = cpu_seconds(bus.agent.pid), time.monotonic()
        bus.load(1, 100, seconds)
        say("quiet", cpu=(cpu_seconds(bus.agent.pid) - before) / (time.monotonic() - started))
        time.sleep(15)  # the longer it is quiet, the less often it looks
        before, slept, started = cpu_seconds(bus.agent.pid), switches(bus.agent.pid), time.monotonic()
        time.sleep(60)
        took = time.monotonic() - started
        say("idle", wakeups_per_second=(switches(bus.agent.pid) - slept) / took,
            cpu=(cpu_seconds(bus.agent.pid) - before) / took)


def memory():
    """After ten seconds, and with every part of the rolling windows in use, as after an hour."""
    with Bus() as bus:
        published = bus.load(16, 1000, 10, *BOTS_OF_THE_GOAL)["published"]
        for past in (0, 3600):
            if past:
                published += bus.load(16, 1000, 30, *BOTS_OF_THE_GOAL, str(past))["published"]
            bus.wait_counted(published)
            time.sleep(6)
            pid = bus.agent.pid
            say("memory", past=past, own_kib=status_of(pid, "RssAnon") + status_of(pid, "RssFile"),
                ring_kib=status_of(pid, "RssShmem"))


def longest_turn(log):
    """Between two waits of the agent's thread, in milliseconds, by strace's -ttt -T."""
    longest, woken = 0, None
    with open(log, encoding="ascii", errors="replace") as file:
        for line in file:
            # One that io_uring's completions interrupted goes on as restart_syscall.
            wait = re.match(r"(\d+\.\d+) (?:futex\(.*FUTEX_WAIT|restart_syscall\().*<(\d+\.\d+)>$",
                            line)
            if not wait:
                continue
            at, took = (float(x) for x in wait.groups())
            if woken is not None:
                longest = max(longest, at - woken)
            woken = at + took
    return 1000 * longest


@contextlib.contextmanager
def a_disk(folder):
    """A disk of 64 MiB that can be told to hang, mounted at `folder`. None: not allowed here."""
    image, path = os.path.join(folder, "image"), os.path.join(folder, "disk")
    os.mkdir(path)
    with open(image, "wb") as file:
        file.truncate(64 << 20)
    try:
        run("mkfs.ext4", "-q", image)
        run("mount", "-o", "loop", image, path)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        print(f"bench_agent: no disk that hangs: {error}", file=sys.stderr)
        yield None
        return
    try:
        yield path
    finally:
        subprocess.run(["fsfreeze", "-u", path], check=False, capture_output=True)
        # What the agent had queued may hold it for some milliseconds more.
        run("umount", "-l", path)


def hang():
    """The disk hangs for a second, five times, under 2,000 samples a second of 64 models, 16 bots."""
    with tempfile.TemporaryDirectory() as folder, a_disk(folder) as disk:
        if not disk:
            return
        for io in ("uring", "posix"):
            data = os.path.join(disk, io)
            with Bus("--checkpoint-every", "1s", "--io", io, data=data) as bus:
                load = subprocess.Popen(
                    [program("bench_load"), bus.name, "2", "1000", "16", *BOTS_OF_THE_GOAL],
                    stdout=subprocess.DEVNULL)
                time.sleep(3)
                log = os.path.join(folder, "strace")
                tracer = subprocess.Popen(
                    ["strace", "-qq", "-ttt", "-T", "-e", "trace=futex,restart_syscall", "-o", log,
                     "-p", str(bus.agent.pid)])
                for _ in range(5):
                    time.sleep(1)
                    run("fsfreeze", "-f", disk)
                    time.sleep(1)
                    run("fsfreeze", "-u", disk)
                tracer.terminate()
                tracer.wait()
                load.wait()
                lost = bus.counted()[1]
            say("hang", io=io, longest_ms=longest_turn(log), lost=lost)


def orstat():
    with Bus() as bus:
        bus.wait_counted(bus.load(4, 1000, 3, *BOTS_OF_THE_GOAL)["published"])
        # The last two are what any program costs here.
        for line in run(program("bench_exec"), "300", program("orstat"), "--bus", bus.name, "--",
                        program("orstat"), "--version", "--", "/bin/true").splitlines():
            say("exec", **json.loads(line))


def follow(bus, *options):
    return subprocess.Popen([program("ortail"), "--bus", bus.name, *options],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def nanoseconds(stamp):
    """Of an RFC 3339 time within the hour, which is enough to tell a delay."""
    minutes, seconds, fraction = re.search(rb":(\d\d):(\d\d)\.(\d{9})Z", stamp).groups()
    return (int(minutes) * 60 + int(seconds)) * 10**9 + int(fraction)


def delays(out):
    """Between each sample's time and that of its line, in milliseconds."""
    found = []
    while True:
        lines = os.read(out.fileno(), 1 << 20)
        now = time.time_ns() % (3600 * 10**9)
        if not lines:
            return sorted(found)
        for line in lines.splitlines():
            stamp = re.search(rb'"ts":"([^"]+)"', line)
            if stamp:
                found.append((now - nanoseconds(stamp.group(1))) % (3600 * 10**9) / 1e6)


def ortail():
    with Bus() as bus:
        tail = follow(bus)
        cat = subprocess.Popen(["cat"], stdin=tail.stdout, stdout=subprocess.DEVNULL)
        before = cpu_seconds(tail.pid)
        published = bus.load(1, 200000, 10)["published"]
        time.sleep(1)
        share = (cpu_seconds(tail.pid) - before) / 10
        tail.terminate()
        lost = sum(int(n) for n in re.findall(rb"lost (\d+) samples", tail.communicate()[1]))
        cat.wait()
        say("ortail_flood", per_second=published / 10, lost=lost, cpu=share)
    with Bus() as bus:
        alone = bus.load(1, 1000, 10)
        tail = follow(bus)
        cat = subprocess.Popen(["cat"], stdin=tail.stdout, stdout=subprocess.DEVNULL)
        before = cpu_seconds(tail.pid)
        followed = bus.load(1, 1000, 10)
        share = (cpu_seconds(tail.pid) - before) / 10
        tail.terminate()
        cat.wait()
        tail = follow(bus, "--format", "json")
        with subprocess.Popen([program("bench_load"), bus.name, "1", "1000", "10"],
                              stdout=subprocess.DEVNULL) as load:
            killer = subprocess.Popen(["sh", "-c", f"sleep 12; kill {tail.pid}"])
            found = delays(tail.stdout)
            load.wait()
            killer.wait()
        say("ortail", cpu=share, p50_ms=found[len(found) // 2], p99_ms=found[len(found) * 99 // 100],
            publish_alone_ns=alone["p50_ns"], publish_followed_ns=followed["p50_ns"])


def churn():
    """Producers come and go: what stays?"""
    with Bus("--checkpoint-every", "1s") as bus:
        run(program("churn"), bus.name, "100", "4")
        gone = 100
        for bots in (100, 1000, 3000, 10000):
            if bots > gone:
                run(program("churn"), bus.name, str(bots - gone), "4")
                gone = bots
            time.sleep(2)
            line = json.loads(run(program("bench_exec"), "100", program("orstat"), "--bus",
                                  bus.name))
            say("curve", curve="orstat_ms", x=gone, y=line["p50_ms"])
            say("curve", curve="agent_mib", x=gone,
                y=(status_of(bus.agent.pid, "RssAnon") + status_of(bus.agent.pid, "RssFile")) / 1024)
            ring = os.stat(f"/dev/shm/{bus.name}")
            say("curve", curve="ring_mib", x=gone, y=ring.st_blocks * 512 / 2**20)


SECTIONS = {f.__name__: f for f in (capacity, flood, quiet, memory, hang, orstat, ortail, churn)}


def main():
    wanted = sys.argv[2:] or list(SECTIONS)
    if not BUILD or not set(wanted) <= set(SECTIONS):
        raise SystemExit(f"usage: bench_agent.py BUILD [{'|'.join(SECTIONS)}]...")
    for name in wanted:
        SECTIONS[name]()


if __name__ == "__main__":
    main()
