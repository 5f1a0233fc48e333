"""Late samples: old hours are flooded, and reopened again and again. Every sample ends in exactly one
of counted, lost and rejected; the current hour is always whole; memory, checkpoint and what is
written stay within their bounds."""
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
from harness import SANITIZER, BusTest, program, wait_for  # noqa: E402

LATE_MAX = 4096  # agent/period.h: PERIODS_LATE_MAX
MIB = 1 << 20


class LateTest(BusTest):
    def setUp(self):
        super().setUp()
        # Thousands of files, each made durable: on a disk this would be a test of the disk.
        if shutil.disk_usage("/dev/shm").free > 1024 * MIB:
            self.data = f"/dev/shm/data-{self.bus}"
            self.addCleanup(shutil.rmtree, self.data, True)

    def late(self, samples, rate, hours, models=1, others=1):
        """A bot whose samples are of hours that have ended; of now where there are 0."""
        return self.start("publish_late", self.bus, samples, rate, hours, models, others)

    def finished(self, *bots):
        for bot in bots:
            self.assertEqual(bot.wait(120), 0)

    def documents(self, pattern="hourly_*.json"):
        return [self.load(name) for name in self.files(pattern)]

    def sums(self, pattern="hourly_*.json"):
        """What all files say: counted, rejected, lost."""
        documents = self.documents(pattern)
        return (sum(d["requests"]["total"] for d in documents),
                sum(d["rejected_samples"] for d in documents),
                sum(d["lost_samples"] for d in documents))

    def write_all(self, *options):
        """Has everything written that is in checkpoint and ring."""
        done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once",
                             *options, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stderr

    def by_bot(self, name):
        return sum(d["by_bot"].get(name, {}).get("requests", 0) for d in self.documents())

    def status(self, agent, key):
        with open(f"/proc/{agent.pid}/status", encoding="ascii") as file:
            return int(next(line.split()[1] for line in file if line.startswith(key + ":")))


class BooksTest(LateTest):
    def test_a_flood_of_old_hours_takes_nothing_from_the_current_one(self):
        """The attack that was found: 1,500 hours at once. All of them have room."""
        agent = self.start_agent("--retention-days", "90", "--checkpoint-every", "1s")
        bots = [self.late(6000, 2000, 1500), self.late(600, 200, 0)]
        self.finished(*bots)
        self.stop_agent(agent)
        self.write_all("--retention-days", "90")
        for pattern in ("hourly_*.json", "daily_*.json"):
            counted, rejected, lost = self.sums(pattern)
            self.assertEqual((counted + lost, rejected), (6600, 0), pattern)
        now = [d for d in self.documents() if not d["period"]["complete"]]
        self.assertEqual([d["requests"]["total"] for d in now], [600])

    def test_what_has_no_room_is_rejected_and_counted(self):
        """Ever more hours than can be open, for an agent that keeps files for ever."""
        agent = self.start_agent("--retention-days", "0", "--checkpoint-every", "1s")
        bots = [self.late(20000, 4000, 40000), self.late(1000, 200, 0)]
        self.wait_log(agent, "rejected: they are of too many old hours at once")
        self.finished(*bots)
        agent.send_signal(signal.SIGKILL)
        agent.wait()
        self.late(1000, 0, 0).wait(60)
        agent = self.start_agent("--retention-days", "0", "--checkpoint-every", "1s")
        self.finished(self.late(1000, 1000, 40000))
        self.stop_agent(agent)
        self.write_all("--retention-days", "0")
        hours, days = self.sums(), self.sums("daily_*.json")
        self.assertEqual(sum(hours), 23000)
        self.assertEqual(days, hours)
        self.assertGreater(hours[1], 1000)
        self.assertLess(hours[1], 20000)
        now = [d for d in self.documents() if not d["period"]["complete"]]
        self.assertEqual(sum(d["requests"]["total"] for d in now), 2000)


if __name__ == "__main__":
    unittest.main()
