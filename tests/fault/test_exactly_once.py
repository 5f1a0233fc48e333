"""Every sample is counted exactly once when agents and bots are killed: a short soak, and a bot killed between any
two stores of its publish, and attackers beside honest bots."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from ring_image import Ring  # noqa: E402
from soak import BusTest, SANITIZER, Soak  # noqa: E402

SEED = int(os.environ.get("ORBUS_TEST_SEED", "20261124"))
ROUNDS = 15 if SANITIZER else 60
NO_MSGPACK = b"\xc1" * 16
WORD = 2 ** 64 - 1


def claim_word(epoch, count_id, count_head):
    """head_claim_word()."""
    x = (epoch * 0x9e3779b97f4a7c15 & WORD) ^ count_id
    x = ((x ^ x >> 29) * 0xbf58476d1ce4e5b9 & WORD) ^ count_head
    x = (x ^ x >> 32) * 0x94d049bb133111eb & WORD
    return x ^ x >> 31


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


class AttackedTest(Soak):
    def runTest(self):
        """A liar, a flooder of old hours and a leaker of begins cost honest bots nothing."""
        result = self.go(rounds=3 if SANITIZER else 6, seed=SEED + 2, attacks=True)
        print(result)
        self.assertGreaterEqual(result["attacker_kills"], 3)
        self.assertGreater(result["begins_leaked"], 0)
        self.assertGreater(result["old_published"], 0)


class RubbishTest(BusTest):
    """A lane is put aside after each 32 records of rubbish; the records behind them are still due."""

    def publish_behind_rubbish(self, rubbish):
        self.assertEqual(self.count_once(), (0, 0))
        self.publish({"model": "m", "bot": "first", "response_ms": 1})
        ring = Ring(f"/dev/shm/{self.bus}")
        for _ in range(rubbish):
            ring.publish(0, NO_MSGPACK)
        ring.close()
        self.publish({"model": "m", "bot": "behind", "response_ms": 1})

    def books(self):
        documents = [self.load(name) for name in self.files("hourly_*.json")]
        return (sum(d["requests"]["total"] for d in documents),
                sum(d["rejected_samples"] for d in documents))

    def count_once(self):
        done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once")
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.books()

    def test_once_counts_what_is_behind_rubbish(self):
        self.publish_behind_rubbish(600)
        self.assertEqual(self.count_once(), (2, 600))
        self.assertEqual(self.count_once(), (2, 600))

    def test_agents_that_live_for_moments_get_through_rubbish(self):
        """Each goes on where the one before was, and is not stopped by records that that one has counted."""
        self.publish_behind_rubbish(1000)
        for _ in range(8):
            self.stop_agent(self.start_agent())
        self.assertEqual(self.books(), (2, 1000))


class ForgedCountTest(BusTest):
    def forge(self, head):
        """The header of an owner who says that he began a count at record 10."""
        ring = Ring(f"/dev/shm/{self.bus}")
        for at, value in enumerate((head, 77, claim_word(77, 5, 10), 5, 10)):
            ring.put(ring.lane(0) + 8 * at, value)
        ring.close()

    def count_once(self):
        done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once")
        self.assertEqual(done.returncode, 0, done.stderr)
        return sum(self.load(name)["requests"]["total"] for name in self.files("hourly_*.json"))

    def test_an_agent_that_starts_counts_nothing_again(self):
        """Lower heads, and one that is as high as the true one."""
        self.count_once()
        published = 0
        for head in (50, 75, 300):
            self.publish(*[{"model": "m", "bot": "bot", "response_ms": 1}] * 100)
            published += 100
            self.assertEqual(self.count_once(), published)
            self.forge(head)
            self.assertEqual(self.count_once(), published)


class PublishTest(BusTest):
    @unittest.skipIf(SANITIZER, "a sanitizer's own instructions are not to be stepped through")
    def test_a_bot_killed_between_any_two_stores_harms_nobody(self):
        done = self.run_tool("publish_killed", self.bus, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("bots killed between the stores of one publish", done.stdout)


def load_tests(loader, _, __):
    """The base class of the soaks is no test of its own."""
    suite = unittest.TestSuite()
    for case in (PacedTest, FloodTest, AttackedTest, RubbishTest, ForgedCountTest,
                 PublishTest):
        suite.addTests(loader.loadTestsFromTestCase(case))
    return suite


if __name__ == "__main__":
    unittest.main(verbosity=2)
