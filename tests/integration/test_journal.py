"""oragent --journal: every request as a line of JSON in the file of its hour."""
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import SANITIZER, Clock, program, wait_for  # noqa: E402
from journal_case import JournalTest, request, requests  # noqa: E402

START = 1764000900  # 2025-11-24 at 16:15:00 UTC
HOUR = "requests_20251124_16.ndjson"


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
        self.stop_agent(agent)
        # Time has passed, and the clock was not merely set.
        self.clock.set(START + 4 * 86400)
        self.confirm_clock(self.clock.now())
        agent = self.start_journal("--utc", "--retention-days", "3")
        wait_for(lambda: HOUR + ".zst" not in self.files("requests_*"), "it to be removed", 30)
        # The last checkpoint still had the hour: it is closed first.
        wait_for(lambda: not self.files("hourly_20251124_*"), "the hour to be removed", 90)
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
        self.wait_counted(100)  # a checkpoint names the lines
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
