"""Late samples: old hours are flooded, and reopened again and again. Every sample ends in exactly one
of counted, lost and rejected; the current hour is always whole; memory, checkpoint and the bytes written stay
within their bounds."""
import json
import os
import shutil
import signal
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
from harness import SANITIZER, BusTest, main, wait_for  # noqa: E402

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
        """The sums over all files: counted, rejected, lost."""
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
        self.assertGreater(hours[1], 0)
        self.assertLess(hours[1], 20000)
        now = [d for d in self.documents() if not d["period"]["complete"]]
        self.assertEqual(sum(d["requests"]["total"] for d in now), 2000)


    def test_killed_while_old_hours_are_reopened(self):
        """A kill at any moment of a save, while periods are without what their files hold."""
        self.write_all("--slots", "32768")
        self.finished(self.late(3000, 0, 100, 8))
        self.write_all("--retention-days", "0")
        published = 3000
        for round_ in range(6):
            agent = self.start_agent("--retention-days", "0", "--checkpoint-every", "1s",
                                     "--io", "posix" if round_ % 2 else "auto")
            bot = self.late(1500, 1500, 100, 8)
            time.sleep(0.4 + 0.23 * round_)
            agent.send_signal(signal.SIGKILL)
            agent.wait()
            self.finished(bot)
            published += 1500
        self.write_all("--retention-days", "0")
        for pattern in ("hourly_*.json", "daily_*.json"):
            self.assertEqual(self.sums(pattern), (published, 0, 0), pattern)


    def test_many_names_are_worked_on_beside_the_loop(self):
        """Enough names for every worker: of saves, files, sections and the board."""
        options = ("--retention-days", "0", "--slots", "32768", "--checkpoint-every", "1s")
        for _ in range(2):
            agent = self.start_agent(*options)
            self.finished(self.late(4000, 2000, 6, 256, 256), self.late(2000, 1000, 0, 256, 256))
            wait_for(lambda: os.path.exists(self.path("state")), "a checkpoint")
            agent.send_signal(signal.SIGKILL)
            agent.wait()
        agent = self.start_agent(*options)
        self.finished(self.late(1000, 500, 6, 256, 256), self.late(1000, 500, 0, 256, 256))

        def shown():
            done = self.run_tool("orstat", "--bus", self.bus, "--window", "start", "--json")
            return json.loads(done.stdout)["requests"]["total"] >= 2000
        wait_for(shown, "the board to show them")
        self.stop_agent(agent)
        self.write_all(*options)
        for pattern in ("hourly_*.json", "daily_*.json"):
            self.assertEqual(self.sums(pattern), (14000, 0, 0), pattern)
        by_model = sum(m["requests"] for d in self.documents() for m in d["by_model"].values())
        self.assertEqual(by_model, 14000)


class BoundsTest(LateTest):
    @unittest.skipIf(SANITIZER, "memory and time are not an agent's own")
    def test_memory_and_checkpoint_with_the_most_names_in_720_hours(self):
        """256 models, bots and providers over 720 hours at once, a kill, and all books."""
        options = ("--retention-days", "0", "--slots", "65536")
        agent = self.start_agent(*options)
        bots = [self.late(150000, 10000, 720, 256, 256), self.late(1500, 100, 0, 256, 256)]
        self.finished(*bots)
        wait_for(lambda: os.path.exists(self.path("state")), "a checkpoint")
        time.sleep(6)
        self.assertLess(self.status(agent, "VmHWM"), 256 << 10)
        self.assertLess(os.stat(self.path("state")).st_size, 64 * MIB)
        agent.send_signal(signal.SIGKILL)
        agent.wait()
        self.finished(self.late(20000, 20000, 720, 256, 256))
        agent = self.start_agent(*options)
        serving = time.time()
        wait_for(lambda: self.checkpoint()[1] > serving, "a checkpoint")
        self.assertLess(self.status(agent, "VmHWM"), 256 << 10)
        self.stop_agent(agent)
        self.write_all(*options)
        hours, days = self.sums(), self.sums("daily_*.json")
        self.assertEqual((sum(hours), days), (171500, hours))
        now = [d for d in self.documents() if not d["period"]["complete"]]
        self.assertEqual(sum(d["requests"]["total"] for d in now), 1500)

    @unittest.skipIf(SANITIZER, "a sanitizer's own log is written too")
    def test_what_is_written_for_late_samples(self):
        """8 models, 100 samples a second over 24 ended hours: saves are no more frequent for it."""
        self.data = os.path.join(self.folder, "data")  # a disk, whose writes are counted
        agent = self.start_agent("--io", "posix")
        wait_for(lambda: os.path.exists(self.path("state")), "a checkpoint")
        before, started, checkpoints = self.written(agent), time.monotonic(), set()
        bot = self.late(4500, 100, 24, 8)
        while bot.poll() is None:
            checkpoints.add(self.checkpoint())
            time.sleep(0.2)
        seconds = time.monotonic() - started
        # One every 5 s, but for those of the start.
        self.assertLess(len(checkpoints), seconds / 5 + 5)
        self.assertLess((self.written(agent) - before) / seconds, 100e3)
        self.stop_agent(agent)
        self.write_all()
        for pattern in ("hourly_*.json", "daily_*.json"):
            self.assertEqual(self.sums(pattern), (4500, 0, 0), pattern)

    def checkpoint(self):
        """Which one is the last, and when it was stored."""
        while True:
            try:
                stat = os.stat(self.path("state"))
                return stat.st_ino, stat.st_mtime
            except FileNotFoundError:
                pass  # it is being replaced

    def written(self, agent):
        with open(f"/proc/{agent.pid}/io", encoding="ascii") as file:
            return int(next(line.split()[1] for line in file if line.startswith("write_bytes")))


if __name__ == "__main__":
    main()
