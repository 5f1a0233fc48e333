"""What is done for each sample takes no more instructions than it did: counted by callgrind, which says
the same on a busy machine as on an idle one. A limit is an eighth above what was measured; who makes
something faster lowers it."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import SANITIZER, program

BUILD = os.environ["ORBUS_BUILD_DIR"]
LIMITS = {"publish": 1720, "decode": 1880, "aggregate": 1920}


@unittest.skipIf(SANITIZER, "a sanitizer's instructions are not ours")
@unittest.skipUnless(os.path.basename(BUILD) == "release", "only what is optimised is limited")
@unittest.skipUnless(shutil.which("valgrind"), "valgrind is not installed")
class InstructionsTest(unittest.TestCase):
    def instructions(self, what, count):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out",
                 program("hot_paths"), what, str(count)], capture_output=True, text=True,
                timeout=120, check=True)
        return int(re.search(r"Collected : (\d+)", done.stderr).group(1))

    def test_each_sample(self):
        for what, limit in LIMITS.items():
            with self.subTest(what):
                each = (self.instructions(what, 6000) - self.instructions(what, 1000)) / 5000
                print(f"{what}: {each:.0f} instructions, limit {limit}")
                self.assertLess(each, limit)


if __name__ == "__main__":
    unittest.main(verbosity=2)
