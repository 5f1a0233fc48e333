"""The package as `pip install` makes it from the clone, and README's examples with it."""
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
from python_packages import SOURCE, run_in_environment, skip  # noqa: E402

if not os.environ["ORBUS_BUILD_DIR"].endswith("debug"):
    skip("it does not depend on the preset: see debug")
run_in_environment()


class PackageTest(unittest.TestCase):
    def test_pip_install_from_the_clone(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, "-m", "pip", "--retries", "1", "--timeout", "30",
                 "--disable-pip-version-check", "install", "--quiet", "--no-deps", "--target",
                 folder, os.path.join(SOURCE, "bindings", "python")], check=False, timeout=400,
                capture_output=True, text=True)
            if "scikit-build-core" in done.stderr and "No matching distribution" in done.stderr:
                self.skipTest("the registry does not answer")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            found = sorted(os.listdir(os.path.join(folder, "orbus")))
            self.assertIn("py.typed", found)
            self.assertIn("_orbus.pyi", found)
            self.assertEqual([name for name in os.listdir(folder) if name in ("lib", "include")], [])
            code = "import orbus; print(orbus.__version__, orbus.__file__)"
            done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True,
                                  text=True, env={**os.environ, "PYTHONPATH": folder})
            self.assertIn(folder, done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
