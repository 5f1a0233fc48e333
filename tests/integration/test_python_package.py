"""The package as `pip install` makes it from the clone, and where it says why it cannot be made."""
import os
import shutil
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


WITHOUT_GIL = "this free-threaded Python does not have"


class ConfigureTest(unittest.TestCase):
    """What pip has CMake do first, on machines and with interpreters that this one lacks."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="orbus-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def configure(self, python=sys.executable, source=os.path.join(SOURCE, "bindings", "python"),
                  **environment):
        """CMake's exit status, and what it says, without its line breaks."""
        done = subprocess.run(
            ["cmake", "-G", "Ninja", "-S", source, "-B", os.path.join(self.folder, "build"),
             f"-DPython3_EXECUTABLE={python}"], check=False, capture_output=True, text=True,
            env={**os.environ, **environment})
        return done.returncode, " ".join((done.stdout + done.stderr).split())

    def test_a_free_threaded_python_is_refused(self):
        self.write("sitecustomize.py",
                   "import sysconfig\nsysconfig.get_config_vars()['Py_GIL_DISABLED'] = 1\n")
        python = self.write("python3", f"#!/bin/sh\nPYTHONPATH='{self.folder}' "
                                       f"exec '{sys.executable}' \"$@\"\n")
        os.chmod(python, 0o755)
        status, said = self.configure(python)
        self.assertIn(WITHOUT_GIL, said)
        self.assertNotEqual(status, 0)

    def test_a_free_threaded_python_that_finds_the_package_is_told_why(self):
        done = subprocess.run([sys.executable, "-c", "import sys; sys.abiflags = 't'; import orbus"],
                              check=False, capture_output=True, text=True)
        self.assertIn("ImportError: orbus relies", done.stderr)
        self.assertIn(WITHOUT_GIL, done.stderr)

    def test_a_copy_of_the_folder_is_not_enough(self):
        copy = os.path.join(self.folder, "python")
        shutil.copytree(os.path.join(SOURCE, "bindings", "python"), copy)
        status, said = self.configure(source=copy)
        self.assertIn("pip install --upgrade pip", said)
        self.assertNotEqual(status, 0)

    def test_msgpack_by_its_later_name_and_with_a_wrong_folder(self):
        for name in "jansson", "libxxhash":
            folder = subprocess.run(["pkg-config", "--variable=pcfiledir", name], check=True,
                                    capture_output=True, text=True).stdout.strip()
            shutil.copy(os.path.join(folder, f"{name}.pc"), self.folder)
        self.write("msgpack-c.pc", "Name: MessagePack\nDescription: as Debian 13 has it\n"
                                   "Version: 6.0.1\nLibs: -lmsgpack-c\nCflags: -Iinclude\n")
        status, said = self.configure(PKG_CONFIG_LIBDIR=self.folder, PKG_CONFIG_PATH="")
        self.assertEqual(status, 0, said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
