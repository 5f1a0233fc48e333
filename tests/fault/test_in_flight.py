"""Requests in flight under bots that leak them, die at random, or flood: each request is ended,
orphaned or forgotten, and no bot affects the requests of another."""
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
from harness import SANITIZER, BusTest, wait_for  # noqa: E402

LEAKED = 100000
LANE_MAX = 1024  # INFLIGHT_LANE_MAX
GROWTH_KIB = 8 << 10


def begin(number, bot):
    return {"kind": "begin", "request_id": f"{bot}-{number}", "bot": bot, "requested_model": "m"}


def end(number, bot):
    return {"request_id": f"{bot}-{number}", "bot": bot, "model": "m", "response_ms": 5}


class InFlightTest(BusTest):
    def bot(self):
        return self.start("orpub", "--bus", self.bus, "--json-lines", stdin=subprocess.PIPE)

    def say(self, bot, *samples):
        bot.stdin.write("".join(json.dumps(sample) + "\n" for sample in samples))
        bot.stdin.flush()

    def statistics(self):
        done = self.run_tool("orstat", "--bus", self.bus, "--window", "start", "--json")
        return json.loads(done.stdout) if done.returncode == 0 else None

    def requests(self):
        return (self.statistics() or {}).get("requests", {})

    def wait_requests(self, **expected):
        try:
            wait_for(lambda: {k: self.requests().get(k) for k in expected} == expected,
                     f"{expected}", 30)
        except AssertionError as error:
            raise AssertionError(f"{error}; there are {self.requests()}") from None

    def resident_kib(self, process):
        with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"RssAnon:\s+(\d+)", status.read()).group(1))

    def test_a_bot_that_leaks_harms_itself_only(self):
        agent = self.start_agent("--checkpoint-every", "1s", "--slots", 131072)
        honest = self.bot()
        self.say(honest, *[begin(n, "honest") for n in range(50)])
        self.wait_requests(in_flight=50)
        before = self.resident_kib(agent)
        leaking = self.bot()
        self.say(leaking, *[begin(n, "leaky") for n in range(LEAKED)])
        wait_for(lambda: (self.statistics() or {}).get("agent", {}).get("in_flight_forgotten") ==
                 LEAKED - LANE_MAX, "all but the last to be forgotten", 60)
        self.assertRegex(self.wait_log(agent, "forgot"),
                         r"forgot \d+ requests that were begun and never ended.*\(bot 'leaky', lane")
        self.wait_requests(in_flight=50 + LANE_MAX, orphaned=0)
        if not SANITIZER:
            self.assertLess(self.resident_kib(agent) - before, GROWTH_KIB)
        # The end of one that was forgotten is counted as any other.
        self.say(leaking, end(0, "leaky"), end(LEAKED - 1, "leaky"))
        self.wait_requests(ok=2, in_flight=50 + LANE_MAX - 1)
        # Requests that others begin now are followed as if there were no leak.
        self.say(honest, *[begin(n, "honest") for n in range(50, 60)])
        self.wait_requests(in_flight=60 + LANE_MAX - 1)
        honest.kill()
        self.wait_requests(orphaned=60, in_flight=LANE_MAX - 1)
        leaking.kill()
        self.wait_requests(orphaned=60 + LANE_MAX - 1, in_flight=0, ok=2)
        log = self.stop_agent(agent)
        self.assertNotIn("overwritten", log)
        self.assertLessEqual(sum("forgot" in line for line in log.splitlines()), 2, log)

    def test_orphans_are_counted_once_however_often_the_agent_dies(self):
        rng = random.Random(int(os.environ.get("ORBUS_TEST_SEED", "1")))
        options = ("--checkpoint-every", "1s", "--slots", 8192)
        agent = self.start_agent(*options)
        steady = self.bot()
        begun = ended = mortal_ends = orphans = 0
        for _ in range(4 if SANITIZER else 10):
            # One bot runs all the time: requests that it began under one agent end under another.
            for _ in range(rng.randrange(1, 20)):
                self.say(steady, begin(begun, "steady"))
                begun += 1
                if rng.random() < 0.5:
                    self.say(steady, end(ended, "steady"))
                    ended += 1
            # And those that die at once, with some in flight, each in a lane that another had.
            for _ in range(rng.randrange(1, 4)):
                count = rng.randrange(1, 30)
                finished = rng.randrange(0, count + 1)
                self.publish(*[begin(i, "mortal") for i in range(count)],
                             *[end(i, "mortal") for i in range(finished)])
                orphans += count - finished
                mortal_ends += finished
            time.sleep(rng.uniform(0, 1.2))
            agent.kill()
            agent.wait()
            agent = self.start_agent(*options)
        expected = {"orphaned": orphans, "ok": ended + mortal_ends,
                    "in_flight": begun - ended}
        self.stop_agent(agent)
        done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once")
        self.assertEqual(done.returncode, 0, done.stderr)
        seen = self.load(self.files("daily_*.json")[0])["requests"]
        self.assertEqual({k: seen[k] for k in expected}, expected)
        # Once more: all that died was counted, and nothing is counted again.
        steady.kill()
        steady.wait()
        self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once")
        self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once")
        seen = self.load(self.files("daily_*.json")[0])["requests"]
        self.assertEqual((seen["orphaned"], seen["ok"], seen["in_flight"]),
                         (orphans + begun - ended, ended + mortal_ends, 0))

    def flood(self):
        bots = [self.start("publish_many", self.bus, "flood", "counts", 1 << 40,
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(4)]
        for bot in bots:
            self.assertEqual(bot.stdout.readline(), "ready\n")
            bot.stdin.close()

    def test_a_flood_does_not_keep_readers_from_ending(self):
        mortal = self.bot()
        self.say(mortal, *[begin(n, "mortal") for n in range(20)])
        self.wait_requests(in_flight=20)
        self.flood()
        # Without an agent: the figures are those of the ring.
        self.assertIsNone(self.statistics()["agent"])
        mortal.kill()
        mortal.wait()
        self.assertEqual(self.requests()["in_flight"], 0)
        done = self.run_tool("ortail", "--bus", self.bus, "-1", "-n", "5", "--group", "--quiet")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_flood_does_not_keep_the_agent_from_ending(self):
        agent = self.start_agent("--checkpoint-every", "1s")
        mortal = [self.bot() for _ in range(64)]
        for bot in mortal:
            self.say(bot, *[begin(n, "mortal") for n in range(20)])
        self.wait_requests(in_flight=64 * 20)
        self.flood()
        for bot in mortal:
            bot.kill()
        self.wait_requests(orphaned=64 * 20, in_flight=0)
        # The figures are never old under any load, and the heartbeat shows that the agent runs.
        for _ in range(10):
            self.assertIsNotNone(self.statistics()["agent"])
            time.sleep(0.1)
        started = time.monotonic()
        agent.send_signal(signal.SIGTERM)
        self.assertEqual(agent.wait(timeout=60), 0)
        took = time.monotonic() - started
        print(f"ended {took:.2f} s after SIGTERM")
        # A second on a machine of one's own; this one is shared by many.
        self.assertLess(took, 30 if SANITIZER else 5)


if __name__ == "__main__":
    unittest.main(verbosity=2)
