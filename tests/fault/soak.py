"""Eight bots publish while agent and bots are killed at random; at the end the books must balance.

    soak.py [--rounds N | --seconds S] [--flood | --attacks] [--seed N]

The agent is killed with SIGKILL at random instants, or at the n-th system call of a kind while it
stores (strace), on either store; bots are killed in mid-publish. The clock, moved by libfaketime,
steps ahead minutes at a time, so that hours end and midnights pass; some requests are an hour late.
Then:
  - what the ring says was published = what the files hold + lost_samples, to the sample;
  - the hours and the days hold the same, by bot and by model too;
  - each bot's own books agree with the files, but for publishes that a kill fell into;
  - nothing was lost, unless --flood lets the bots lap the ring;
  - the journal holds every request that was counted, in the file of its hour, and none twice.

With --attacks, a liar, a flooder of old hours and a leaker of begins take part (soak_attacks.py). What
the ring's heads say is then worth nothing, and the books of all who published take their place.

Now and then the last checkpoint is damaged while no agent is there.
"""
import argparse
import collections
import glob
import json
import os
import random
import re
import shutil
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
from soak_attacks import Attacks  # noqa: E402

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

    def begin(self, seed, flood, attacks):
        self.random = random.Random(seed)
        self.flood = flood
        self.attacks = None
        self.is_attacked = attacks
        self.clock = Clock(self.folder, START)
        self.agent_kills = self.bot_kills = self.step_kills = self.rounds = self.damaged = 0
        self.damaged_round = -1
        self.compressed = 0
        self.torn = [0] * BOTS  # publishes that a kill fell into
        self.sums = [0] * BOTS  # of books of bots that are gone
        self.resident_kib = 0
        self.agent = None
        self.bots = [None] * BOTS
        if attacks:
            # Thousands of files, each made durable: on a disk this would be a test of the disk.
            self.data = f"/dev/shm/data-{self.bus}"
            self.addCleanup(shutil.rmtree, self.data, True)
            # With thousands of open hours an agent takes longer until it has stored what it counted.
            done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once",
                                 "--slots", "32768", "--retention-days", "0")
            self.assertEqual(done.returncode, 0, done.stderr)
        # An honest agent makes the ring; it is away for less than the ring holds.
        for index in range(BOTS):
            self.start_bot(index)
        if attacks:
            self.attacks = Attacks(self)

    def books(self, index):
        return os.path.join(self.folder, f"books{index}")

    def start_bot(self, index):
        if os.path.exists(self.books(index)):
            os.unlink(self.books(index))
        pace = 0 if self.flood and index % 2 else self.random.choice([1000, 2000, 8000])
        # A late sample may find no room beside a flood of old hours: it would be rejected, and nobody
        # could tell whose it was.
        kind = ["punctual"] if self.is_attacked else []
        self.bots[index] = self.start("bot", self.bus, f"bot{index}", self.books(index), pace,
                                      self.random.randrange(2 ** 31), *kind)
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
        if self.random.random() < (0.8 if self.attacks else 0.4):
            index = self.random.randrange(BOTS)
            self.bot_kills += 1
            if self.attacks:
                self.attacks.exchange(index)
            else:
                self.end_bot(index, signal.SIGKILL)
                self.start_bot(index)
        if self.random.random() < 0.3:
            # Attacked, by less than an hour before the next agent has stored: else what is of now would
            # be old when it is counted.
            steps = [60, 600] if self.attacks else [60, 600, 1800]
            self.clock.set(self.clock.now() + self.random.choice(steps))
        self.kill_agent()
        if damage and self.saved_at():
            self.damage_checkpoint()

    def finish(self):
        """The bots end, half of them killed; a last agent counts what is left."""
        for index in range(BOTS):
            self.end_bot(index, signal.SIGKILL if index % 2 else signal.SIGTERM)
        if self.attacks:
            self.attacks.finish()
        done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once",
                             "--journal", "--retention-days", "0", timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)

    def load_all(self, kind):
        return [self.load(name) for name in self.files(f"{kind}_*.json")]

    def unpack(self, names):
        """Decompresses files of the journal; their paths by the names they had before. Many at a time:
        a process for each of thousands takes its time."""
        folder = os.path.join(self.folder, "unpacked")
        os.makedirs(folder, exist_ok=True)
        for start in range(0, len(names), 1000):
            done = subprocess.run(["zstd", "-dqf", "--output-dir-flat", folder,
                                   *map(self.path, names[start:start + 1000])],
                                  capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.compressed += len(names)
        return {name[:-len(".zst")]: os.path.join(folder, name[:-len(".zst")]) for name in names}

    def journal(self):
        """The requests of the journal by hour, each a (request_id, bot, model)."""
        hours = {}
        packed = self.files("requests_*.ndjson.zst")
        unpacked = self.unpack(packed)
        for name in sorted({*self.files("requests_*.ndjson"), *unpacked}):
            if ".set-aside-" in name:
                continue
            with open(unpacked.get(name, self.path(name)), "rb") as file:
                content = file.read()
            self.assertIn(content[-1:], (b"", b"\n"), name)
            hour = hours.setdefault(name[len("requests_"):][:11], [])
            for line in content.splitlines():
                request = json.loads(line)
                # An orphan has the model that was asked for.
                model = request.get("model") or request["requested_model"]
                hour.append((request["request_id"], request["bot"], model))
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

    def published(self):
        """How much there was, at least and at most. A head that lies tells nothing."""
        if not self.attacks:
            ring = Ring(f"/dev/shm/{self.bus}")
            heads = sum(ring.get(ring.lane(i)) for i in range(BOTS + 4))
            ring.close()
            return heads, heads
        sums = sum(self.sums) + self.attacks.published["flooder"] + self.attacks.published["liar"]
        torn = sum(self.torn) + self.attacks.torn["flooder"] + self.attacks.torn["liar"]
        return sums, sums + torn

    def sum_of(self, documents, value):
        """What the hours say and what the days say, which must be the same."""
        sums = [sum(value(d) for d in kind) for kind in documents]
        self.assertEqual(sums[0], sums[1], "hours and days differ")
        return sums[0]

    def sum_by_name(self, documents, series):
        sums = [collections.Counter(), collections.Counter()]
        for found, kind in zip(sums, documents):
            for document in kind:
                for name, figures in document[series].items():
                    found[name] += figures["requests"]
        self.assertEqual(sums[0], sums[1], series)
        return sums[0]

    def told(self, pattern):
        """The sum of a number that the agents' log has here and there."""
        with open(self.log.name, encoding="utf-8") as log:
            return sum(int(found) for found in re.findall(pattern, log.read()))

    def missing(self, documents):
        """For a failure's message: what each bot published and the files do not have, and the log."""
        by_bot = self.sum_by_name(documents, "by_bot")
        published = {f"bot{index}": self.sums[index] for index in range(BOTS)}
        published.update(self.attacks.published if self.attacks else {})
        with open(self.log.name, encoding="utf-8") as log:
            said = "".join([line for line in log if "quarantined" not in line][-20:])
        return (f"not counted: { {bot: n - by_bot[bot] for bot, n in published.items()} }; the agents "
                f"said last:\n{said}")

    def balance(self):
        """Compares the books; returns what a report says."""
        documents = [self.load_all("hourly"), self.load_all("daily")]
        total = self.sum_of(documents, lambda d: d["requests"]["total"])
        orphaned = self.sum_of(documents, lambda d: d["requests"]["orphaned"])
        lost = self.sum_of(documents, lambda d: d["lost_samples"])
        rejected = self.sum_of(documents, lambda d: d["rejected_samples"])
        least, most = self.published()
        result = {}
        missing = self.missing(documents)
        if not self.flood:
            self.assertEqual(lost, 0, f"the agent was never away for long; {missing}")
        # What is orphaned was begun, and not published as a request.
        self.assertLessEqual(least, total - orphaned + rejected + lost,
                             f"published, and counted + rejected + lost; {missing}")
        self.assertLessEqual(total - orphaned + rejected + lost, most,
                             f"counted {total} less {orphaned} orphans + {rejected} rejected + {lost} lost, and "
                             f"published; {missing}")
        self.assertEqual(sum(self.sum_by_name(documents, "by_model").values()), total)
        by_bot = self.sum_by_name(documents, "by_bot")
        self.assertEqual(sum(by_bot.values()), total)
        for index in range(BOTS if lost == 0 else 0):
            self.assertLessEqual(self.sums[index], by_bot[f"bot{index}"])
            self.assertLessEqual(by_bot[f"bot{index}"], self.sums[index] + self.torn[index])
        for document in documents[0] + documents[1]:
            requests = document["requests"]
            self.assertEqual(document["token_usage"]["total_tokens"],
                             3 * (requests["total"] - requests["orphaned"]))
        if self.attacks:
            result = self.attacks.balance(by_bot, [d["requests"] for d in documents[0]], rejected,
                                          lost)
            result["lies_in_the_log"] = self.told(r"nobody can have published \((\d+) times")
            result["forgotten_in_the_log"] = self.told(r"forgot (\d+) requests")
        else:
            self.assertEqual((rejected, orphaned), (0, 0))
        return {"rounds": self.rounds, "agent_kills": self.agent_kills,
                "kills_at_a_step_of_storing": self.step_kills,
                "damaged_checkpoints": self.damaged, "bot_kills": self.bot_kills,
                "kills_within_a_publish": sum(self.torn), "hours": len(documents[0]),
                "days": len(documents[1]), "published": least, "counted": total - orphaned,
                "rejected": rejected, "lost": lost, **result,
                **self.balance_journal(), "agent_resident_kib": self.resident_kib}

    def go(self, *, rounds=None, seconds=None, seed, flood=False, attacks=False):
        self.begin(seed, flood, attacks)
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
                         flood=arguments.flood, attacks=arguments.attacks)
    except unittest.SkipTest as reason:
        sys.exit(f"soak: {reason}")
    except BaseException:
        print(f"soak: seed {arguments.seed}, {soak.rounds} rounds", file=sys.stderr)
        raise
    finally:
        soak.tearDown()
        soak.doCleanups()
    print(json.dumps({"seed": arguments.seed, **result}, indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, default=60)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--flood", action="store_true")
    how.add_argument("--attacks", action="store_true")
    parser.add_argument("--seed", type=int, default=random.randrange(2 ** 31))
    report(parser.parse_args())
