"""The journal's files damaged, removed or in the way, and disks that are full or hang: nothing is fatal, nothing
is there twice, and lines that could not be kept are counted."""
import collections
import glob
import json
import os
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
from harness import wait_for  # noqa: E402
from journal_case import JournalTest, request, requests  # noqa: E402


class DamageTest(JournalTest):
    def restart_after(self, spoil):
        """Publishes, kills the agent, spoils its file, and lets a new agent go on: its log."""
        agent = self.start_journal()
        self.publish(*requests(0, 10))
        self.wait_counted(10)
        agent.kill()
        agent.wait()
        name = self.files("requests_*.ndjson")[0]
        spoil(self.path(name))
        agent = self.start_journal()
        self.publish(*requests(10, 20))
        wait_for(lambda: set(self.journal()) >= {f"r{n}" for n in range(10, 20)}, "the new ones")
        return self.stop_agent(agent)

    def test_what_lies_beyond_the_checkpoint_is_cut_off(self):
        def append(path):
            with open(path, "a", encoding="ascii") as file:
                file.write('{"ts":"2025-11-24T16:00:00Z","request_id":"r99"}\n{"ts":"20')
        log = self.restart_after(append)
        self.assertNotIn("ERROR", log)
        self.expect_each_once(0, 20)

    def test_a_file_that_is_too_short_is_set_aside(self):
        log = self.restart_after(lambda path: os.truncate(path, 100))
        self.assertIn("is not as the checkpoint knows it: quarantined as", log)
        self.expect_each_once(10, 20)
        self.assertEqual(len(self.files("requests_*.set-aside-*")), 1)

    def test_a_file_that_is_gone_is_said(self):
        log = self.restart_after(os.unlink)
        self.assertIn("is missing: the requests that it held are gone", log)
        self.expect_each_once(10, 20)

    def test_a_link_in_its_place_is_set_aside(self):
        target = os.path.join(self.folder, "target")

        def put_link(path):
            with open(target, "w", encoding="ascii") as file:
                file.write("precious\n")
            os.unlink(path)
            os.symlink(target, path)
        log = self.restart_after(put_link)
        self.assertIn("quarantined", log)
        self.expect_each_once(10, 20)
        with open(target, encoding="ascii") as file:
            self.assertEqual(file.read(), "precious\n")

    def test_a_file_that_the_checkpoint_does_not_know_is_kept_apart(self):
        def put(path):
            with open(os.path.join(os.path.dirname(path), "requests_20251124_03.ndjson"), "w",
                      encoding="ascii") as file:
                file.write(json.dumps(request(99)) + "\n")
        log = self.restart_after(put)
        self.assertIn("requests_20251124_03.ndjson is of requests that no checkpoint counts", log)
        self.expect_each_once(0, 20)

    def test_without_any_checkpoint_what_is_there_stays(self):
        def spoil(_):
            for path in glob.glob(self.path("state*")):
                with open(path, "wb") as file:
                    file.write(b"nonsense")
        self.restart_after(spoil)
        self.expect_each_once(0, 20)

    def test_what_is_removed_or_put_in_the_way_while_it_runs(self):
        agent = self.start_journal()
        self.publish(*requests(0, 10))
        self.wait_journal(10)
        path = self.path(self.files("requests_*.ndjson")[0])
        os.unlink(path)
        self.publish(*requests(10, 20))
        self.wait_journal(10)
        self.wait_log(agent, "was removed: going on with a new one")
        os.unlink(path)
        os.mkdir(path)
        self.publish(*requests(20, 30))
        wait_for(lambda: os.path.isfile(path), "a file again", 30)
        self.wait_journal(10)
        self.stop_agent(agent)
        self.expect_each_once(20, 30)

    def test_a_stretch_without_the_option_is_missing_and_no_more(self):
        for first, options in ((0, ["--journal"]), (10, []), (20, ["--journal"])):
            agent = self.start_agent("--checkpoint-every", "1s", *options)
            self.publish(*requests(first, first + 10))
            self.wait_counted(first + 10)
            self.stop_agent(agent)
        self.assertEqual(sorted(self.journal()), sorted(f"r{n}" for n in [*range(10), *range(20, 30)]))


class DiskTest(JournalTest):
    def full_disk(self, io):
        os.mkdir(self.data)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", self.data],
                              capture_output=True, check=False)
        if done.returncode != 0:
            self.skipTest("may not mount a tmpfs here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.data], check=False)
        agent = self.start_journal("--io", io)
        self.publish(*requests(0, 10))
        self.wait_journal(10)
        with open(self.path("filler"), "wb", buffering=0) as filler:
            with self.assertRaises(OSError):
                while True:
                    filler.write(b"x" * 4096)
        self.publish(*requests(10, 200))
        self.wait_log(agent, "No space left on device", 30)
        time.sleep(2.5)
        self.publish(*requests(200, 300))
        os.unlink(self.path("filler"))
        self.wait_journal(300, 60)
        log = self.stop_agent(agent)
        self.assertEqual(log.count("No space left"), 1, log)
        self.assertIn("is written again", log)
        self.expect_each_once(0, 300)

    def test_a_full_disk_is_said_once_and_costs_nothing_with_io_uring(self):
        self.full_disk("uring")

    def test_a_full_disk_is_said_once_and_costs_nothing_with_plain_system_calls(self):
        self.full_disk("posix")

    def test_a_hanging_disk_stops_no_figures_and_what_finds_no_room_is_counted(self):
        image = os.path.join(self.folder, "image")
        os.mkdir(self.data)
        ready = subprocess.run(
            f"truncate -s 128M {image} && mkfs.ext4 -q {image} && mount -o loop {image} {self.data}",
            shell=True, capture_output=True, check=False)
        if ready.returncode != 0:
            self.skipTest("may not mount a disk image here")
        thaw = ["fsfreeze", "-u", self.data]
        try:
            agent = self.start_journal()
            self.publish(request(0))
            self.wait_journal(1)
            subprocess.run(["fsfreeze", "-f", self.data], check=True)
            # If this test fails, the disk must not hang for ever: the end of the pipe ends with this process.
            self.processes.append(subprocess.Popen(
                ["sh", "-c", "timeout 120 cat; " + " ".join(thaw)], stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            published = 1
            # 16 MiB may wait while one producer's 2 MiB are all that the ring is.
            while "the journal is full" not in "".join(agent.log) and published < 90000:
                self.publish(*requests(published, published + 3000, error_message="x" * 180,
                                       model="model" * 8))
                published += 3000
                wait_for(lambda n=published: self.shown() == n, "the board", 30)
                try:
                    self.wait_log(agent, "the journal is full", 0.1)
                except AssertionError:
                    pass
            self.assertIn("the journal is full", "".join(agent.log))
            subprocess.run(thaw, check=True)
            self.publish(*requests(published, published + 10))
            published += 10
            self.stop_agent(agent)
            hours = [self.load(name) for name in self.files("hourly_*.json")]
            not_kept = sum(d["journal_lost"] for d in hours)
            self.assertGreater(not_kept, 0)
            self.assertEqual(sum(d["requests"]["total"] for d in hours), published)
            found = self.journal()
            self.assertEqual(len(found) + not_kept, published)
            self.assertEqual(max(collections.Counter(found).values()), 1)
        finally:
            subprocess.run(thaw, capture_output=True, check=False)
            subprocess.run(["umount", "-l", self.data], check=False)

    def shown(self):
        done = self.run_tool("orstat", "--bus", self.bus, "--window", "start", "--json")
        return json.loads(done.stdout)["requests"]["total"] if done.returncode == 0 else None

    def test_a_removed_folder_is_made_anew(self):
        agent = self.start_journal()
        self.publish(*requests(0, 10))
        self.wait_journal(10)
        # An agent that stores just then may put a file into it.
        wait_for(lambda: subprocess.run(["rm", "-rf", self.data], capture_output=True,
                                        check=False).returncode == 0, "the folder to go")
        self.publish(*requests(10, 20))
        self.wait_log(agent, "was removed: made it anew", 30)
        wait_for(lambda: len(self.journal()) == 10, "the new ones", 30)
        self.stop_agent(agent)
        self.expect_each_once(10, 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
