"""Eight bots publish while agent and bots are killed at random; at the end the books must balance.

    soak.py [--rounds N | --seconds S] [--flood] [--seed N] [--report]

The agent is killed with SIGKILL at random instants, or at the n-th system call of a kind while it
stores (strace), on either store; bots are killed in mid-publish. The clock, moved by libfaketime,
steps ahead minutes at a time, so that hours end and midnights pass; some requests are an hour late.
Then:
  - what the ring says was published = what the files hold + lost_samples, to the sample;
  - the hours and the days hold the same, by bot and by model too;
  - each bot's own books agree with the files, but for publishes that a kill fell into;
  - nothing was lost, unless --flood lets the bots lap the ring;
  - the journal holds every request that was counted, in the file of its hour, and none twice.

Now and then the last checkpoint is damaged while no agent is there.
"""
import argparse
import collections
import glob
import json
import os
import random
import re
import signal
import struct
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
sys.path.insert(0, HERE)
from harness import SANITIZER, BusTest, Clock, program, wait_for  # noqa: E402
from ring_image import Ring  # noqa: E402

BOTS = 8
START = 1795564000  # 2026-11-24 at 23:46:40: midnight is near
# System calls of storing, as often as one occurs in the life of an agent here, and how likely each is
# to be where it dies.
STEPS = {
    "posix": {"openat": (12, 4), "pwrite64": (9, 4), "fsync": (14, 4), "renameat": (9, 4),
              "renameat2": (2, 1), "write": (2, 1), "unlinkat": (2, 1), "ftruncate": (1, 2)},
    "uring": {"io_uring_enter": (12, 6), "write": (2, 1), "renameat": (3, 2), "ftruncate": (1, 1)},
}


class Soak(BusTest):
    """The run itself; a test or a report makes one and calls run_rounds() and balance()."""

    def begin(self, seed, flood):
        self.random = random.Random(seed)
        self.flood = flood
        self.clock = Clock(self.folder, START)
        self.agent_kills = self.bot_kills = self.step_kills = self.rounds = self.damaged = 0
        self.damaged_round = -1
        self.compressed = 0
        self.torn = [0] * BOTS  # publishes that a kill fell into
        self.sums = [0] * BOTS  # of books of bots that are gone
        self.resident_kib = 0
        self.agent = None
        self.bots = [None] * BOTS
        # An honest agent makes the ring; it is away for less than the ring holds.
        for index in range(BOTS):
            self.start_bot(index)

    def books(self, index):
        return os.path.join(self.folder, f"books{index}")

    def start_bot(self, index):
        if os.path.exists(self.books(index)):
            os.unlink(self.books(index))
        pace = 0 if self.flood and index % 2 else self.random.choice([1000, 2000, 8000])
        self.bots[index] = self.start("bot", self.bus, f"bot{index}", self.books(index), pace,
                                      self.random.randrange(2 ** 31))
        wait_for(lambda: os.path.exists(self.books(index)), "a bot's books")

    def end_bot(self, index, how):
        self.bots[index].send_signal(how)
        self.bots[index].wait(30)
        self.processes.remove(self.bots[index])
        with open(self.books(index), "rb") as file:
            intended, published = struct.unpack("<QQ", file.read(16).ljust(16, b"\0"))
        self.assertIn(intended - published, (0, 1))
        self.torn[index] += intended - published
        self.sums[index] += published

    def start_an_agent(self, calm):
        """An agent on one of the stores; now and then one that a step of its storing kills."""
        io = self.random.choice(["posix", "uring"])
        command = [program("oragent"), "--bus", self.bus, "--data-dir", self.data, "--io", io,
                   "--journal", "--checkpoint-every", "1s", "--retention-days", "0", "--log-level",
                   "warning"]
        if not SANITIZER and not calm and self.random.random() < 0.45:
            call = self.random.choices(list(STEPS[io]), [odds for _, odds in STEPS[io].values()])[0]
            # Counted by thread: the worker's calls are those of storing.
            command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                       f"inject={call}:signal=KILL:when={self.random.randint(1, STEPS[io][call][0])}", *command]
        self.log = open(os.path.join(self.folder, "agent.log"), "ab")
        self.agent = subprocess.Popen(command, env=self.environment(), stdout=self.log,
                                      stderr=self.log)
        self.processes.append(self.agent)

    def measure(self):
        for status in glob.glob(f"/proc/{self.agent.pid}/status"):
            with open(status, encoding="ascii") as file:
                found = re.search(r"VmHWM:\s+(\d+)", file.read())
            self.resident_kib = max(self.resident_kib, int(found.group(1)) if found else 0)

    def kill_agent(self):
        self.measure()
        # strace ends when its child has.
        self.step_kills += self.agent.args[0] == "strace" and self.agent.poll() is not None
        self.agent.kill()
        self.agent.wait()
        # strace passes a kill on to nobody: its child is found by its bus. It may just be being born,
        # without a command line, so one look that finds none is not enough.
        quiet = 0
        while quiet < 3:
            found = subprocess.run(["pkill", "-KILL", "-f", f"oragent --bus {self.bus} "],
                                   check=False).returncode == 0
            quiet = 0 if found else quiet + 1
            time.sleep(0.003)
        self.processes.remove(self.agent)
        self.log.close()
        self.agent_kills += 1

    def saved_at(self):
        """When the last checkpoint was stored; 0 while it is being replaced."""
        try:
            return os.stat(self.path("state")).st_mtime_ns
        except FileNotFoundError:
            return 0

    def wait_for_checkpoints(self, count):
        for _ in range(count):
            saved = self.saved_at()
            try:
                wait_for(lambda saved=saved: self.saved_at() not in (0, saved),
                         "a checkpoint", 120)
            except AssertionError as error:
                with open(self.log.name, encoding="utf-8") as log:
                    said = "".join(log.readlines()[-20:])
                raise AssertionError(f"{error}; the agents said last:\n{said}") from None

    def damage_checkpoint(self):
        """The one before must do: it is of this agent, so that the ring holds what came since."""
        with open(self.path("state"), "r+b") as state:
            state.seek(self.random.randrange(os.path.getsize(self.path("state"))))
            byte = state.read(1)
            state.seek(-1, os.SEEK_CUR)
            state.write(bytes([byte[0] ^ 0xff]))
        self.damaged += 1
        self.damaged_round = self.rounds

    def round(self):
        self.rounds += 1
        # One in three lives to store what it has counted: else, on a busy machine, the ring would be
        # lapped before anybody gets so far, and the loss would be no fault.
        calm = self.rounds % 3 == 0 or self.rounds == self.damaged_round + 1
        damage = calm and self.random.random() < 0.3
        self.start_an_agent(calm)
        if calm:
            self.wait_for_checkpoints(3 if damage else 1)
        time.sleep(self.random.choice([0.05, 0.15, 0.3, 0.6]) * self.random.random() + 0.02)
        if self.random.random() < 0.4:
            index = self.random.randrange(BOTS)
            self.end_bot(index, signal.SIGKILL)
            self.bot_kills += 1
            self.start_bot(index)
        if self.random.random() < 0.3:
            self.clock.set(self.clock.now() + self.random.choice([60, 600, 1800]))
        self.kill_agent()
        if damage and self.saved_at():
            self.damage_checkpoint()

    def finish(self):
        """The bots end, half of them killed; a last agent counts what is left."""
        for index in range(BOTS):
            self.end_bot(index, signal.SIGKILL if index % 2 else signal.SIGTERM)
        done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once",
                             "--journal", "--retention-days", "0", timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)

    def load_all(self, kind):
        return [self.load(name) for name in self.files(f"{kind}_*.json")]

    def journal(self):
        """The requests of the journal by hour, each a (request_id, bot, model)."""
        hours = {}
        for name in self.files("requests_*.ndjson*"):
            if ".set-aside-" in name or name + ".zst" in self.files("requests_*.zst"):
                continue
            with open(self.path(name), "rb") as file:
                content = file.read()
            if name.endswith(".zst"):
                content = subprocess.run(["zstd", "-dcq"], input=content, capture_output=True,
                                         check=True).stdout
                self.compressed += 1
            self.assertIn(content[-1:], (b"", b"\n"), name)
            hour = hours.setdefault(name[len("requests_"):][:11], [])
            for line in content.splitlines():
                request = json.loads(line)
                hour.append((request["request_id"], request["bot"], request["model"]))
        return hours

    def balance_journal(self):
        """Every request that was counted is in the journal, once, or was counted as not kept."""
        hours = self.journal()
        every = [request for hour in hours.values() for request in hour]
        self.assertEqual(len(every), len({request[0] for request in every}), "twice in the journal")
        not_kept = 0
        for name in self.files("hourly_*.json"):
            document = self.load(name)
            hour = hours.pop(name[len("hourly_"):][:11], [])
            self.assertEqual(len(hour) + document["journal_lost"], document["requests"]["total"],
                             name)
            if document["journal_lost"] == 0:
                for place, series in ((1, "by_bot"), (2, "by_model")):
                    self.assertEqual(dict(collections.Counter(r[place] for r in hour)),
                                     {n: f["requests"] for n, f in document[series].items()}, name)
            not_kept += document["journal_lost"]
        self.assertEqual(hours, {}, "hours in the journal alone")
        return {"in_the_journal": len(every), "not_kept": not_kept,
                "compressed_files": self.compressed}

    def balance(self):
        """Compares the books; returns what a report says."""
        ring = Ring(f"/dev/shm/{self.bus}")
        published = sum(ring.get(ring.lane(i)) for i in range(BOTS + 4))
        ring.close()
        hours, days = self.load_all("hourly"), self.load_all("daily")
        totals = [sum(d["requests"]["total"] for d in documents) for documents in (hours, days)]
        lost = [sum(d["lost_samples"] for d in documents) for documents in (hours, days)]
        self.assertEqual(totals[0], totals[1], "hours and days differ")
        self.assertEqual(published, totals[0] + lost[0], "published, and counted + lost")
        self.assertEqual(lost[0], lost[1])
        for series in ("by_bot", "by_model"):
            sums = [{}, {}]
            for found, documents in zip(sums, (hours, days)):
                for document in documents:
                    for name, figures in document[series].items():
                        found[name] = found.get(name, 0) + figures["requests"]
            self.assertEqual(sums[0], sums[1], series)
            self.assertEqual(sum(sums[0].values()), totals[0], series)
            if series == "by_bot" and lost[0] == 0:
                for index in range(BOTS):
                    counted = sums[0].get(f"bot{index}", 0)
                    self.assertLessEqual(self.sums[index], counted)
                    self.assertLessEqual(counted, self.sums[index] + self.torn[index])
        for document in hours + days:
            self.assertEqual(document["token_usage"]["total_tokens"],
                             3 * document["requests"]["total"])
        if not self.flood:
            self.assertEqual(lost[0], 0, "the agent was never away for long")
        return {"rounds": self.rounds, "agent_kills": self.agent_kills,
                "kills_at_a_step_of_storing": self.step_kills,
                "damaged_checkpoints": self.damaged, "bot_kills": self.bot_kills,
                "kills_within_a_publish": sum(self.torn), "hours": len(hours), "days": len(days),
                "published": published, "counted": totals[0], "lost": lost[0],
                **self.balance_journal(), "agent_resident_kib": self.resident_kib}

    def go(self, *, rounds=None, seconds=None, seed, flood=False):
        self.begin(seed, flood)
        end = time.monotonic() + seconds if seconds else None
        while (self.rounds < rounds) if rounds else (time.monotonic() < end):
            self.round()
        self.finish()
        return self.balance()

    def runTest(self):
        """Only by go()."""


def report(arguments):
    soak = Soak()
    soak.setUp()
    try:
        result = soak.go(rounds=arguments.rounds, seconds=arguments.seconds, seed=arguments.seed,
                         flood=arguments.flood)
    except unittest.SkipTest as reason:
        sys.exit(f"soak: {reason}")
    finally:
        soak.tearDown()
    print(json.dumps({"seed": arguments.seed, **result}, indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--flood", action="store_true")
    parser.add_argument("--seed", type=int, default=random.randrange(2 ** 31))
    report(parser.parse_args())
