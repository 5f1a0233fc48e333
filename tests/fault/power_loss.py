"""Power is cut at every moment of an agent's work: no checkpoint that was acknowledged may be lost.

    power_loss.py [--io uring|posix] [--lives N] [--states N] [--again N] [--seed N] [--keep FOLDER]

A real agent works on a disk that is recorded (record_disk.c): samples of now and of ended hours, hours
and a midnight that end, a journal that is compressed, snapshots, an expired file, and agents that are
killed after their n-th change to the disk, for each n, and followed by others that find the page cache
as it was. disk_model.py then builds the states that the
disk may be in after each single change, and a fresh agent is started on each state (or on as many as
--states says, drawn so that every kind of change has its share), after a reboot: its ring is empty. From
some of them it recovers on a recorded disk, and the power is cut again.

Of what it makes of a state must be true:
  - it starts, exits with 0, and finds nothing damaged, missing or to be quarantined;
  - every request that was in a checkpoint whose storing had ended is counted, none twice, and none that
    was not published;
  - hours and days hold the same; the journal holds for every hour what the hour's file counts;
  - hours that are over are complete, compressed journals can be read, no temporary file is left.
"In a checkpoint" is not asked of the checkpoint: it is what the journal held on the disk when the
folder was fsynced after the renaming to "state".

A state that fails is kept with --keep, as a folder that an agent can be started on.
"""
import argparse
import collections
import concurrent.futures
import glob
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
sys.path.insert(0, HERE)
from disk_model import TEMPORARY, Disk, line_of, read_record  # noqa: E402
from harness import FAKETIME, BusTest, Clock, program, wait_for  # noqa: E402

START = 1795562700  # 2026-11-24 at 23:25:00 UTC: an hour and a day end soon
HOUR = 3600
WORKERS = max(2, os.cpu_count() or 2)
OPTIONS = ["--utc", "--journal", "--retention-days", "30"]
EXPIRED = "hourly_20260901_05.json"
RULES = "requests 1h > 4\ncost today > 5 USD\n"  # whose state is a file of its own
# The ring is lost with the power: samples after the last checkpoint are gone with it, and their lines in the
# journal are kept apart.
NOT_COUNTED = "of requests that no checkpoint counts"


def shim():
    """The recording library, which CMake builds as a module."""
    for folder in os.environ["ORBUS_BIN_DIR"].split(os.pathsep):
        for path in glob.glob(os.path.join(folder, "*record_disk.so")):
            return path
    raise FileNotFoundError("librecord_disk.so")


class Recorder(BusTest):
    """Lets agents work on a recorded disk."""

    def begin(self, io, at=START):
        self.io = io
        self.clock = Clock(self.folder, at)
        self.root = os.path.join(self.folder, "disk")
        os.mkdir(self.root)
        # Of its own making: two folders that are not there yet.
        self.data = os.path.join(self.root, "var", "metrics")
        self.record = os.path.join(self.folder, "record")
        self.published = 0
        self.rules = os.path.join(self.folder, "alerts.conf")
        with open(self.rules, "w", encoding="ascii") as file:
            file.write(RULES)
        self.note("clock", int(at))

    def note(self, *words, data=b""):
        with open(self.record, "ab", buffering=0) as file:
            file.write(line_of(*words, data=data))

    def move(self, seconds):
        at = self.clock.now() + seconds
        self.note("clock", int(at))
        self.clock.set(at)

    def recorded(self, **more):
        environment = self.environment()
        environment["LD_PRELOAD"] = f"{shim()} {environment['LD_PRELOAD']}"
        # A period leaves the checkpoint when it has been quiet for a while, by any clock.
        environment["FAKETIME_DONT_FAKE_MONOTONIC"] = "0"
        environment.update(ORBUS_RECORD_ROOT=self.root, ORBUS_RECORD_LOG=self.record, **more)
        return environment

    def requests(self, count, *late_hours):
        """Publishes so many requests of now and one of each of these ended hours."""
        now = self.clock.now()
        samples = []
        for late in [None] * count + list(late_hours):
            sample = {"request_id": f"r{self.published + len(samples)}", "response_ms": 5,
                      "model": f"m{len(samples) % 2}", "prompt_tokens": 2, "completion_tokens": 1}
            if late:
                sample["ts"] = now - late * HOUR
            samples.append(sample)
        self.published += len(samples)
        self.note("published", self.published)
        self.publish(*samples)

    def life(self, kill_at=None, kill_on="*"):
        """An agent that stores what there is, or is killed after so many changes. True: it ended."""
        more = {"ORBUS_RECORD_KILL_AT": str(kill_at), "ORBUS_RECORD_KILL_ON": kill_on} if kill_at \
            else {}
        done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once",
                             "--io", self.io, *OPTIONS, env=self.recorded(**more), timeout=120)
        if not kill_at or done.returncode != -signal.SIGKILL:
            self.assertEqual(done.returncode, 0, done.stderr)
        return done.returncode == 0

    def put_expired(self):
        """A file of ours whose time has come; it was there before all else."""
        content = b"{}\n"
        with open(self.path(EXPIRED), "wb") as file:
            file.write(content)
        self.note("put", self.path(EXPIRED), data=content)

    def long_life(self):
        """Checkpoints every second, a snapshot, an hour that ends, its journal compressed."""
        agent = self.start_agent("--io", self.io, "--checkpoint-every", "1s", "--alert",
                                 self.rules, *OPTIONS, env=self.recorded())
        for _ in range(3):
            self.requests(3)
            self.wait_counted()
        before = len(self.files("metrics_*.json"))
        agent.send_signal(signal.SIGUSR1)
        wait_for(lambda: len(self.files("metrics_*.json")) > before, "a snapshot")
        packed = len(self.files("requests_*.zst"))
        self.move(HOUR)
        self.requests(2, 1)
        self.wait_counted()
        self.move(120)
        wait_for(lambda: len(self.files("requests_*.zst")) > packed, "a compressed journal")
        for _ in range(2):  # the first lets ended hours leave, the second is without them
            self.requests(1)
            self.wait_counted()
        self.stop_agent(agent)

    def wait_counted(self):
        wait_for(lambda: sum(self.load(name)["requests"]["total"] for name in
                             self.files("hourly_*.json") if name != EXPIRED) == self.published,
                 f"{self.published} counted", 30)

    def damage(self, name="state"):
        """While no agent is there; the checkpoint before must do, with the ring."""
        with open(self.path(name), "r+b") as file:
            file.seek(os.path.getsize(self.path(name)) // 2)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 0xff]))
            file.seek(0)
            self.note("damage", self.path(name), data=file.read())

    def all_work(self, kills, chance=None):
        """Everything; an agent is killed after each number of changes in `kills`. With `chance` no two
        runs are alike."""
        self.requests(3)
        self.life()
        self.put_expired()
        for n, kill_at in enumerate(kills):
            late = [1, 2] if n % 3 == 2 else []
            step = 27 * 60
            if chance:
                late = chance.sample(range(1, 30), chance.choice([0, 0, 1, 3]))
                step = chance.choice([10, 15 * 60, 27 * 60, HOUR, 5 * HOUR])
            self.requests(2, *late)
            self.life(kill_at)
            self.move(step)
            if kill_at % 2:
                self.requests(1)
                self.life()
        self.long_life()
        for _ in range(2):
            self.requests(2)
            self.life()
        self.requests(1)
        self.damage()
        self.life()
        self.requests(2)
        self.life()

    def recovery(self, state):
        """After a power cut an agent makes a state good, and the power may be cut again."""
        for path, content in state.files.items():
            path = self.root + path[len(state.root):]
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content)
            self.note("put", path, data=content)
        self.published = state.published
        self.note("published", self.published)
        self.note("acknowledged", data=json.dumps(sorted(state.acknowledged)).encode())
        self.requests(1)
        self.life()

    def result(self):
        return Record(self.root, self.data, read_record(self.record), self.files_now())

    def files_now(self):
        found = {}
        for folder, _, names in os.walk(self.root):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    found[os.path.join(folder, name)] = file.read()
        return found

    def runTest(self):
        """Only by record()."""


class State:
    """One state of the disk, and what is known of the moments that it may be of."""

    def __init__(self, root, files, moment):
        self.root, self.files = root, files
        self.merge(moment)

    def merge(self, moment):
        """The same state may be of several moments: the strictest of each bound holds."""
        if not hasattr(self, "clock"):
            self.clock, self.published = moment.clock, moment.published
            self.acknowledged, self.damaged = moment.acknowledged, moment.damaged
            self.cause, self.after, self.index = moment.cause, moment.after, moment.index
        self.clock = max(self.clock, moment.clock)
        self.published = min(self.published, moment.published)
        self.acknowledged = self.acknowledged | moment.acknowledged
        self.damaged &= moment.damaged

    @property
    def restart(self):
        """When there is power again: after all that was done, and not just before an hour ends."""
        at = self.clock + 600
        return at if at % HOUR < HOUR - 180 else at + 300


def unpacked(content, cache={}):
    """The text of a compressed file; None where it cannot be read."""
    key = hashlib.sha256(content).digest()
    if key not in cache:
        done = subprocess.run(["zstd", "-dcq"], input=content, capture_output=True, check=False)
        cache[key] = done.stdout if done.returncode == 0 else None
    return cache[key]


def journal_of(files, folder):
    """hour -> request_ids, as readers of the journal see it: where both are there the compressed file
    counts. ValueError where one cannot be read."""
    hours = collections.defaultdict(list)
    for path, content in files.items():
        name = path[len(folder) + 1:]
        found = re.fullmatch(r"requests_(\d{8}_\d\d)(?:\.\d+)?\.ndjson(\.zst)?", name)
        if not found or (not found.group(2) and path + ".zst" in files):
            continue
        if found.group(2):
            content = unpacked(content)
            if content is None:
                raise ValueError(f"{name} cannot be uncompressed")
        if content and content[-1:] != b"\n":
            raise ValueError(f"{name} ends within a line")
        hours[found.group(1)] += [json.loads(line)["request_id"] for line in content.splitlines()]
    return hours


class Record:
    """The operations of one recording, and the states that follow from them."""

    def __init__(self, root, data, operations, files):
        self.root, self.data = root, data
        self.operations = operations
        self.files = files  # what was really there at the end

    def mutant(self, change):
        """The record of an agent with a fault: `change` gets a copy of the operations."""
        return Record(self.root, self.data, change([o.copy() for o in self.operations]), None)

    def moments(self, seed=1):
        """The disk after each operation. `acknowledged` are the requests of the last checkpoint whose
        storing had ended."""
        disk = Disk(self.root, seed)
        moment = argparse.Namespace(disk=disk, clock=0, published=0, acknowledged=frozenset(),
                                    damaged=False, after=None, cause="", index=0)
        stored, folders = None, {}
        for moment.index, operation in enumerate(self.operations):
            moment.after, words = operation, operation.words
            if operation.kind == "clock":
                moment.clock = int(words[0])
            elif operation.kind == "published":
                moment.published = int(words[0])
            elif operation.kind == "acknowledged":
                moment.acknowledged = frozenset(json.loads(operation.data))
            elif operation.kind == "put":
                disk.put(words[0], operation.data)
            elif operation.kind == "damage":
                disk.put(words[0], operation.data)
                moment.acknowledged, moment.damaged = frozenset(), True
            else:
                disk.apply(operation)
                if operation.kind == "open":
                    folders[words[0]] = words[1]
                elif operation.kind == "rename" and words[1] == self.data + "/state":
                    stored = frozenset(i for ids in journal_of(disk.now(), self.data).values()
                                       for i in ids)
                elif operation.kind == "sync" and stored is not None and \
                        folders.get(words[0]) == self.data:
                    moment.acknowledged, stored, moment.damaged = stored, None, False
                yield moment

    def states(self, seed=1):
        """Every state, once. Temporary files do not make a difference but for being there."""
        found = {}
        built = 0
        for moment in self.moments(seed):
            for files in moment.disk.states():
                built += 1
                key = self.key(files)
                if key in found:
                    found[key].merge(moment)
                else:
                    found[key] = State(self.root, files, moment)
        self.built = built
        return list(found.values())

    def key(self, files):
        parts = []
        for path, content in sorted(files.items()):
            name = os.path.basename(path)
            if TEMPORARY.match(name):
                parts.append(b"temporary")
            elif name != ".lock":
                parts.append(path.encode() + hashlib.sha256(content).digest())
        return hashlib.sha256(b"\0".join(dict.fromkeys(parts))).digest()

    def kind_of(self, state):
        """States are drawn by the change that they follow, and the kind of the changed file."""
        name = os.path.basename(state.after.words[-1 if state.after.kind != "open" else 1])
        return state.after.kind, re.sub(r"[0-9a-f]{16}|\d+", "", name)


def sample(record, states, count, seed):
    """So many of the states; every kind of change has its share."""
    chance = random.Random(seed)
    kinds = collections.defaultdict(list)
    for state in states:
        kinds[record.kind_of(state)].append(state)
    for one in kinds.values():
        chance.shuffle(one)
    drawn = []
    while len(drawn) < min(count, len(states)):
        for one in kinds.values():
            if one and len(drawn) < count:
                drawn.append(one.pop())
    return drawn


class Checker:
    """Starts an agent on states, and judges what it makes of them."""

    def __init__(self, record, keep=None):
        self.record = record
        self.keep = keep
        self.checked = 0
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("ORBUS")}
        self.environment.update(
            TZ="UTC", LD_PRELOAD=FAKETIME, FAKETIME_DONT_FAKE_MONOTONIC="1",
            ASAN_OPTIONS="verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", ""))
        self.memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

    def check(self, state):
        """What is wrong with a state; None: nothing."""
        folder = tempfile.mkdtemp(prefix="orbus-power-", dir=self.memory)
        bus = os.path.basename(folder) + "-bus"
        try:
            data = self.write(state, folder)
            fault = self.run(state, data, bus)
            if fault and self.keep:
                self.write(state, os.path.join(self.keep, f"state-{state.index}"))
            return fault
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            for path in glob.glob(f"/dev/shm/{bus}*"):
                os.unlink(path)

    def write(self, state, folder):
        root = self.record.root
        for path, content in state.files.items():
            place = folder + path[len(root):]
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "wb") as file:
                file.write(content)
        return folder + self.record.data[len(root):]

    def start(self, state, data, bus):
        """Runs an agent on a state: how it ended, and the files that it left."""
        environment = dict(self.environment, FAKETIME=f"{state.restart - time.time():+.0f}s")
        done = subprocess.run(
            [program("oragent"), "--bus", bus, "--data-dir", data, "--once", "--io", "posix",
             *OPTIONS], env=environment, capture_output=True, text=True, timeout=120, check=False)
        self.checked += 1
        files = {}
        for name in os.listdir(data) if os.path.isdir(data) else []:
            with open(os.path.join(data, name), "rb") as file:
                files[f"{data}/{name}"] = file.read()
        return done, files

    def run(self, state, data, bus):
        done, files = self.start(state, data, bus)
        if done.returncode != 0:
            return f"exit status {done.returncode}: {done.stderr}"
        try:
            return self.judge(state, files, data, done.stderr)
        except (ValueError, KeyError) as error:
            return f"{error!r}: {done.stderr}"

    def judge(self, state, files, data, log):
        documents = {path[len(data) + 1:]: json.loads(content) for path, content in files.items()
                     if path.endswith((".json", "/alerts")) and not path.endswith(EXPIRED)}
        hours, days = [{n: d for n, d in documents.items() if n.startswith(kind)}
                       for kind in ("hourly_", "daily_")]
        left = [path for path in files if TEMPORARY.match(os.path.basename(path))]
        if left:
            return f"temporary files are left: {left}"
        # A checkpoint that was damaged, and then the power cut: what came in between may be gone.
        if state.damaged:
            return None
        for line in log.splitlines():
            if re.search(r"\bERROR\b|quarantined|damaged|missing", line) and NOT_COUNTED not in line:
                return f"it says: {line}"
        return self.balance(state, files, data, hours, days)

    def balance(self, state, files, data, hours, days):
        totals = [sum(d["requests"]["total"] for d in some.values()) for some in (hours, days)]
        journal = journal_of(files, data)
        every = [i for ids in journal.values() for i in ids]
        if len(every) != len(set(every)):
            return "twice in the journal"
        if not state.acknowledged <= set(every):
            return f"acknowledged and gone: {sorted(state.acknowledged - set(every))}"
        if not set(every) <= {f"r{n}" for n in range(state.published)}:
            return "in the journal, and never published"
        if totals[0] != totals[1] or totals[0] != len(every):
            return f"{totals[0]} in hours, {totals[1]} in days, {len(every)} in the journal"
        for name, document in hours.items():
            hour = name[len("hourly_"):][:11]
            if document["requests"]["total"] != len(journal.get(hour, [])):
                return f"{name} counts {document['requests']['total']}, the journal has " \
                    f"{len(journal.get(hour, []))}"
            over = hour < time.strftime("%Y%m%d_%H", time.gmtime(state.restart))
            if document["period"]["complete"] != over:
                return f"{name} is {'not ' if over else ''}complete"
        both = [path for path in files if path + ".zst" in files]
        return f"not removed after it was compressed: {both}" if both else None

    def faults(self, states, stop_at=None):
        """(state, fault) of every state that fails; no more than `stop_at` are looked for."""
        found = []
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for begin in range(0, len(states), 4 * WORKERS):
                some = states[begin:begin + 4 * WORKERS]
                found += [(state, fault) for state, fault in zip(some, pool.map(self.check, some))
                          if fault]
                if stop_at and len(found) >= stop_at:
                    break
        return found


def record(io, work, *arguments, at=START):
    """A recording of the work, a function of Recorder; unittest.SkipTest where the clock cannot be
    moved."""
    recorder = Recorder()
    recorder.setUp()
    try:
        recorder.begin(io, at)
        work(recorder, *arguments)
        return recorder.result()
    finally:
        recorder.tearDown()


def cut_again(made, states, count, seed):
    """(record, states) of the recoveries from so many of the states, in which the power is cut again."""
    good = [state for state in states if state.acknowledged and not state.damaged]
    for state in sample(made, good, count, seed):
        again = record("posix", Recorder.recovery, state, at=state.restart)
        yield again, again.states(seed)


def describe(state, fault):
    return f"after operation {state.index}, {state.after}:\n  {fault}"


def main(arguments):
    if arguments.keep:
        os.makedirs(arguments.keep, exist_ok=True)
    begun = time.monotonic()
    chance = random.Random(arguments.seed)
    kills = list(range(1, arguments.lives + 1))
    chance.shuffle(kills)
    made = record(arguments.io, Recorder.all_work, kills, chance)
    states = made.states(arguments.seed)
    drawn = sample(made, states, arguments.states or len(states), arguments.seed)
    checker = Checker(made, arguments.keep)
    faults = checker.faults(drawn)
    second = 0
    for again, after in cut_again(made, states, arguments.again, arguments.seed):
        checker_again = Checker(again, arguments.keep)
        faults += checker_again.faults(after)
        second += checker_again.checked
    for state, fault in faults:
        print(describe(state, fault))
    print(json.dumps({"io": arguments.io, "seed": arguments.seed, "operations": len(made.operations),
                      "states_built": made.built, "different": len(states),
                      "checked": checker.checked, "checked_after_a_second_cut": second,
                      "failed": len(faults),
                      "seconds": round(time.monotonic() - begun, 1)}, indent=2))
    return 1 if faults else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--io", choices=["uring", "posix"], default="posix")
    parser.add_argument("--lives", type=int, default=45)
    parser.add_argument("--states", type=int, help="check so many (all where it is not given)")
    parser.add_argument("--again", type=int, default=20,
                        help="cut the power again in the recoveries from so many states")
    parser.add_argument("--seed", type=int, default=random.randrange(2 ** 31))
    parser.add_argument("--keep", metavar="FOLDER", help="where states that fail are kept")
    sys.exit(main(parser.parse_args()))
