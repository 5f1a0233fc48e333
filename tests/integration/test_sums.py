"""Sums are exact and the same in every view: samples of several processes, over several hours, with
agents killed and stopped in between, beside the sums of the same decimals in Python's fractions."""
import itertools
import json
import os
import random
import subprocess
import sys
import time
import unittest
from fractions import Fraction

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from python_packages import run_with_package  # noqa: E402

if __name__ == "__main__":
    run_with_package()

import orbus  # noqa: E402
from harness import SANITIZER, BusTest, program, wait_for  # noqa: E402
from node_package import STAGE, environment, install_node, stage  # noqa: E402

SEED = 20261129
HOURS = 3
PROCESSES = 3
ROUNDS = 4
SAMPLES = 150  # of each process in each round
NODE = """
import { merge } from 'orbus'
process.stdout.write(JSON.stringify(await merge(JSON.parse(process.argv[2]))))
"""


def decimal(rng, digits, places):
    """A decimal that a double tells, as text."""
    return f"{rng.randrange(10**digits)}e-{places}"


class Expected:
    """The sums of the published samples."""

    def __init__(self):
        self.requests = 0
        self.cost, self.response_ms, self.gauge, self.count = (Fraction(0) for _ in range(4))
        self.models = {}

    def add(self, sample):
        if sample["kind"] == "request":
            self.requests += 1
            self.cost += Fraction(sample["cost_usd"])
            self.response_ms += Fraction(sample["response_ms"])
            self.models[sample["model"]] = (self.models.get(sample["model"], 0) +
                                            Fraction(sample["cost_usd"]))
        elif sample["kind"] == "gauge":
            self.gauge += Fraction(sample["value"])
        else:
            self.count += Fraction(sample["value"])


class SumsTest(BusTest):
    def setUp(self):
        super().setUp()
        self.rng = random.Random(SEED)
        self.expected = Expected()
        self.moments = itertools.count(int(time.time() * 1e9) - 10**9)

    def draw(self):
        rng = self.rng
        ts = next(self.moments) - rng.randrange(HOURS) * 3600 * 10**9
        sample = {"kind": rng.choice(("request",) * 6 + ("gauge", "count")), "bot": "acore",
                  "ts": f"{ts // 10**9}.{ts % 10**9:09}"}
        if sample["kind"] == "request":
            sample.update(model=rng.choice("abcd"), provider=rng.choice("xy"),
                          cost_usd=rng.choice(("0.000013", "0.1", "0.0000000375", decimal(rng, 9, 10),
                                               decimal(rng, 14, 9))),
                          response_ms=decimal(rng, 11, 6))
        else:
            sign = rng.choice(("", "-")) if sample["kind"] == "gauge" else ""
            sample.update(name="n", value=sign + decimal(rng, 13, 8))
        self.expected.add(sample)
        return sample

    def line(self, sample):
        numbers = ("cost_usd", "response_ms", "value")
        return "{" + ", ".join(f'"{key}": {value if key in numbers or key == "ts" else json.dumps(value)}'
                               for key, value in sample.items()) + "}\n"

    def publish_round(self):
        publishers = [self.start("orpub", "--bus", self.bus, "--json-lines", stdin=subprocess.PIPE)
                      for _ in range(PROCESSES)]
        for publisher in publishers:
            publisher.stdin.write("".join(self.line(self.draw()) for _ in range(SAMPLES)))
            publisher.stdin.close()
        for publisher in publishers:
            self.assertEqual(publisher.wait(60), 0)
            publisher.stdin = None

    def check(self, document, where):
        """Every figure is the double next to the exact one."""
        e = self.expected
        self.assertEqual(document["requests"]["total"], e.requests, where)
        self.assertEqual(document["cost_usd"], float(e.cost), where)
        self.assertEqual(document["response_times"]["avg"],
                         float(e.response_ms / e.requests), where)
        for model, cost in e.models.items():
            if "by_model" in document:
                self.assertEqual(document["by_model"][model]["cost"], float(cost), (where, model))
        self.assertEqual(document["histograms"]["response_times"]["sum"], float(e.response_ms), where)
        if "gauges" in document:
            self.assertEqual(document["gauges"]["n"]["sum"], float(e.gauge), where)
        self.assertEqual(document["service_metrics"]["n"], float(e.count), where)

    def same_sums(self, one, other):
        """To the last bit: with the rests that doubles leave out."""
        for key in ("cost_usd", "cost_usd_rest", "counts", "counts_rest", "histograms", "tps",
                    "response_times", "by_model", "by_bot", "by_provider", "gauges"):
            self.assertEqual(one.get(key), other.get(key), key)

    def count_all(self):
        """Publishes it all, while agents are killed and stopped; the documents of the last board."""
        boards = {}
        for number in range(ROUNDS):
            agent = self.start_agent("--checkpoint-every", "1s")
            self.publish_round()
            if number % 2:
                self.stop_agent(agent)
                continue
            time.sleep(self.rng.random() * 1.5)
            agent.kill()
            agent.wait()
        agent = self.start_agent("--checkpoint-every", "1s")

        def lifetime():
            done = self.run_tool("orstat", "--bus", self.bus, "--window", "day", "--json")
            boards.update(json.loads(done.stdout) if done.returncode == 0 else {})
            return boards.get("lifetime", {}).get("requests", {}).get("total") == \
                self.expected.requests
        wait_for(lifetime, "the board to have all")
        self.stop_agent(agent)
        return boards

    def test_every_view_has_the_same_sums(self):
        board = self.count_all()
        e = self.expected
        self.assertEqual(board["lifetime"]["cost_usd"], float(e.cost))
        self.assertEqual(board["lifetime"]["response_times"]["avg"],
                         float(e.response_ms / e.requests))
        self.assertEqual(board["lifetime"]["counts"]["n"], float(e.count))
        hours = [self.path(name) for name in self.files("hourly_*")]
        days = [self.path(name) for name in self.files("daily_*")]
        self.assertGreaterEqual(len(hours), HOURS)
        merged = orbus.merge(hours)
        self.check(merged, "the hours")
        self.check(orbus.merge(days), "the days")
        self.same_sums(merged, orbus.merge(days))
        if len(days) == 1:  # else the day of the board has not all
            self.assertEqual(board["cost_usd"], float(e.cost))
            self.assertEqual({name: m["cost"] for name, m in board["by_model"].items()},
                             {name: float(cost) for name, cost in e.models.items()})
        for _ in range(6):
            self.rng.shuffle(hours)
            cut = self.rng.randrange(1, len(hours))
            self.same_sums(merged, orbus.merge([orbus.merge(hours[:cut]), orbus.merge(hours[cut:])]))
        self.check_report(merged)
        self.check_node(hours, merged)

    def check_report(self, merged):
        since = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400))
        for per in ("hour", "day"):
            done = self.run_tool("orreport", "--data-dir", self.data, "--utc", "--json", "--per", per,
                                 "--from", since)
            self.assertEqual(done.returncode, 0, done.stderr)
            total = json.loads(done.stdout)["total"]
            self.assertEqual(total["cost_usd"], merged["cost_usd"], per)
            self.assertEqual(total["response_times"], merged["response_times"], per)
            self.assertEqual(total["tps"], merged["tps"], per)
            self.assertEqual(total["histograms"]["response_times"],
                             merged["histograms"]["response_times"], per)

    def check_node(self, hours, merged):
        try:
            if "thread" in SANITIZER:
                raise unittest.SkipTest("Node itself is not made for ThreadSanitizer")
            node = install_node()
            stage(node)
        except unittest.SkipTest as reason:
            print(f"without Node: {reason}")
            return
        script = os.path.join(STAGE, f"sums-{os.getpid()}.mjs")
        self.addCleanup(os.unlink, script)
        with open(script, "w", encoding="ascii") as file:
            file.write(NODE)
        done = subprocess.run([node, script, json.dumps(hours)], env=environment(node), text=True,
                              capture_output=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.same_sums(merged, json.loads(done.stdout))

    def test_many_small_costs_are_their_sum(self):
        agent = self.start_agent("--checkpoint-every", "1s")
        lines = '{"bot": "acore", "model": "m", "response_ms": 0.1, "cost_usd": 0.000013}\n' * 100000
        done = self.run_tool("orpub", "--bus", self.bus, "--json-lines", input=lines, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.stop_agent(agent)
        done = subprocess.run([program("oragent"), "--bus", self.bus, "--data-dir", self.data, "--once"],
                              capture_output=True, text=True, check=False, env=self.environment())
        self.assertEqual(done.returncode, 0, done.stderr)
        total = orbus.merge([self.path(name) for name in self.files("hourly_*")])
        self.assertEqual(total["requests"]["total"], 100000)
        self.assertEqual(total["cost_usd"], 1.3)
        self.assertEqual(total["histograms"]["response_times"]["sum"], 10000)
        self.assertEqual(total["response_times"]["avg"], 0.1)


if __name__ == "__main__":
    unittest.main()
