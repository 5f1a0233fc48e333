"""An error is not damage: every call by which the agent reads its files fails in every way, at the start
and while it runs. Then it either ends with a message that names the file, or goes on; no file is moved,
and all that was published is counted, once."""
import os
import signal
import struct
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
from harness import SANITIZER, BusTest, Clock, program, wait_for  # noqa: E402

# Those of disks, of permissions, of resources, of the network; and those that the agent takes for
# something else where it is true: a link, a folder, a pipe, too large, gone, damaged.
ERRORS = ("EIO", "EACCES", "EPERM", "EMFILE", "ENFILE", "ENOMEM", "ESTALE", "ETIMEDOUT", "EINVAL",
          "EUCLEAN", "EBADMSG", "ENODATA", "ELOOP", "EISDIR", "ENXIO", "EFBIG", "ENOENT", "EAGAIN",
          "EPROTONOSUPPORT")
CALLS = "openat", "fstat,newfstatat", "read", "pread64"


def request(**more):
    return {"bot": "b", "model": "m", "response_ms": 5, "prompt_tokens": 1, **more}


@unittest.skipIf(SANITIZER, "strace and sanitizers do not go together")
class ReadErrorTest(BusTest):
    def traced(self, inject, *options, paths=(), once=True, **how):
        """An agent whose system calls fail; of those on certain files only, where they are named."""
        filters = [word for name in paths for word in ("-P", name, "-P", self.path(name))]
        calls = inject.split(":")[0]
        command = ["strace", "-f", "-qq", "-o", "/dev/null", *filters, "-e", f"trace={calls}",
                   "-e", f"inject={inject}", program("oragent"), "--bus", self.bus, "--data-dir",
                   self.data, "--io", "posix", "--journal", *options]
        if once:
            return subprocess.run([*command, "--once"], env=self.environment(), text=True,
                                  capture_output=True, timeout=60, check=False)
        agent = subprocess.Popen(command, env=self.environment(), text=True,
                                 stderr=subprocess.PIPE, **how)
        agent.log = []
        self.processes.append(agent)
        return agent

    def child_of(self, strace):
        """The agent itself: a signal to strace would only let it go."""
        with open(f"/proc/{strace.pid}/task/{strace.pid}/children", encoding="ascii") as file:
            return int(file.read().split()[0])

    def tearDown(self):
        for process in self.processes:
            if process.poll() is None:
                os.kill(self.child_of(process), signal.SIGKILL)
                process.wait(20)
        super().tearDown()

    def once(self, *options):
        done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once",
                             "--journal", *options)
        self.assertEqual(done.returncode, 0, done.stderr)

    def sections(self):
        """How many the checkpoint has: one a period, and two."""
        with open(self.path("state"), "rb") as file:
            content = file.read()
        at, count = 32, 0
        while at < len(content):
            at += 8 + struct.unpack_from("<II", content, at)[1]
            count += 1
        return count

    def let_late_hours_go(self):
        """An agent for which two minutes pass without a sample of theirs."""
        before = self.sections()
        clock = Clock(self.folder, time.time(), boottime=True)
        agent = self.start("oragent", "--bus", self.bus, "--data-dir", self.data, "--journal",
                           "--checkpoint-every", "1s", env=self.environment(**clock.environment()),
                           stderr=subprocess.PIPE)
        agent.log = []
        self.wait_log(agent, "serving bus")
        clock.set(clock.now() + 120)
        self.publish(request())
        wait_for(lambda: os.path.exists(self.path("state")) and self.sections() < before,
                 "the late hour to leave the checkpoint")
        self.processes.remove(agent)
        agent.send_signal(signal.SIGTERM)
        agent.wait(20)
        agent.stderr.close()

    def expect(self, total, where):
        """After a run in which nothing fails."""
        self.once()
        self.assertEqual(self.files("*.set-aside-*"), [], where)
        for kind in "hourly", "daily":
            found = [self.load(name) for name in self.files(f"{kind}_*.json")]
            self.assertEqual(sum(d["requests"]["total"] for d in found), total, where)
            self.assertEqual(sum(d["lost_samples"] + d["rejected_samples"] for d in found), 0)
        lines = 0
        for name in self.files("requests_*.ndjson"):
            with open(self.path(name), encoding="utf-8") as file:
                lines += len(file.readlines())
        self.assertEqual(lines, total, where)

    def test_every_errno_at_every_call_of_reading_a_file_of_the_start(self):
        self.publish(*[request()] * 100)
        self.once()
        self.once()
        journal = self.files("requests_*.ndjson")[0]
        total, refused = 100, 0
        for name in "state", journal:
            for call in CALLS:
                for error in ERRORS:
                    where = name, call, error
                    self.publish(request())
                    total += 1
                    # The journal is written to, later: that may succeed.
                    when = "1+" if name == "state" else "1"
                    done = self.traced(f"{call}:error={error}:when={when}", paths=[name])
                    self.assertEqual(self.files("*.set-aside-*"), [], where)
                    self.assertIn(done.returncode, (0, 1), (where, done.stderr))
                    if done.returncode == 1:
                        self.assertIn(name, done.stderr, where)
                        self.assertIn("ERROR", done.stderr, where)
                        refused += 1
                self.expect(total, (name, call))
        # Else nothing was injected: of the journal no byte is read() but one by pread64().
        self.assertGreaterEqual(refused, 4 * len(ERRORS))

    def test_the_checkpoint_before_is_not_moved_for_an_error_either(self):
        self.publish(*[request()] * 100)
        self.once()
        self.publish(request())
        self.once()
        with open(self.path("state"), "r+b") as file:
            file.seek(40)
            file.write(b"damage")
        for error in ERRORS:
            done = self.traced(f"openat:error={error}:when=1+", paths=["state.previous"])
            self.assertEqual(done.returncode, 1, (error, done.stderr))
            self.assertIn("state.previous", done.stderr)
            # Nor the damaged one: the next start must know that it was.
            self.assertEqual(self.files("state*"), ["state", "state.previous"], error)
        self.once()
        aside = self.files("state*.set-aside-*")
        self.assertEqual(len(aside), 1)
        os.unlink(self.path(aside[0]))
        self.expect(101, "the checkpoint before")

    def test_each_call_of_the_start_one_after_the_other(self):
        """Any call of the whole start, in any file, the loader's included."""
        self.publish(*[request()] * 100)
        self.once()
        total, ended = 100, 0
        for call, error in (("openat", "EMFILE"), ("openat", "EIO"), ("read", "EIO"),
                            ("pread64", "EIO"), ("fstat,newfstatat", "EIO"),
                            ("getdents64", "EIO")):
            least = ended
            for n in range(1, 200):
                self.publish(request())
                total += 1
                with_log = os.path.join(self.folder, "calls")
                command = ["strace", "-qq", "-o", with_log, "-e", f"trace={call}", "-e",
                           f"inject={call}:error={error}:when={n}", program("oragent"), "--bus",
                           self.bus, "--data-dir", self.data, "--io", "posix", "--journal", "--once"]
                done = subprocess.run(command, env=self.environment(), text=True,
                                      capture_output=True, timeout=60, check=False)
                where = call, error, n
                self.assertEqual(self.files("*.set-aside-*"), [], where)
                if done.returncode != 0:
                    self.assertTrue(done.stderr.strip(), where)
                    ended += 1
                with open(with_log, encoding="utf-8", errors="replace") as file:
                    if "INJECTED" not in file.read():
                        break
                self.expect(total, where)
            self.assertGreater(ended, least, (call, error, "was never a reason to end"))

    def test_a_late_hour_whose_file_cannot_be_read_for_a_while(self):
        yesterday = time.time() - 86400
        self.publish(*[request(ts=yesterday)] * 100)
        self.once()
        name = next(n for n in self.files("hourly_*.json")
                    if self.load(n)["requests"]["total"] == 100)
        faults = (("openat", "EIO"), ("openat", "ENOENT"), ("openat", "EISDIR"),
                  ("fstat,newfstatat", "EIO"), ("read", "EIO"), ("read", "EBADMSG"))
        for n, (call, error) in enumerate(faults):
            with self.subTest(f"{call} {error}"):
                # When no checkpoint holds the hour any more its file is read.
                self.let_late_hours_go()
                # Four tries fail, for a call that is made once a try; it waits 1, 2, 4 and 8 s.
                times = 4 if n == 0 else 1
                agent = self.traced(f"{call}:error={error}:when=1..{times}", "--checkpoint-every",
                                    "1s", paths=[name], once=False)
                self.wait_log(agent, "serving bus")
                self.publish(request(ts=yesterday))
                self.wait_log(agent, f"could not read {name}")
                self.wait_file(name, lambda d, total=101 + n: d["requests"]["total"] == total, 40)
                self.assertEqual(self.files("*.set-aside-*"), [])
                self.wait_log(agent, f"{name} is written again")
                os.kill(self.child_of(agent), signal.SIGTERM)
                agent.wait(20)
                agent.stderr.close()
        self.assertEqual(self.load(name)["requests"]["total"], 100 + len(faults))

    def test_what_is_no_file_of_ours_is_moved_out_of_the_way(self):
        """It is not damaged and was not read; but nothing could be stored in its place."""
        self.publish(request())
        self.once()
        kinds = {"a link": lambda path: os.symlink("elsewhere", path), "a folder": os.mkdir,
                 "a FIFO": os.mkfifo}
        for what, make in kinds.items():
            with self.subTest(what):
                for name in "state", "state.previous":
                    path = self.path(name)
                    if os.path.exists(path):
                        os.unlink(path)
                    make(path)
                self.once()
                self.assertTrue(os.path.isfile(self.path("state")))
        self.assertEqual(len(self.files("state*.set-aside-*")), 6)


if __name__ == "__main__":
    unittest.main(verbosity=2)
