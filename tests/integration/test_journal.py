"""oragent --journal: every request as a line of JSON in the file of its hour, once, whatever happens."""
import collections
import glob
import json
import os
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import SANITIZER, BusTest, Clock, program, wait_for  # noqa: E402

START = 1764000900  # 2025-11-24 at 16:15:00 UTC
HOUR = "requests_20251124_16.ndjson"


def request(n, **more):
    return {"request_id": f"r{n}", "model": "m", "response_ms": 5, **more}


def requests(first, last, **more):
    return [request(n, **more) for n in range(first, last)]


class JournalTest(BusTest):
    def start_journal(self, *options, **how):
        return self.start_agent("--journal", "--checkpoint-every", "1s", *options, **how)

    def lines(self, name):
        """The objects of one of the journal's files."""
        with open(self.path(name), "rb") as file:
            content = file.read()
        if name.endswith(".zst"):
            content = subprocess.run(["zstd", "-dcq"], input=content, capture_output=True,
                                     check=True).stdout
        # A last line without its newline is being written.
        return [json.loads(line) for line in content.split(b"\n")[:-1]]

    def journal(self):
        """The request_ids of the whole journal, as a reader sees it."""
        names = set(self.files("requests_*.ndjson")) | set(self.files("requests_*.ndjson.zst"))
        return [line["request_id"] for name in sorted(names) if name + ".zst" not in names
                for line in self.lines(name)]

    def wait_journal(self, count, seconds=30):
        def there():
            found = self.journal()
            return found if len(found) == count else None
        return wait_for(there, f"{count} requests in the journal", seconds)

    def expect_each_once(self, first, last):
        self.assertEqual(sorted(self.journal()), sorted(f"r{n}" for n in range(first, last)))

    def wait_counted(self, count):
        """Waits until the files say so: then the checkpoint is stored too."""
        wait_for(lambda: sum(self.load(name)["requests"]["total"] for name in
                             self.files("hourly_*.json")) == count, f"{count} counted", 30)


class LinesTest(JournalTest):
    def test_a_line_is_what_ortail_prints(self):
        agent = self.start_journal()
        bot = self.start("orpub", "--bus", self.bus, "--json-lines", stdin=subprocess.PIPE)
        samples = [
            {"kind": "begin", "request_id": "lost", "bot": "acore", "requested_model": "m"},
            request(1, bot="acore", provider="P", stream=True, ttft_ms=870, response_ms=8210,
                    completion_tokens=345, cost_usd=0.01, tags={"user": "ann"}),
            request(2, status="error", error_type="rate_limited", http_status=429,
                    error_message="tab\tquote\" newline\n end\u202e of \x9b it"),
            {"kind": "count", "name": "messages_processed", "value": 1},
            {"kind": "gauge", "name": "discord_latency_ms", "value": 45.2},
        ]
        for sample in samples:
            bot.stdin.write(json.dumps(sample) + "\n")
        bot.stdin.flush()
        self.wait_journal(2)
        bot.kill()
        self.wait_journal(3)
        shown = self.run_tool("ortail", "--bus", self.bus, "-1", "--json").stdout.splitlines()
        self.stop_agent(agent)
        with open(self.path(self.files("requests_*.ndjson")[0]), encoding="ascii") as file:
            kept = file.read().splitlines()
        self.assertEqual(kept[:2], shown)
        orphan = json.loads(kept[2])
        self.assertEqual((orphan["status"], orphan["request_id"], orphan["requested_model"]),
                         ("orphaned", "lost", "m"))
        first = json.loads(kept[0])
        self.assertAlmostEqual(first["tps"], 42.0, 1)
        self.assertAlmostEqual(first["decode_tps"], 47.0, 1)

    def test_without_the_option_there_is_none(self):
        agent = self.start_agent("--checkpoint-every", "1s")
        self.publish(*requests(0, 5))
        self.wait_counted(5)
        self.stop_agent(agent)
        self.assertEqual(self.files("requests_*"), [])


class HoursTest(JournalTest):
    def setUp(self):
        super().setUp()
        self.clock = Clock(self.folder, START)

    def compressed_when_its_hour_ends(self, io):
        agent = self.start_journal("--utc", "--io", io)
        self.publish(*requests(0, 300))
        self.wait_journal(300)
        self.assertEqual(self.files("requests_*"), [HOUR])
        self.clock.set(START + 3600)
        wait_for(lambda: HOUR not in self.files("requests_*"), "the plain file to go", 30)
        self.assertIn(HOUR + ".zst", self.files("requests_*"))
        self.assertEqual(len(self.lines(HOUR + ".zst")), 300)
        self.assertLess(os.path.getsize(self.path(HOUR + ".zst")), 300 * 40)
        # What comes late makes a further part, which is compressed in its turn.
        self.publish(*requests(300, 320, ts="2025-11-24T16:59:59Z"))
        self.wait_journal(320)
        self.assertEqual(len(self.lines("requests_20251124_16.1.ndjson")), 20)
        self.clock.set(START + 3600 + 120)
        wait_for(lambda: "requests_20251124_16.1.ndjson.zst" in self.files("requests_*") and
                 "requests_20251124_16.1.ndjson" not in self.files("requests_*"),
                 "the part to be compressed", 30)
        self.publish(*requests(320, 330, ts="2025-11-24T16:59:59Z"))
        self.wait_journal(330)
        self.assertEqual(len(self.lines("requests_20251124_16.2.ndjson")), 10)
        self.stop_agent(agent)
        self.expect_each_once(0, 330)
        self.assertEqual(self.load("hourly_20251124_16.json")["requests"]["total"], 330)

    def test_an_hour_is_compressed_when_it_ends_with_io_uring(self):
        self.compressed_when_its_hour_ends("uring")

    def test_an_hour_is_compressed_when_it_ends_with_plain_system_calls(self):
        self.compressed_when_its_hour_ends("posix")

    def test_once_compresses_what_it_finds_to_be_over(self):
        self.publish(*requests(0, 50))
        self.clock.set(START + 3600)
        done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once",
                             "--journal", "--utc")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.files("requests_*"), [HOUR + ".zst"])
        self.expect_each_once(0, 50)

    def test_retention_is_that_of_the_other_files(self):
        agent = self.start_journal("--utc", "--retention-days", "3")
        self.publish(*requests(0, 20))
        self.wait_journal(20)
        self.clock.set(START + 2 * 86400)
        wait_for(lambda: HOUR + ".zst" in self.files("requests_*"), "it to be compressed", 30)
        with open(self.path("requests_of_mine.ndjson"), "w", encoding="ascii"):
            pass
        self.clock.set(START + 4 * 86400)
        wait_for(lambda: HOUR + ".zst" not in self.files("requests_*"), "it to be removed", 30)
        self.assertEqual(self.files("hourly_20251124_*"), [])
        self.assertIn("requests_of_mine.ndjson", self.files("requests_*"))
        self.stop_agent(agent)

    def test_the_hour_of_a_file_is_that_of_the_hourly_one(self):
        self.clock = Clock(self.folder, START, zone="Asia/Kolkata")
        agent = self.start_journal("--snapshot-every", "3h", env=self.environment(
            **self.clock.environment()))
        self.publish(*requests(0, 3))
        self.wait_journal(3)
        self.stop_agent(agent)
        self.assertEqual(self.files("hourly_*"), ["hourly_20251124_21.json"])
        self.assertEqual(self.files("requests_*"), ["requests_20251124_21.ndjson"])

    @unittest.skipIf(SANITIZER, "strace and sanitizers do not go together")
    def test_killed_between_the_compressed_file_and_the_end_of_the_plain_one(self):
        agent = self.start_journal("--utc")
        self.publish(*requests(0, 100))
        self.wait_journal(100)
        agent.kill()
        agent.wait()
        self.clock.set(START + 3600)
        subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=unlinkat", "-e",
                        "inject=unlinkat:signal=KILL:when=1", program("oragent"), "--bus", self.bus,
                        "--data-dir", self.data, "--journal", "--utc", "--io", "posix", "--once"],
                       env=self.environment(), capture_output=True, check=False, timeout=60)
        self.assertEqual(self.files("requests_*"), [HOUR, HOUR + ".zst"])
        shown = self.run_tool("ortail", "--bus", self.bus, "--data-dir", self.data, "-1", "--json",
                              "--since", "2d")
        self.assertEqual(len(shown.stdout.splitlines()), 100, shown.stderr)
        done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once",
                             "--journal", "--utc")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.files("requests_*"), [HOUR + ".zst"])
        self.expect_each_once(0, 100)


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
        self.assertIn("is not as the checkpoint knows it: set aside as", log)
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
        self.assertIn("set aside", log)
        self.expect_each_once(10, 20)
        with open(target, encoding="ascii") as file:
            self.assertEqual(file.read(), "precious\n")

    def test_a_file_that_the_checkpoint_does_not_know_is_kept_apart(self):
        def put(path):
            with open(os.path.join(os.path.dirname(path), "requests_20251124_03.ndjson"), "w",
                      encoding="ascii") as file:
                file.write(json.dumps(request(99)) + "\n")
        log = self.restart_after(put)
        self.assertIn("requests_20251124_03.ndjson is younger than the checkpoint", log)
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
            # Whatever happens to this test, the disk does not hang for ever: the end of the pipe
            # ends with this process.
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
