"""Shared by the tests of the journal: an agent with a journal, and looking into it."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import BusTest, wait_for  # noqa: E402


def request(n, **more):
    return {"request_id": f"r{n}", "model": "m", "response_ms": 5, **more}


def requests(first, last, **more):
    return [request(n, **more) for n in range(first, last)]


class JournalTest(BusTest):
    def start_journal(self, *options, **how):
        return self.start_agent("--journal", "--checkpoint-every", "1s", *options, **how)

    def lines(self, name):
        """The objects of one of the journal's files."""
        with open(self.path(name), "rb") as file:
            content = file.read()
        if name.endswith(".zst"):
            content = subprocess.run(["zstd", "-dcq"], input=content, capture_output=True,
                                     check=True).stdout
        # A last line without its newline is being written.
        return [json.loads(line) for line in content.split(b"\n")[:-1]]

    def journal(self):
        """The request_ids of the whole journal, as a reader sees it."""
        names = set(self.files("requests_*.ndjson")) | set(self.files("requests_*.ndjson.zst"))
        return [line["request_id"] for name in sorted(names) if name + ".zst" not in names
                for line in self.lines(name)]

    def wait_journal(self, count, seconds=30):
        def there():
            found = self.journal()
            return found if len(found) == count else None
        return wait_for(there, f"{count} requests in the journal", seconds)

    def expect_each_once(self, first, last):
        self.assertEqual(sorted(self.journal()), sorted(f"r{n}" for n in range(first, last)))

    def wait_counted(self, count):
        """Waits until the files say so: then the checkpoint is stored too."""
        wait_for(lambda: sum(self.load(name)["requests"]["total"] for name in
                             self.files("hourly_*.json")) == count, f"{count} counted", 30)
