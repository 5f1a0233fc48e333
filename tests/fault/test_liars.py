"""Lanes whose writers lie: heads that race, jump or go back, owners that are made up, records that are
rubbish, in 1, 8, 64 and 256 lanes, under one honest bot. It costs the liars their own samples and the
readers a bounded share of their time."""
import json
import os
import struct
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
from harness import SANITIZER, BusTest, main, wait_for  # noqa: E402

MODES = ("race", "random", "back", "owners", "records")
SECONDS = 4
# Sanity bounds, as the promise has them; a sanitizer's build has more time.
SLACK = 8 if SANITIZER else 1


class LiarsTest(BusTest):
    def statistics(self):
        done = self.run_tool("orstat", "--bus", self.bus, "--window", "start", "--json")
        return json.loads(done.stdout) if done.returncode == 0 else None

    def honest(self):
        seen = self.statistics()
        return seen["by_bot"].get("bot", {}).get("requests", 0) if seen else 0

    def heartbeat_age(self):
        """By the board's header: the heartbeat of CLOCK_BOOTTIME."""
        with open(f"/dev/shm/{self.bus}.board", "rb") as board:
            beat, = struct.unpack_from("<Q", board.read(72), 64)
        return time.clock_gettime(time.CLOCK_BOOTTIME) - beat / 1e9

    def start_liar(self, mode, lanes, seconds=SECONDS):
        liar = self.start("scribble", self.bus, mode, lanes, seconds, stdout=subprocess.PIPE)
        self.assertEqual(liar.stdout.readline(), "ready\n")
        return liar

    def start_bot(self, seconds):
        bot = self.start("worst_publish", self.bus, "bot", seconds, 1000, stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE)
        self.assertEqual(bot.stdout.readline(), "ready\n")
        return bot

    def under(self, mode, lanes):
        """The honest bot's samples are counted to the sample, and shown, while the liar lies."""
        self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once", "--lanes",
                      "320")
        agent = self.start_agent("--stop-within", "1s")
        bot = self.start_bot(SECONDS + 2)
        liar = self.start_liar(mode, lanes, SECONDS + 30)
        shown = os.path.join(self.folder, "shown")
        with open(shown, "w", encoding="utf-8") as out:
            tail = self.start("ortail", "--bus", self.bus, "--bot", "bot", "--format", "json",
                              stdout=out)
        oldest = 0
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            oldest = max(oldest, self.heartbeat_age())
            time.sleep(0.2)
        self.assertLess(oldest, 4 * SLACK)  # beaten once a second, and looked at a little later
        self.assertEqual(bot.wait(30), 0)
        books = json.loads(bot.stdout.read())
        self.assertEqual(books["refused"], 0)
        wait_for(lambda: self.honest() == books["published"],
                 f"{books}; there are {self.honest()}", 20)
        self.assertIsNone(liar.poll())
        log = self.stop_agent_soon(agent, 5 * SLACK)
        if mode != "records":
            self.assertIn("claims samples that nobody can have published", log)
        tail.terminate()
        tail.wait(20)
        with open(shown, encoding="utf-8") as lines:
            self.assertGreater(sum('"bot"' in line for line in lines), 1000)
        liar.kill()
        return log

    def test_one_lane(self):
        for mode in MODES:
            with self.subTest(mode=mode):
                self.under(mode, 1)
                self.tearDown()
                self.setUp()

    def test_eight_lanes(self):
        self.under("race", 8)

    def test_64_lanes(self):
        for mode in MODES:
            with self.subTest(mode=mode):
                self.under(mode, 64)
                self.tearDown()
                self.setUp()

    def test_256_lanes(self):
        for mode in MODES:
            with self.subTest(mode=mode):
                self.under(mode, 256)
                self.tearDown()
                self.setUp()

    def test_a_liar_is_logged_once_a_minute(self):
        agent = self.start_agent()
        liar = self.start_liar("race", 2)
        self.wait_log(agent, "lane 255 of bus")
        liar.wait(30)
        log = self.stop_agent(agent)
        self.assertEqual(log.count("claims samples that nobody can have published"), 2, log)

    def test_spoilt_lanes_serve_their_next_owners(self):
        """All lanes are spoilt, again and again; each time one bot after another publishes."""
        agent = self.start_agent("--lanes", "8", "--slots", "64")
        for _ in range(5):
            self.start_liar("spoil", 8).wait(30)
            before, lost = self.honest(), self.statistics()["lost_samples"]
            books = [self.start_bot(1) for _ in range(8)]
            books = [json.loads(b.stdout.read()) for b in books if b.wait(30) == 0]
            published = sum(b["published"] for b in books)
            wait_for(lambda: self.honest() - before + self.statistics()["lost_samples"] - lost ==
                     published, f"{published}; there are {self.honest() - before} and "
                     f"{self.statistics()['lost_samples'] - lost} lost")
        self.stop_agent(agent)

    def test_a_spinning_liar_costs_a_reader_little(self):
        """64 racing lanes: the agent's own time stays a small share."""
        agent = self.start_agent()
        self.start_liar("race", 64, 60)
        time.sleep(1)

        def used():
            with open(f"/proc/{agent.pid}/stat", encoding="ascii") as file:
                return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13])) / \
                    os.sysconf("SC_CLK_TCK")
        before = used()
        time.sleep(3)
        self.assertLess(used() - before, 1.0 * SLACK)
        self.stop_agent(agent)


if __name__ == "__main__":
    main()
