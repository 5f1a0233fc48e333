"""A real language model behind the protocol: what is measured agrees with the engine's own timings,
and the ecosystem's own client understands the server as well."""
import json
import os
import re
import statistics
import subprocess
import unittest

from harness import SANITIZER, BusTest, wait_for
from node_package import STAGE, environment, install_node, stage

SOURCE = os.environ["ORBUS_SOURCE_DIR"]
FOLDER = os.path.join(SOURCE, "build", "llm")
ROUNDS = 5


def install():
    """The weights' path, or the reason why there are none."""
    done = subprocess.run([os.path.join(SOURCE, "scripts", "install-llm")], capture_output=True,
                          text=True, check=False)
    if done.returncode == 3:
        raise unittest.SkipTest(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return os.path.join(SOURCE, done.stdout.strip())


@unittest.skipIf(SANITIZER, "sanitizers take time that the engine's timings do not know of")
class LanguageModelTest(BusTest):
    @classmethod
    def setUpClass(cls):
        cls.weights = install()

    def setUp(self):
        super().setUp()
        self.log = os.path.join(self.folder, "llm.log")
        with open(self.log, "w", encoding="utf-8") as out:
            server = subprocess.Popen(["node", os.path.join(FOLDER, "server.mjs"), self.weights],
                                      stdout=out, stderr=subprocess.STDOUT)
        self.processes.append(server)
        self.url = wait_for(lambda: re.search(r"listening on (\S+)", self.read_log()),
                            "the model to be loaded", 60).group(1)

    def read_log(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def timings(self, generation):
        """What the engine says about a request, by its id."""
        for line in self.read_log().splitlines():
            if line.startswith("{") and generation in line:
                return json.loads(line)
        return None

    def call(self, *options):
        done = self.run_tool("orcall", "--bus", self.bus, "--url", self.url, "--json",
                             "--max-tokens", 40, *options, env=self.environment())
        self.assertEqual(done.returncode, 0, done.stderr)
        sample = json.loads(done.stdout)
        return sample, wait_for(lambda: self.timings(sample["request_id"]), "the timings")

    def assert_agrees(self, what, pairs):
        """The median of the rounds is within 5 % and 5 ms: a machine may stumble over one of them."""
        off = [abs(ours - theirs) - (0.05 * theirs + 5) for ours, theirs in pairs]
        self.assertLessEqual(statistics.median(off), 0, f"{what}: {pairs}")

    def test_time_to_first_token_and_speed_agree_with_the_engine(self):
        self.assert_agree_with_the_engine(
            self.call(f"Tell me a long story about the number {n}.") for n in range(ROUNDS))

    def test_the_node_binding_agrees_with_the_engine(self):
        node = install_node()
        stage(node)
        done = subprocess.run(
            [node, "test/support/ask.mjs", self.url, self.bus, str(ROUNDS)], cwd=STAGE, text=True,
            env=environment(node), capture_output=True, check=False, timeout=240)
        self.assertEqual(done.returncode, 0, done.stderr)
        samples = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(len(samples), ROUNDS)
        self.assert_agree_with_the_engine(
            (sample, wait_for(lambda: self.timings(sample["request_id"]), "the timings"))
            for sample in samples)

    def assert_agree_with_the_engine(self, pairs):
        first, whole = [], []
        for sample, engine in pairs:
            timings, usage = engine["timings"], engine["usage"]
            self.assertEqual((sample["status"], sample["stream"]), ("ok", True))
            self.assertEqual(sample["completion_tokens"], usage["completion_tokens"])
            self.assertEqual(sample["prompt_tokens"], usage["prompt_tokens"])
            first.append((sample["ttft_ms"], timings["prompt_ms"]))
            # Tokens a second, as the time that so many tokens took.
            whole.append((1000 * sample["completion_tokens"] / sample["tps"],
                          timings["prompt_ms"] + timings["predicted_ms"]))
        self.assert_agrees("TTFT", first)
        self.assert_agrees("TPS", whole)
        print(f"TTFT {first}\nresponse {whole}")

    def test_an_answer_in_one_piece(self):
        sample, engine = self.call("--no-stream", "Say hello.")
        self.assertEqual(sample["completion_tokens"], engine["usage"]["completion_tokens"])
        self.assertNotIn("ttft_ms", sample)

    def test_the_ecosystems_client_understands_the_server(self):
        done = subprocess.run(["node", os.path.join(FOLDER, "client.mjs"), self.url],
                              capture_output=True, text=True, check=False, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        seen = json.loads(done.stdout)
        self.assertTrue(seen["whole"]["text"])
        self.assertTrue(seen["streamed"]["text"])
        self.assertGreater(seen["streamed"]["chunks"], 5)
        for answer in (seen["whole"], seen["streamed"]):
            self.assertIn(answer["finish_reason"], ("stop", "length"))
            usage = answer["usage"]
            self.assertEqual(usage["total_tokens"],
                             usage["prompt_tokens"] + usage["completion_tokens"])
        self.assertEqual(seen["refused"]["status"], 400)


if __name__ == "__main__":
    unittest.main(verbosity=2)
