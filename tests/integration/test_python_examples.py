"""The READMEs' examples in Python run as they are, and so does the bot of discord.py's shape."""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from python_packages import SOURCE, run_in_environment  # noqa: E402

run_in_environment()

import orbus  # noqa: E402
import unittest  # noqa: E402
from harness import BusTest  # noqa: E402
from openrouter import OpenRouter, completion, stream  # noqa: E402


class ExamplesTest(BusTest):
    def run_python(self, *arguments, **environment):
        done = subprocess.run([sys.executable, *arguments], check=False, capture_output=True,
                              text=True, cwd=self.folder, timeout=60,
                              env={**os.environ, "ORBUS": self.bus, **environment})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def examples(self, *path):
        with open(os.path.join(SOURCE, *path), encoding="utf-8") as file:
            return re.findall(r"```python\n(.*?)```", file.read(), re.S)

    def test_the_readmes_six_lines(self):
        examples = self.examples("README.md")
        self.assertEqual(len(examples), 1)
        with OpenRouter(completion()) as server:
            self.run_python("-c", examples[0], OPENAI_BASE_URL=server.url, OPENAI_API_KEY="x")
        with orbus.tail(self.bus, follow=False) as tail:
            self.assertEqual([(s["bot"], s["status"], s["completion_tokens"]) for s in tail],
                             [("acore", "ok", 3)])

    def test_readme(self):
        examples = self.examples("bindings", "python", "README.md")
        self.assertEqual(len(examples), 4)
        with OpenRouter(completion()) as server:
            out = self.run_python("-c", "\n".join(examples), OPENAI_BASE_URL=server.url,
                                  OPENAI_API_KEY="x")
        self.assertRegex(out, r"Last response: [\d.]+ms, TPS: [\d.]+\n")
        with orbus.tail(self.bus, follow=False) as tail:
            self.assertEqual([(s["status"], s["completion_tokens"]) for s in tail],
                             [("ok", 3), ("ok", 287), ("ok", 3)])

    def test_the_bot(self):
        bot = os.path.join(SOURCE, "bindings", "python", "examples", "discord_bot.py")
        with OpenRouter(stream()) as server:
            self.assertEqual(self.run_python(bot, server.url, self.bus), "3 answers, 1 dropped\n")
        document = orbus.stats("5m", self.bus)
        self.assertEqual(document["requests"]["ok"], 3)
        self.assertEqual(document["active_stats"]["active_users"], 2)
        self.assertEqual(document["gauges"]["discord_latency_ms"]["count"], 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
