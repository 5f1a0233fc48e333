"""The screens that stand in README.md and docs/ have the labels, headings and columns that the programs print."""
import os
import shutil
import subprocess
import sys
import unittest

from harness import SANITIZER, main

SOURCE, BUILD = os.environ["ORBUS_SOURCE_DIR"], os.environ["ORBUS_BUILD_DIR"]


@unittest.skipIf(SANITIZER, "once is enough: the programs run under it in their own tests")
class ScreensTest(unittest.TestCase):
    def check(self, *scenes):
        done = subprocess.run([sys.executable, os.path.join(SOURCE, "scripts", "screens"), "--check", BUILD, *scenes],
                              capture_output=True, text=True, timeout=400, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_statistics(self):
        self.check("traffic")

    def test_alerts_and_lines_of_the_log(self):
        self.check("alerts", "log")

    @unittest.skipUnless(shutil.which("tmux"), "tmux is not installed")
    def test_the_live_screen(self):
        self.check("live")

    def test_groups(self):
        self.check("group")

    def test_calls_and_reports(self):
        self.check("calls", "history")


if __name__ == "__main__":
    main()
