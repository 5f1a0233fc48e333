"""What is done for each sample takes no more instructions than it did: counted by callgrind, which says
the same on a busy machine as on an idle one. A limit is an eighth above the measured number; lower it when you
make something faster."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import SANITIZER, program

BUILD = os.environ["ORBUS_BUILD_DIR"]
LIMITS = {"publish": 1720, "decode": 1880, "aggregate": 1690}
# Since files have a breakdown, by combination, there is 70 % more of them to pass over.
REPORTED_FILE_LIMIT = 2300000


@unittest.skipIf(SANITIZER, "a sanitizer's instructions are not ours")
@unittest.skipUnless(os.path.basename(BUILD) == "release", "only what is optimised is limited")
@unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
class InstructionsTest(unittest.TestCase):
    def count(self, *command):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", *command],
                capture_output=True, text=True, timeout=120, check=True)
        return int(re.search(r"Collected : (\d+)", done.stderr).group(1))

    def instructions(self, what, count):
        return self.count(program("hot_paths"), what, str(count))

    def test_each_sample(self):
        for what, limit in LIMITS.items():
            with self.subTest(what):
                each = (self.instructions(what, 6000) - self.instructions(what, 1000)) / 5000
                print(f"{what}: {each:.0f} instructions, limit {limit}")
                self.assertLess(each, limit)

    def test_each_file_of_a_report(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([program("make_history"), "--days", "4", "--end", "1795651200", folder],
                           check=True)
            one, three = (self.count(program("orreport"), "--data-dir", folder, "--utc", "--per",
                                     "day", "--from", first, "--to", "2026-11-25")
                          for first in ("2026-11-25", "2026-11-23"))
        each = (three - one) / 48
        print(f"a file of a report: {each:.0f} instructions, limit {REPORTED_FILE_LIMIT}")
        self.assertLess(each, REPORTED_FILE_LIMIT)


if __name__ == "__main__":
    unittest.main(verbosity=2)
