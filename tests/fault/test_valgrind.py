"""Agent and tools under Valgrind: nothing read before it is written, nothing left behind."""
import os
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
from harness import SANITIZER, BusTest, program  # noqa: E402

VALGRIND = ["-q", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite"]
LINES = "".join('{"kind": "%s", "model": "m%d", "name": "n", "value": 1, "response_ms": 5, '
                '"tags": {"user": "u%d"}}\n' % (kind, n, n)
                for n, kind in enumerate(["request", "begin", "gauge", "count"] * 25))


@unittest.skipIf(SANITIZER, "a sanitizer looks for itself")
class ValgrindTest(BusTest):
    def test_agent_and_tools_are_clean(self):
        for status, name, arguments in (
                (0, "orpub", ["--model", "m", "--response-ms", "5", "--tag", "a=b"]),
                (0, "orpub", ["--json-lines"]),
                (3, "orpub", ["--json-lines", "--bus", "/no/such/folder/ring"]),
                (0, "ortail", ["-1", "--kind", "all"]),
                (0, "ortail", ["-1", "--format", "csv"]),
                (0, "orstat", []),
                (0, "oragent", ["--once", "--io", "posix", "--data-dir", self.data]),
                (0, "orstat", ["--json"]),
                (0, "orreport", ["--data-dir", self.data, "--by", "bot"]),
                (0, "orreport", ["--data-dir", self.data, "--format", "html"]),
                (0, "orreport", ["--data-dir", self.data, "-c", "today..today"]),
                (1, "orcall", ["--url", "http://127.0.0.1:9", "hello"])):
            done = self.run_tool_under_valgrind(name, arguments)
            self.assertEqual(done.returncode, status, (name, arguments, done.stderr))

    def run_tool_under_valgrind(self, name, arguments):
        return subprocess.run(["valgrind", *VALGRIND, program(name), *arguments], input=LINES,
                              capture_output=True, text=True, check=False, timeout=120,
                              env=self.environment(ORBUS=self.bus))


if __name__ == "__main__":
    unittest.main(verbosity=2)
