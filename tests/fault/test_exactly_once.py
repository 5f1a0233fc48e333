"""Whatever dies, every sample is counted exactly once: a short soak, and a bot killed between any two
stores of its publish."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from soak import BusTest, SANITIZER, Soak  # noqa: E402

SEED = int(os.environ.get("ORBUS_TEST_SEED", "20261124"))
ROUNDS = 15 if SANITIZER else 60


class PacedTest(Soak):
    def runTest(self):
        """Nothing is lost while the agent is never away for longer than the ring holds."""
        print(self.go(rounds=ROUNDS, seed=SEED))
        self.assertGreater(self.agent_kills, ROUNDS - 1)
        self.assertGreater(self.bot_kills, 0)


class FloodTest(Soak):
    def runTest(self):
        """Bots at full speed lap the ring: what is lost is counted to the sample."""
        result = self.go(rounds=ROUNDS // 3, seed=SEED + 1, flood=True)
        print(result)
        self.assertGreater(result["lost"], 0)


class PublishTest(BusTest):
    @unittest.skipIf(SANITIZER, "a sanitizer's own instructions are not to be stepped through")
    def test_a_bot_killed_between_any_two_stores_harms_nobody(self):
        done = self.run_tool("publish_killed", self.bus, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("bots killed between the stores of one publish", done.stdout)


def load_tests(loader, _, __):
    """The base class of the soaks is no test of its own."""
    suite = unittest.TestSuite()
    for case in (PacedTest, FloodTest, PublishTest):
        suite.addTests(loader.loadTestsFromTestCase(case))
    return suite


if __name__ == "__main__":
    unittest.main(verbosity=2)
