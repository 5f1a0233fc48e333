"""Ten thousand short-lived bots leave no trace: not in shared memory, not in orstat's time, not in the
agent's memory; and each of their requests is counted."""
import json
import os
import re
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
from harness import SANITIZER, BusTest, wait_for  # noqa: E402

BOTS = 1000 if SANITIZER else 10000
WARM_UP = 200
AT_A_TIME = 4


class ChurnTest(BusTest):
    def total(self):
        done = self.run_tool("orstat", "--bus", self.bus, "--window", "start", "--json")
        return json.loads(done.stdout)["requests"]

    def measure(self, agent):
        with open(f"/proc/{agent.pid}/status", encoding="ascii") as file:
            resident = int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))
        times = []
        for _ in range(20):
            started = time.perf_counter()
            self.run_tool("orstat", "--bus", self.bus)
            times.append(time.perf_counter() - started)
        ring = os.stat(f"/dev/shm/{self.bus}")
        return {"bytes": ring.st_size, "blocks": ring.st_blocks, "agent_kib": resident,
                "orstat_ms": 1000 * sorted(times)[10], "files": len(os.listdir("/dev/shm"))}

    def churn(self, bots):
        done = self.run_tool("churn", self.bus, bots, AT_A_TIME, timeout=300)
        self.assertEqual((done.returncode, done.stdout), (0, f"{bots} bots, 0 failed\n"),
                         done.stderr)

    def test_they_leave_nothing_behind(self):
        agent = self.start_agent("--checkpoint-every", "1s")
        # The first ones reserve as many lanes as there are bots at a time, and fill the agent's tables.
        self.churn(WARM_UP)
        wait_for(lambda: self.total()["total"] == WARM_UP, "the first ones")
        before = self.measure(agent)
        started = time.monotonic()
        self.churn(BOTS)
        took = time.monotonic() - started
        wait_for(lambda: self.total()["total"] == WARM_UP + BOTS, "all requests")
        after = self.measure(agent)
        print(f"{BOTS} bots in {took:.1f} s: {before} -> {after}")
        seen = self.total()
        self.assertEqual((seen["ok"], seen["orphaned"], seen["in_flight"]),
                         (WARM_UP + BOTS, 0, 0))
        self.assertEqual(after["bytes"], before["bytes"])
        # A dead bot's lane is free some milliseconds later: the next one may need another.
        lanes = (after["blocks"] - before["blocks"]) * 512 / (2 << 20)
        self.assertLess(lanes, 64, "lanes reserved")
        # The rolling windows fill with time, however many bots there are: the next ten thousand add less. (A
        # sanitizer keeps what is freed for a while.)
        if not SANITIZER:
            self.assertLess(after["agent_kib"] - before["agent_kib"], 8192)


if __name__ == "__main__":
    unittest.main(verbosity=2)
