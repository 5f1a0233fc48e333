"""Storage and resources that fail: no inodes, input/output errors at every step of storing, no memory;
and a clock that is set while everything runs. Nothing is lost, and no process needs a restart."""
import fcntl
import os
import random
import re
import resource
import signal
import struct
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
from harness import SANITIZER, BusTest, Clock, program, wait_for  # noqa: E402

FIFREEZE, FITHAW = 0xC0045877, 0xC0045878  # linux/fs.h
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
        for call, when in (("openat", "4..10"), ("pwrite64", "4..10"), ("fsync", "6..14"),
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


    def slowly_once(self):
        """--once on a disk whose every fsync takes a second, so that 40 files take more than a minute."""
        agent = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e",
             "inject=fsync:delay_enter=1000000", program("oragent"), "--bus", self.bus,
             "--data-dir", self.data, "--io", "posix", "--once", "--stop-within", "10s"],
            env=self.environment(), stderr=subprocess.PIPE, text=True)
        self.processes.append(agent)
        return agent

    def assert_says_what_is_missing(self, agent):
        _, log = agent.communicate(timeout=90)
        self.assertEqual(agent.returncode, 1, log)
        self.assertIn("--once has ended", log)
        written = set(self.files("hourly_*.json"))
        self.assertLess(len(written), 40)
        named = re.search(r"missing:.* files \((\d+), one is (\w+\.json)\)", log)
        self.assertTrue(named, log)
        self.assertGreaterEqual(int(named[1]), 40 - len(written))
        return named[2]

    @unittest.skipIf(SANITIZER, "strace and sanitizers do not go together")
    def test_once_has_written_everything_or_fails(self):
        """Its status says whether the files are there, however slow the machine; a signal changes nothing of that."""
        now = time.time()
        self.publish(*[request(ts=now - 3600 * n) for n in range(40)])
        first = self.assert_says_what_is_missing(self.slowly_once())
        self.assertNotIn(first, self.files("hourly_*.json"))
        agent = self.slowly_once()
        time.sleep(6)
        with open(f"/proc/{agent.pid}/task/{agent.pid}/children", encoding="ascii") as file:
            os.kill(int(file.read().split()[0]), signal.SIGTERM)
        self.assert_says_what_is_missing(agent)
        done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(self.files("hourly_*.json")), 40)
        self.assertEqual(self.total(), 40)

    def disk(self, *options):
        """A disk of 64 MiB in memory, mounted as the data folder; returns the image."""
        below = os.path.join(self.folder, "below")
        os.mkdir(below)
        os.mkdir(self.data)
        image = os.path.join(below, "image")
        for command in (["mount", "-t", "tmpfs", "-o", "size=24M", "tmpfs", below],
                        ["truncate", "-s", "64M", image],
                        ["mkfs.ext4", "-q", "-O", "^has_journal", image],
                        ["mount", "-o", ",".join(["loop", *options]), image, self.data]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                self.skipTest(f"may not mount a disk image here: {done.stderr.strip()}")
            if command[0] == "mount":
                self.addCleanup(subprocess.run, ["umount", "-l", command[-1]], check=False,
                                capture_output=True)
        return image

    def lost_writes(self, io):
        """The disk takes writes that it cannot keep, and only fsync() reports it."""
        image = self.disk()
        filler = os.path.join(os.path.dirname(image), "filler")
        agent = self.start_agent("--checkpoint-every", "1s", "--io", io)
        wait_for(lambda: self.files("hourly_*.json"), "the first file")
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        self.publish(*[request(model=f"m{n}") for n in range(200)])
        self.wait_log(agent, "could not sync ")  # the checkpoint, or the first file behind it
        os.unlink(filler)
        wait_for(lambda: self.total() == 200, "what was kept in memory", 60)
        self.assertEqual(self.stop_agent(agent).count("could not"), 1)

    def test_a_disk_that_loses_writes_with_io_uring(self):
        self.lost_writes("uring")

    def test_a_disk_that_loses_writes_with_plain_system_calls(self):
        self.lost_writes("posix")

    def test_a_disk_that_turns_read_only_and_is_mounted_anew(self):
        image = self.disk("errors=remount-ro")
        agent = self.start_agent("--checkpoint-every", "1s")
        self.publish(*[request()] * 20)
        wait_for(lambda: self.files("hourly_*.json") and self.total() == 20, "the first samples")
        device = subprocess.run(["findmnt", "-no", "SOURCE", self.data], capture_output=True,
                                text=True, check=True).stdout.strip()
        try:
            with open(f"/sys/fs/ext4/{os.path.basename(device)}/trigger_fs_error", "w",
                      encoding="ascii") as trigger:
                trigger.write("1")
        except OSError as reason:
            self.stop_agent(agent)
            self.skipTest(f"may not break a disk here: {reason}")
        self.publish(*[request()] * 20)
        self.wait_log(agent, "Read-only file system")
        # An administrator checks the file system and mounts it again, while the agent goes on.
        copy = image + ".copy"
        subprocess.run(["cp", "--sparse=always", image, copy], check=True)
        subprocess.run(["umount", "-l", self.data], check=True)
        subprocess.run(["fsck.ext4", "-fy", copy], capture_output=True, check=False)
        subprocess.run(["mount", "-o", "loop", copy, self.data], check=True)
        wait_for(lambda: self.files("hourly_*.json") and self.total() == 40, "all samples", 60)
        self.stop_agent(agent)
        self.assertEqual(sum(d["lost_samples"] for d in self.hours()), 0)


    def test_killed_while_the_disk_holds_a_step_of_the_store(self):
        """The disk stops at a random moment of a save, the agent is killed, and the disk goes on: the
        kernel carries out, or drops, what was left of the chain."""
        self.disk()
        chance = random.Random(4)
        # Series to write: a save takes its time.
        self.publish(*[request(model=f"model-{n}", bot=f"bot-{n}", provider=f"provider-{n}",
                               response_ms=n * 3 + 1) for n in range(1000)])
        books = os.path.join(self.folder, "books")
        bot = self.start("bot", self.bus, "bot0", books, 5000, 1)
        held = 0
        for round_ in range(24):
            agent = self.start_agent("--checkpoint-every", "1s", "--io",
                                     "posix" if round_ % 4 == 3 else "uring")
            time.sleep(0.05 * chance.random())
            folder = os.open(self.data, os.O_RDONLY)
            self.wait_for_a_temporary_file()
            try:
                fcntl.ioctl(folder, FIFREEZE, 0)
                held += any(name.endswith(".tmp") for name in os.listdir(folder))
                time.sleep(0.1)
                agent.kill()
            finally:
                fcntl.ioctl(folder, FITHAW, 0)
                os.close(folder)
            agent.wait(20)
        bot.send_signal(signal.SIGTERM)
        bot.wait(20)
        done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(books, "rb") as file:
            published = struct.unpack("<QQ", file.read(16))[1]
        self.assertEqual(self.total(), published + 1000)
        self.assertEqual(sum(d["lost_samples"] for d in self.hours()), 0)
        print(f"{held} of 24 saves held half-way; ", end="", file=sys.stderr)

    def wait_for_a_temporary_file(self):
        """At once: it exists for milliseconds only."""
        until = time.monotonic() + 5
        while time.monotonic() < until:
            if any(name.endswith(".tmp") for name in os.listdir(self.data)):
                return


class SuspendTest(BusTest):
    def test_a_machine_that_was_suspended_overnight(self):
        """As its processes see it: all stop at once, and time has passed when they go on."""
        self.clock = Clock(self.folder, START - 7200)
        agent = self.start_agent("--checkpoint-every", "1s", "--retention-days", "0")
        books = os.path.join(self.folder, "books")
        bot = self.start("bot", self.bus, "bot0", books, 2000, 1)
        time.sleep(1.5)
        for process in (bot, agent):
            process.send_signal(signal.SIGSTOP)
        self.clock.set(self.clock.now() + 9 * 3600)
        time.sleep(1)
        for process in (agent, bot):
            process.send_signal(signal.SIGCONT)
        time.sleep(1.5)
        bot.send_signal(signal.SIGTERM)
        bot.wait(20)
        self.stop_agent(agent)
        with open(books, "rb") as file:
            published = struct.unpack("<QQ", file.read(16))[1]
        for kind, least in (("hourly", 2), ("daily", 2)):
            documents = [self.load(name) for name in self.files(f"{kind}_*.json")]
            self.assertEqual(sum(d["requests"]["total"] for d in documents), published)
            self.assertEqual(sum(d["lost_samples"] for d in documents), 0)
            self.assertGreaterEqual(len(documents), least)
        self.assertTrue(self.load(self.files("hourly_*.json")[0])["period"]["complete"])


class MemoryTest(BusTest):
    @unittest.skipIf(SANITIZER, "sanitizers take all the addresses there are")
    def test_an_agent_that_is_refused_memory_counts_all_once_there_is_some(self):
        agent = self.start_agent("--checkpoint-every", "1s")
        self.publish(*[request()] * 10)
        wait_for(lambda: self.files("hourly_*.json") and self.total() == 10, "the first samples")
        with open(f"/proc/{agent.pid}/statm", encoding="ascii") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        resource.prlimit(agent.pid, resource.RLIMIT_AS, (now + (1 << 20), resource.RLIM_INFINITY))
        published = 10
        while "out of memory" not in "".join(agent.log) and published < 4000:
            self.publish(*[request(model=f"m{published + n}", bot=f"b{n}") for n in range(300)])
            published += 300
            try:
                self.wait_log(agent, "out of memory", 1)
            except AssertionError:
                pass
        self.publish(*[request()] * 50)
        published += 50
        resource.prlimit(agent.pid, resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
        self.wait_log(agent, "there is memory again")
        wait_for(lambda: self.total() == published, f"{published} samples, not {self.total()}")
        log = self.stop_agent(agent)
        self.assertEqual(log.count("out of memory"), 1, log)
        self.assertEqual(self.files("*.set-aside-*"), [])
        self.assertEqual(sum(self.load(name)["lost_samples"] for name in
                             self.files("hourly_*.json")), 0)

    def total(self):
        return sum(self.load(name)["requests"]["total"] for name in self.files("hourly_*.json"))

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
