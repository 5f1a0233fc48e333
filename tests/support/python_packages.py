"""Runs a test with the Python packages that bots use, in an environment of its own."""
import os
import subprocess
import sys

SOURCE = os.environ["ORBUS_SOURCE_DIR"]
PACKAGE = os.path.join(os.environ["ORBUS_BUILD_DIR"], "bindings", "python")
SANITIZER = os.environ.get("ORBUS_SANITIZE", "")
# The interpreter that runs has the packages, orbus too: see scripts/test-python.
INSTALLED = "ORBUS_PYTHON_INSTALLED" in os.environ


def sanitizer_environment():
    """What lets an uninstrumented Python load a module that AddressSanitizer watches."""
    if "address" not in SANITIZER:
        return {}
    library = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True,
                             check=True).stdout.strip()
    # Python itself frees little at its end.
    return {"LD_PRELOAD": os.path.realpath(library), "ASAN_OPTIONS": "detect_leaks=0"}


def skip(reason):
    """Ends the test as skipped: ctest is told by the exit status."""
    print(f"skipped: {reason}")
    sys.exit(77)


def tsan_python():
    """The interpreter that is linked with ThreadSanitizer, with the paths of the one that runs."""
    folders = os.environ["ORBUS_BIN_DIR"].split(os.pathsep)
    program = next(p for p in (os.path.join(f, "tsan_python") for f in folders) if os.access(p, os.X_OK))
    packages = [p for p in sys.path if p.endswith("site-packages")]
    os.execve(program, [program, *sys.argv], {**os.environ, "PYTHONPATH": os.pathsep.join([PACKAGE, *packages]),
                                              "ORBUS_TSAN_PYTHON": "1"})


def run_with_package():
    """Goes on with the package of the build folder, under the sanitizer that it was built with."""
    if INSTALLED or "ORBUS_TSAN_PYTHON" in os.environ:
        return
    if "thread" in SANITIZER:
        tsan_python()
    wanted = {"PYTHONPATH": PACKAGE, **sanitizer_environment()}
    if any(os.environ.get(key) != value for key, value in wanted.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **wanted})


def run_in_environment():
    """The same, with the packages of tests/python/requirements.txt too."""
    if INSTALLED or "ORBUS_TSAN_PYTHON" in os.environ:
        return run_with_package()
    done = subprocess.run([os.path.join(SOURCE, "scripts", "install-python-packages")],
                          capture_output=True, text=True, check=False)
    if done.returncode == 3:
        skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    python = os.path.join(SOURCE, done.stdout.strip())
    if os.path.realpath(sys.prefix) != os.path.realpath(os.path.dirname(os.path.dirname(python))):
        os.execve(python, [python, *sys.argv], os.environ)
    run_with_package()
