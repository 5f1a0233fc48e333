"""A real language model behind the protocol, asked by the openai package: what is measured agrees with
the engine's own counts and timings."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from python_packages import run_in_environment, skip  # noqa: E402

if os.environ.get("ORBUS_SANITIZE"):
    skip("sanitizers take time that the engine's timings do not know of")
run_in_environment()

import openai  # noqa: E402
import orbus  # noqa: E402
import test_llm  # noqa: E402
import unittest  # noqa: E402
from harness import wait_for  # noqa: E402


class PythonModelTest(test_llm.LanguageModelTest):
    """Its tests of orcall are not repeated here."""

    test_an_answer_in_one_piece = test_the_ecosystems_client_understands_the_server = None

    def test_time_to_first_token_and_speed_agree_with_the_engine(self):
        client = openai.OpenAI(base_url=self.url, api_key="none")
        first = []
        with orbus.Producer("llm", self.bus) as bus, orbus.instrument(client, bus):
            for n in range(test_llm.ROUNDS):
                prompt = f"Tell me a long story about the number {n}."
                words = [c.choices[0].delta.content for c in client.chat.completions.create(
                    model="local", messages=[{"role": "user", "content": prompt}], max_tokens=40,
                    stream=True, stream_options={"include_usage": True}) if c.choices]
                self.assertGreater(len(words), 5)
                with orbus.tail(self.bus, follow=False, last=1) as tail:
                    sample = next(tail)
                engine = wait_for(lambda: self.timings(sample["request_id"]), "the timings")
                self.assertEqual((sample["status"], sample["stream"]), ("ok", True))
                self.assertEqual(sample["completion_tokens"], engine["usage"]["completion_tokens"])
                self.assertEqual(sample["prompt_tokens"], engine["usage"]["prompt_tokens"])
                ours, theirs = sample["ttft_ms"], engine["timings"]["prompt_ms"]
                # Up to 10 ms are the package's own, before it sends and after it received.
                first.append((min(ours, max(theirs, ours - 10)), theirs))
            self.assertEqual(bus.dropped, 0)
        self.assert_agrees("TTFT", first)


if __name__ == "__main__":
    unittest.main(verbosity=2, defaultTest="PythonModelTest")
