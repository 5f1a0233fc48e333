"""The queries that docs/history.md shows, by jq and DuckDB, over a journal of several files."""
import json
import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import SANITIZER, Clock, wait_for  # noqa: E402
from journal_case import JournalTest  # noqa: E402

SOURCE = os.environ["ORBUS_SOURCE_DIR"]
START = 1764001800  # 2025-11-24 at 16:30:00 UTC


def blocks(language):
    """The code of this language in the document."""
    with open(os.path.join(SOURCE, "docs", "history.md"), encoding="utf-8") as file:
        return re.findall(rf"```{language}\n(.*?)```", file.read(), re.S)


@unittest.skipIf(SANITIZER, "other programs have nothing for a sanitizer to see")
class QueriesTest(JournalTest):
    def setUp(self):
        super().setUp()
        self.clock = Clock(self.folder, START)
        agent = self.start_journal("--utc")
        # 60 over two hours, the slower the later; every third is streamed, every tenth fails.
        self.publish(*[{"ts": f"2025-11-24T{15 + n // 30}:{n % 30:02}:00Z", "model": f"m{n % 2}",
                        "bot": "acore", "response_ms": 1000 + 100 * n, "completion_tokens": 100,
                        "cost_usd": 0.5, "request_id": f"r{n}",
                        **({"stream": True, "ttft_ms": 500} if n % 3 == 0 else {}),
                        **({"status": "error", "error_type": "rate_limited"} if n % 10 == 9 else {})}
                       for n in range(60)])
        self.wait_journal(60)
        self.clock.set(START + 61)
        wait_for(lambda: len(self.files("requests_*.ndjson.zst")) == 1 and
                 len(self.files("requests_*.ndjson")) == 1, "an hour to be compressed", 30)
        self.stop_agent(agent)

    def test_jq(self):
        slowest, streaming, wrong = [
            subprocess.run(["bash", "-c", "set -o pipefail; " + query], cwd=self.data,
                           capture_output=True, text=True, check=True).stdout
            for query in blocks("sh")]
        self.assertEqual(slowest.splitlines()[0],
                         "2025-11-24T16:28:00\tacore\tm0\t6.8\t100")
        self.assertEqual(len(slowest.splitlines()), 10)
        self.assertEqual([json.loads(line) for line in streaming.splitlines()],
                         [{"stream": False, "requests": 36, "avg_ms": 3900, "ttft_ms": None},
                          {"stream": True, "requests": 18, "avg_ms": 3900, "ttft_ms": 500}])
        self.assertEqual(wrong.split(), ["6", "rate_limited"])

    def test_duckdb(self):
        installed = subprocess.run([os.path.join(SOURCE, "scripts", "install-duckdb"),
                                    sys.executable], capture_output=True, text=True, check=False)
        if installed.returncode == 3:
            self.skipTest(installed.stderr.strip())
        self.assertEqual(installed.returncode, 0, installed.stderr)
        ask = ("import sys, json, duckdb\n"
               "print(json.dumps([duckdb.sql(q).fetchall() for q in json.load(sys.stdin)], default=str))")
        done = subprocess.run([sys.executable, "-c", ask], cwd=self.data, capture_output=True,
                              text=True, check=False, input=json.dumps(blocks("sql")),
                              env=dict(os.environ, PYTHONPATH=installed.stdout.strip(), TZ="UTC"))
        self.assertEqual(done.returncode, 0, done.stderr)
        slowest, streaming, cost = json.loads(done.stdout)
        self.assertEqual(slowest[0][1:], ["acore", "m0", 6.8, 100])
        self.assertEqual(len(slowest), 10)
        self.assertEqual([row[:2] for row in streaming], [[False, 36], [True, 18]])
        self.assertEqual([row[4] for row in streaming], [None, 500])
        self.assertEqual(sorted(row[:3] for row in cost), [["m0", 30, 15.0], ["m1", 30, 15.0]])


if __name__ == "__main__":
    unittest.main(verbosity=2)
