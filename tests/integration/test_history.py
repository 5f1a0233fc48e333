"""ortail --since and --until: from the journal into the ring, without gap or repeat."""
import json
import os
import random
import signal
import struct
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import SANITIZER, BusTest, Clock, wait_for  # noqa: E402

START = 1764000900  # 2025-11-24 at 16:15:00 UTC


def request(n, **more):
    return {"request_id": f"r{n}", "model": "m", "response_ms": 5, **more}


def requests(first, last, **more):
    return [request(n, **more) for n in range(first, last)]


def ids(output):
    return [json.loads(line)["request_id"] for line in output.splitlines()]


class HistoryTest(BusTest):
    def start_journal(self, *options):
        return self.start_agent("--journal", "--checkpoint-every", "1s", "--utc", *options)

    def ortail(self, *options, **how):
        return self.run_tool("ortail", "--bus", self.bus, "--data-dir", self.data, "--json",
                             *options, **how)

    def expect(self, wanted, *options, status=0):
        done = self.ortail("-1", *options)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(ids(done.stdout), [f"r{n}" for n in wanted])
        return done.stderr

    def wait_counted(self, count):
        """Waits until the files say so: then the checkpoint is stored too."""
        wait_for(lambda: sum(self.load(name)["requests"]["total"] for name in
                             self.files("hourly_*.json")) == count, f"{count} counted", 30)


class HandOverTest(HistoryTest):
    def test_every_request_is_shown_once_whenever_one_begins_to_look(self):
        """Bots publish, checkpoints are stored, agents are killed, and tails begin at any moment."""
        chance = random.Random(7)
        agent = self.start_journal("--slots", 65536)
        books = [os.path.join(self.folder, f"books{i}") for i in range(3)]
        bots = [self.start("bot", self.bus, f"bot{i}", books[i], 1500, i) for i in range(3)]
        wait_for(lambda: self.files("requests_*.ndjson"), "the journal", 30)
        tails = []
        for round_ in range(4 if SANITIZER else 10):
            time.sleep(chance.random() * 0.7)
            out = os.path.join(self.folder, f"tail{round_}")
            with open(out, "wb") as file:
                tail = self.start("ortail", "--bus", self.bus, "--data-dir", self.data, "--json",
                                  "--since", "3h", stdout=file, stderr=subprocess.PIPE)
            tails.append((tail, out))
            if round_ % 3 == 2:
                agent.kill()
                agent.wait()
                time.sleep(chance.random() * 0.3)
                agent = self.start_journal("--io", chance.choice(["posix", "uring"]))
        for bot in bots:
            bot.send_signal(signal.SIGTERM)
            bot.wait(20)
        published = 0
        for path in books:
            with open(path, "rb") as file:
                published += struct.unpack("<QQ", file.read(16))[1]

        def lines(path):
            with open(path, "rb") as file:
                return file.read().count(b"\n")
        for _, out in tails:
            wait_for(lambda out=out: lines(out) >= published, f"all of {published} in a tail", 30)
        time.sleep(0.3)
        self.stop_agent(agent)
        for tail, out in tails:
            tail.send_signal(signal.SIGTERM)
            self.assertEqual(tail.wait(20), 0)
            self.assertEqual(tail.stderr.read(), "")
            with open(out, encoding="utf-8") as file:
                found = ids(file.read())
            self.assertEqual(len(found), published)
            self.assertEqual(len(set(found)), published)
        self.assertGreater(published, 500)

    def test_it_works_while_the_agent_is_down(self):
        agent = self.start_journal()
        self.publish(*requests(0, 50))
        self.wait_counted(50)
        agent.kill()
        agent.wait()
        self.publish(*requests(50, 80))
        before = {name: os.stat(self.path(name)).st_mtime_ns for name in os.listdir(self.data)}
        self.assertEqual(self.expect(range(80), "--since", "1h"), "")
        self.assertEqual(before, {name: os.stat(self.path(name)).st_mtime_ns
                                  for name in os.listdir(self.data)})

    def test_what_the_ring_no_longer_holds_is_said_to_be_lost(self):
        agent = self.start_journal("--slots", 64)
        self.publish(*requests(0, 50))
        self.wait_counted(50)
        agent.kill()
        agent.wait()
        self.publish(*requests(50, 200))
        said = self.expect([*range(50), *range(136, 200)], "--since", "1h")
        self.assertIn("lost 86 samples", said)

    def test_other_kinds_come_from_the_ring(self):
        agent = self.start_journal()
        self.publish(*requests(0, 3), {"kind": "gauge", "name": "latency", "value": 4})
        self.wait_counted(3)
        done = self.ortail("-1", "--since", "1h", "--kind", "all")
        kinds = [json.loads(line)["kind"] for line in done.stdout.splitlines()]
        self.assertEqual(sorted(kinds), ["gauge"] + ["request"] * 3)
        self.stop_agent(agent)

    def test_the_journal_of_another_bus_is_followed_by_all_of_this_one(self):
        agent = self.start_journal()
        self.publish(*requests(0, 10))
        self.wait_counted(10)
        self.stop_agent(agent)
        for name in os.listdir("/dev/shm"):
            if name.startswith(self.bus):
                os.unlink(f"/dev/shm/{name}")
        self.expect(range(10), "--since", "1h")
        following = self.ortail("--since", "1h")
        self.assertEqual(following.returncode, 3, following.stderr)
        self.publish(*requests(10, 15))
        self.expect(range(15), "--since", "1h")

    def test_a_stretch_without_a_journal(self):
        for first, options in ((0, []), (10, ["--journal"]), (20, [])):
            agent = self.start_agent("--checkpoint-every", "1s", *options)
            self.publish(*requests(first, first + 10))
            self.wait_counted(first + 10)
            self.stop_agent(agent)
            # Before, within and after: nothing is missing as long as the ring holds it.
            said = self.expect(range(first + 10), "--since", "1h")
            self.assertEqual("no journal in" in said, first == 0, said)
            self.assertEqual("no longer kept" in said, first == 20, said)
        agent = self.start_journal()
        self.publish(*requests(30, 40))
        self.wait_counted(40)
        # From here on, requests of that stretch cannot be told from those in the journal.
        self.expect([*range(20), *range(30, 40)], "--since", "1h")
        self.stop_agent(agent)


class TimesTest(HistoryTest):
    def setUp(self):
        super().setUp()
        self.clock = Clock(self.folder, START)

    def test_only_the_stretch_that_was_asked_for(self):
        agent = self.start_journal()
        # One every ten minutes, from 12:00 to 16:10, later ones first; hours are compressed.
        stamps = [f"2025-11-24T{12 + n // 6:02}:{n % 6 * 10:02}:00Z" for n in range(26)]
        self.publish(*[request(n, ts=stamps[n], bot=f"bot{n % 2}") for n in reversed(range(26))])
        self.wait_counted(26)
        self.clock.set(START + 90)
        wait_for(lambda: len(self.files("requests_*.ndjson.zst")) == 4 and
                 len(self.files("requests_*.ndjson")) == 1, "four hours to be compressed", 30)
        self.expect(range(26), "--since", "yesterday")
        self.expect(range(14, 26), "--since", "2h")
        self.expect(range(9, 26), "--since", "13:30")
        self.expect(range(9, 21), "--since", "2025-11-24 13:30", "--until", "2025-11-24T15:30:00Z")
        self.expect(range(0, 9), "--until", "13:30")
        self.expect([21, 23, 25], "--since", "15:21", "--bot", "bot1")
        self.expect(range(23, 26), "--since", "12:00", "-n", "3")
        # One that is past ends by itself.
        done = self.ortail("--since", "13:30", "--until", "14:00")
        self.assertEqual((done.returncode, ids(done.stdout)), (0, ["r9", "r10", "r11"]))
        self.stop_agent(agent)

    def test_until_a_time_to_come_it_follows(self):
        agent = self.start_journal()
        self.publish(*requests(0, 5))
        self.wait_counted(5)
        self.clock.set(START)
        out = os.path.join(self.folder, "out")
        with open(out, "wb") as file:
            tail = self.start("ortail", "--bus", self.bus, "--data-dir", self.data, "--json",
                              "--since", "1h", "--until", "16:16", stdout=file)
        wait_for(lambda: os.path.getsize(out) > 0, "the past", 30)
        self.publish(*requests(5, 8))
        self.assertIsNone(tail.poll())
        self.clock.set(START + 61)
        self.publish(*requests(8, 10))
        self.assertEqual(tail.wait(30), 0)
        with open(out, encoding="utf-8") as file:
            self.assertEqual(ids(file.read()), [f"r{n}" for n in range(8)])
        self.stop_agent(agent)

    def test_times_that_are_none_are_refused(self):
        for options, said in ((["--since", "soon\x1b[31m"], r"--since: 'soon\x1b[31m' is no time"),
                              (["--until", "25:00"], "--until: '25:00' is no time"),
                              (["--since", "1h", "--until", "2h"], "must be after --since")):
            done = self.ortail(*options)
            self.assertEqual(done.returncode, 2)
            self.assertIn(said, done.stderr)
            self.assertEqual(done.stdout, "")

    def test_damage_is_told_and_passed_over(self):
        agent = self.start_journal()
        self.publish(*requests(0, 10))
        self.wait_counted(10)
        self.stop_agent(agent)
        path = self.path("requests_20251124_16.ndjson")
        with open(path, "r+b") as file:
            file.seek(5)
            file.write(b"\0\0\0")
        self.assertIn("1 damaged lines of the journal were passed over",
                      self.expect(range(1, 10), "--since", "1h"))
        for name in ("state", "state.previous"):
            os.truncate(self.path(name), 20)
        self.assertIn("checkpoint beside the journal cannot be read",
                      self.expect(range(1, 10), "--since", "1h"))

    def test_the_orphaned_are_in_the_history(self):
        agent = self.start_journal()
        bot = self.start("orpub", "--bus", self.bus, "--json-lines", stdin=subprocess.PIPE)
        bot.stdin.write(json.dumps({"kind": "begin", "request_id": "r0", "bot": "acore"}) + "\n")
        bot.stdin.flush()
        # By the board: no file is written for requests that have only begun.
        wait_for(lambda: json.loads(self.run_tool("orstat", "--bus", self.bus, "--json").stdout)[
            "requests"]["in_flight"] == 1, "it to be in flight", 30)
        bot.kill()
        self.wait_counted(1)
        self.expect([0], "--since", "1h", "--status", "orphaned")
        self.stop_agent(agent)


if __name__ == "__main__":
    unittest.main(verbosity=2)
