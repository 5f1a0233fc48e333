"""Shared by the integration tests: a private bus and data folder, the agent and the tools as real processes, and
waiting for conditions."""
import contextlib
import glob
import json
import os
import pty
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import uuid

BIN_DIRS = os.environ["ORBUS_BIN_DIR"].split(os.pathsep)
SANITIZER = os.environ.get("ORBUS_SANITIZE", "")
FAKETIME = next(iter(sorted(glob.glob("/usr/lib/*/faketime/libfaketime.so.1"))), None)


def program(name):
    """The path of a built program."""
    for folder in BIN_DIRS:
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK):
            return path
    raise FileNotFoundError(f"{name} is in none of {BIN_DIRS}")


def words(arguments):
    """Arguments as a command line has them; bytes stay as they are."""
    return [a if isinstance(a, bytes) else str(a) for a in arguments]


def wait_for(condition, what, seconds=20):
    """The first true value of condition(), or a failure that names what did not happen."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.02)


def main():
    """Runs the tests of the file that was started, without those that are entries of ctest by themselves
    (APART in tests/CMakeLists.txt): each class or Class.test of ORBUS_TESTS_APART."""
    apart = set(os.environ.get("ORBUS_TESTS_APART", "").split(","))

    class Rest(unittest.TestLoader):
        def getTestCaseNames(self, testCaseClass):
            name = testCaseClass.__name__
            return [] if name in apart else [
                test for test in super().getTestCaseNames(testCaseClass) if f"{name}.{test}" not in apart]
    unittest.main(verbosity=2, testLoader=Rest())


class Clock:
    """A moved clock for the processes that are started with its environment."""

    def __init__(self, folder, at, zone="UTC", boottime=False):
        if not FAKETIME:
            raise unittest.SkipTest("libfaketime is not installed")
        if "thread" in SANITIZER:
            raise unittest.SkipTest("libfaketime does not work under ThreadSanitizer")
        self.file = os.path.join(folder, "clock")
        self.zone = zone
        # Whether CLOCK_MONOTONIC and CLOCK_BOOTTIME are moved too, as if time had passed.
        self.boottime = boottime
        self.offset = 0.0
        self.set(at)

    def set(self, at):
        """Sets the clock to `at`, in seconds since the epoch, from where it runs on."""
        self.offset = at - time.time()
        with open(self.file + ".new", "w", encoding="ascii") as out:
            out.write(f"{self.offset:+.3f}\n")
        os.rename(self.file + ".new", self.file)

    def now(self):
        return time.time() + self.offset

    def environment(self):
        sanitizer = os.environ.get("ASAN_OPTIONS", "")
        return {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": self.file,
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "0" if self.boottime else "1", "TZ": self.zone,
                "ASAN_OPTIONS": "verify_asan_link_order=0:" + sanitizer}


def remove_faketimes_leavings():
    """Shared memory that libfaketime leaves behind for processes that were killed."""
    for path in glob.glob("/dev/shm/*faketime_s*_*"):
        if not os.path.exists(f"/proc/{path.rsplit('_', 1)[1]}"):
            with contextlib.suppress(FileNotFoundError):  # by a test that runs beside this one
                os.unlink(path)


def stay_within_the_hour(seconds=60):
    """Waits for the next hour if this one ends within the time that a test may take: a test's samples must not be
    spread over two files."""
    left = 3600 - time.time() % 3600
    if left < seconds:
        time.sleep(left + 0.1)


class BusTest(unittest.TestCase):
    """A test with a bus and a data folder of its own, whose processes end with it."""

    def setUp(self):
        stay_within_the_hour()
        self.bus = f"orbus-test-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.folder = tempfile.mkdtemp(prefix="orbus-test-")
        self.data = os.path.join(self.folder, "data")
        self.processes = []
        self.clock = None

    def tearDown(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream:
                    stream.close()
        for path in glob.glob(f"/dev/shm/{self.bus}*"):
            os.unlink(path)
        if self.clock:
            remove_faketimes_leavings()
        shutil.rmtree(self.folder, ignore_errors=True)

    def enterContext(self, manager):
        """unittest's own, which came with Python 3.11."""
        value = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return value

    def environment(self, **more):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ORBUS")}
        environment["TZ"] = "UTC"
        if self.clock:
            environment.update(self.clock.environment())
        environment.update(more)
        return environment

    def start(self, name, *arguments, env=None, **how):
        process = subprocess.Popen([program(name), *words(arguments)],
                                   env=env or self.environment(), text=True, **how)
        self.processes.append(process)
        return process

    def run_tool(self, name, *arguments, env=None, **how):
        """Runs a program to its end, with its output."""
        how.setdefault("timeout", 60)
        return subprocess.run([program(name), *words(arguments)], capture_output=True,
                              text=how.pop("text", True), env=env or self.environment(),
                              check=False, **how)

    def run_on_terminal(self, name, *arguments, **variables):
        """Runs a program to its end on a terminal; its output as the terminal gets it."""
        parent, child = pty.openpty()
        process = self.start(name, *arguments, stdout=child,
                             env=self.environment(TERM="xterm", **variables))
        os.close(child)
        output = b""
        try:
            while chunk := os.read(parent, 65536):
                output += chunk
        except OSError:
            pass  # how a terminal ends
        os.close(parent)
        self.assertEqual(process.wait(timeout=30), 0)
        return output.decode().replace("\r\n", "\n")

    def start_agent(self, *options, env=None, ready=True):
        """Starts an agent and waits until it serves the bus."""
        # Tests run beside each other, and under sanitizers: the last checkpoint may take longer than
        # users should have to wait. The tests of that say 1s after it.
        if "--stop-within" not in options:
            options = ("--stop-within", "60s", *options)
        agent = self.start("oragent", "--bus", self.bus, "--data-dir", self.data, *options,
                           env=env, stderr=subprocess.PIPE)
        agent.log = []
        if ready:
            self.wait_log(agent, "serving bus")
        return agent

    def wait_log(self, agent, text, seconds=20):
        """The first line of the agent's log that contains the text."""
        os.set_blocking(agent.stderr.fileno(), False)

        def seen():
            lines = agent.stderr.readlines()
            agent.log += lines
            return next((line for line in agent.log if text in line), None)
        try:
            return wait_for(seen, f"'{text}' in the agent's log", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; it says: {''.join(agent.log)}") from None

    def stop_agent(self, agent):
        """Stops the agent in order and returns what it logged."""
        agent.send_signal(signal.SIGTERM)
        os.set_blocking(agent.stderr.fileno(), True)
        log = "".join(agent.log) + agent.stderr.read()
        self.assertEqual(agent.wait(timeout=60), 0, log)
        return log

    def stop_agent_soon(self, agent, seconds):
        """Stops an agent whose end must not be held up; what it logged. On a busy disk its last
        checkpoint may take longer than it is given (status 1): the next agent counts the rest."""
        start = time.monotonic()
        agent.send_signal(signal.SIGTERM)
        os.set_blocking(agent.stderr.fileno(), True)
        log = "".join(agent.log) + agent.stderr.read()
        self.assertIn(agent.wait(timeout=60), (0, 1), log)
        self.assertLess(time.monotonic() - start, seconds, log)
        return log

    def publish(self, *samples, env=None):
        """Publishes samples given as dictionaries; a test may well overrun its bus, or publish
        what the agent rejects."""
        lines = "".join(json.dumps(sample) + "\n" for sample in samples)
        done = self.run_tool("orpub", "--bus", self.bus, "--json-lines", input=lines, env=env)
        self.assertTrue(done.returncode == 0 or "samples were overwritten" in done.stderr or
                        "will be rejected" in done.stderr, done.stderr)

    def path(self, name):
        return os.path.join(self.data, name)

    def load(self, name):
        """A file of the data folder, None while it is not there."""
        try:
            with open(self.path(name), encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            return None

    def wait_file(self, name, condition=bool, seconds=20):
        """The content of a file of the data folder, once it fulfils the condition."""
        def there():
            document = self.load(name)
            return document if document is not None and condition(document) else None
        return wait_for(there, f"{name}", seconds)

    def confirm_clock(self, at=None):
        """Makes the folder remember that its clock has been right until now: retention trusts it."""
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            boot_id = file.read().strip()
        wall = int((at if at is not None else time.time()) * 1e9)
        os.makedirs(self.data, mode=0o700, exist_ok=True)
        with open(self.path(".clock"), "w", encoding="ascii") as file:
            file.write(f"orbus clock 1\nwall {wall}\nboot {time.clock_gettime_ns(time.CLOCK_BOOTTIME)}\n"
                       f"confirmed 1 {wall}\ndoubted 0 0 0\nid {boot_id}\n")

    def files(self, pattern="*.json"):
        return sorted(os.path.basename(p) for p in glob.glob(self.path(pattern)))
