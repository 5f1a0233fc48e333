"""Storage and resources that fail: no inodes, input/output errors at every step of storing, no memory;
and a clock that is set while everything runs. Nothing is lost, and nobody needs a restart."""
import os
import resource
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
from harness import SANITIZER, BusTest, Clock, program, wait_for  # noqa: E402

START = 1798761500  # 2026-12-31 at 23:58:20 UTC


def request(**more):
    return {"model": "m", "response_ms": 5, "prompt_tokens": 1, "completion_tokens": 2, **more}


class StorageTest(BusTest):
    def hours(self):
        return [self.load(name) for name in self.files("hourly_*.json")]

    def total(self):
        return sum(d["requests"]["total"] for d in self.hours() if d)

    def test_without_inodes_it_waits_for_some(self):
        os.mkdir(self.data)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "nr_inodes=12", "tmpfs", self.data],
                              capture_output=True, check=False)
        if done.returncode != 0:
            self.skipTest("may not mount a tmpfs here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.data], check=False)
        agent = self.start_agent("--checkpoint-every", "1s")
        wait_for(lambda: len(self.files("hourly_*.json")) > 0, "the first file")
        fillers = []
        try:
            while True:
                fillers.append(self.path(f"filler{len(fillers)}"))
                with open(fillers[-1], "w", encoding="ascii"):
                    pass
        except OSError:
            pass
        self.publish(*[request()] * 50)
        self.wait_log(agent, "No space left on device")
        for path in fillers[:-1]:
            os.unlink(path)
        wait_for(lambda: self.total() == 50, "what was kept in memory")
        self.assertEqual(self.stop_agent(agent).count("ERROR - could not"), 1)

    @unittest.skipIf(SANITIZER, "strace and sanitizers do not go together")
    def test_input_output_errors_at_every_step(self):
        """The plain store, each of whose system calls fails for a while."""
        # Not the first ones of the worker's thread: those are of starting up.
        for call, when in (("openat", "4..10"), ("write", "4..10"), ("fsync", "6..14"),
                           ("renameat", "4..10")):
            with self.subTest(call):
                self.data = os.path.join(self.folder, f"data-{call}")
                before = len(self.processes)
                agent = subprocess.Popen(
                    ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                     f"inject={call}:error=EIO:when={when}", program("oragent"), "--bus", self.bus,
                     "--data-dir", self.data, "--io", "posix", "--checkpoint-every", "1s"],
                    env=self.environment(), stderr=subprocess.PIPE, text=True)
                agent.log = []
                self.processes.append(agent)
                self.wait_log(agent, "serving bus")
                published = 0
                for _ in range(8):
                    self.publish(*[request()] * 10)
                    published += 10
                    time.sleep(0.5)
                subprocess.run(["pkill", "-TERM", "-f", f"^[^ ]*oragent --bus {self.bus} "],
                               check=False)
                self.wait_log(agent, "Input/output error")
                agent.wait(60)
                done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once")
                self.assertEqual(done.returncode, 0, done.stderr)
                # A new folder for each: it begins with all that the ring holds.
                counted = self.total()
                self.assertEqual(counted % 80, 0, (call, counted))
                self.assertGreaterEqual(counted, published)
                del self.processes[before:]
                agent.stderr.close()


class MemoryTest(BusTest):
    @unittest.skipIf(SANITIZER, "sanitizers take all the addresses there are")
    def test_too_little_memory_is_a_clear_error(self):
        def at_most(mebibytes):
            limit = mebibytes << 20
            return lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        agent = self.start_agent()
        self.publish(request())
        seen = set()
        for mebibytes in (4, 6, 8, 12, 16, 24, 40, 700, 1400):
            for arguments in (["orstat"], ["ortail", "-1"], ["orpub", "--model", "m"]):
                done = self.run_tool(*arguments, "--bus", self.bus, preexec_fn=at_most(mebibytes))
                self.assertIn(done.returncode, (0, 1, 127), (mebibytes, arguments, done.stderr))
                self.assertNotIn("core dumped", done.stderr)
                if done.returncode == 1:
                    self.assertTrue(done.stderr.strip(), (mebibytes, arguments))
                seen.add(done.returncode)
        self.assertIn(0, seen)
        self.assertIn(1, seen)
        self.stop_agent(agent)


class ClockTest(BusTest):
    def test_a_clock_that_is_set_while_all_run(self):
        """Back and forth by a second, an hour and a day, over the end of the year."""
        self.clock = Clock(self.folder, START)
        agent = self.start_agent("--checkpoint-every", "1s", "--retention-days", "0")
        published = 0
        for step in (1, -1, 3600, -3600, 86400, -86400, 120, -3600, 7200):
            self.publish(*[request()] * 7)
            published += 7
            time.sleep(0.3)
            self.clock.set(self.clock.now() + step)
            time.sleep(0.3)
        self.publish(*[request()] * 7)
        published += 7
        time.sleep(0.6)
        self.stop_agent(agent)
        hours = [self.load(name) for name in self.files("hourly_*.json")]
        days = [self.load(name) for name in self.files("daily_*.json")]
        for documents in (hours, days):
            self.assertEqual(sum(d["requests"]["total"] for d in documents), published)
            self.assertEqual(sum(d["lost_samples"] + d["rejected_samples"] for d in documents), 0)
        years = {name[6:10] for name in self.files("daily_*.json")}
        self.assertEqual(years, {"2026", "2027"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
