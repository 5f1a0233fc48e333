"""Terminals and pipes that go while a program writes to them, terminals that have no room or are
another's, and standard files that were closed from the start."""
import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import threading
import time
import unittest

from harness import BusTest, program, wait_for

PATIENCE = 40


class Screen:
    """A pseudo-terminal: the test has its other side."""

    def __init__(self, rows=24, columns=80):
        self.parent, self.child = pty.openpty()
        termios.tcsetwinsize(self.child, (rows, columns))
        self.shown = b""
        self.reader = None

    def read_until(self, text):
        """What is shown until then is read, and no more, so that the pipe fills."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.shown:
            if not select.select([self.parent], [], [], deadline - time.monotonic())[0]:
                raise AssertionError(f"waited in vain for {text} after {self.shown}")
            self.shown += os.read(self.parent, 4096)

    def read_on(self):
        """All that is shown from now on, so that it never fills."""
        def read():
            try:
                while select.select([self.parent], [], []):
                    self.shown += os.read(self.parent, 65536)
            except OSError:
                pass  # no process has it open any more
        self.reader = threading.Thread(target=read, daemon=True)
        self.reader.start()

    def is_full(self):
        return not select.select([], [self.child], [], 0)[1]

    def take_keys(self, keys):
        """Types until there is no room, or more than there may ever be. False: there still is."""
        os.set_blocking(self.parent, False)
        try:
            for _ in range(1000):
                os.write(self.parent, keys)
        except BlockingIOError:
            return True
        finally:
            os.set_blocking(self.parent, True)
        return False

    def hang_up(self):
        if self.parent < 0:
            return
        os.close(self.child)
        if self.reader:
            self.reader.join(PATIENCE)
        os.close(self.parent)
        self.parent = -1


def take_terminal():
    """Makes standard input the terminal of a session that has just begun."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def as_by_nohup():
    take_terminal()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def cpu_ticks(process):
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        return file.read().rsplit(")", 1)[1].split()[11:13]


class GoneTest(BusTest):
    def setUp(self):
        super().setUp()
        self.publish({"model": "openai/gpt-4-turbo", "response_ms": 3450})
        self.screens = []

    def tearDown(self):
        super().tearDown()  # first, since a living process holds the terminal
        for screen in self.screens:
            screen.hang_up()

    def screen(self, *size):
        self.screens.append(Screen(*size))
        return self.screens[-1]

    def on(self, display, command, *, keyboard=None, shows=b"", **how):
        """Starts a command on a terminal, once it shows something."""
        # The SIGCONT that a terminal's end brings may come in the midst of a leak check, which
        # then waits for ever.
        options = "detect_leaks=0:" + os.environ.get("ASAN_OPTIONS", "")
        process = subprocess.Popen(
            command, stdin=(keyboard or display).child, stdout=display.child,
            stderr=subprocess.PIPE, text=True,
            env=self.environment(TERM="xterm", ASAN_OPTIONS=options), **how)
        self.processes.append(process)
        display.read_until(shows)
        return process

    def watch(self, display, *options, **how):
        return self.on(display, [program("orstat"), "-b", self.bus, "--watch=0.1", *options],
                       shows=b"{" if options else b"quit", **how)

    def requests_written(self):
        """The requests in the agent's files of hours."""
        return sum(self.load(name)["requests"]["total"] for name in self.files("hourly_*.json"))

    def check_end(self, process, status=0):
        said = process.communicate(timeout=PATIENCE)[1]
        self.assertEqual((process.returncode, said), (status, ""))

    def fill(self, screen, process, keys):
        """Makes it write until there is no room, and it waits for some."""
        def waits():
            if not screen.is_full():
                os.write(screen.parent, keys)
                return False
            before = cpu_ticks(process)
            time.sleep(0.5)
            return screen.is_full() and cpu_ticks(process) == before
        wait_for(waits, "the process to wait for room on its terminal", PATIENCE)


class TerminalTest(GoneTest):
    def test_the_watch_ends_with_its_terminal_though_no_signal_says_so(self):
        for options in ((), ("--json",)):
            screen = self.screen()
            process = self.watch(screen, *options)
            screen.hang_up()
            self.check_end(process)

    def test_the_watch_ends_with_its_terminal_where_hangups_are_ignored(self):
        for options in ((), ("--json",)):
            screen = self.screen()
            process = self.watch(screen, *options, start_new_session=True, preexec_fn=as_by_nohup)
            screen.hang_up()
            self.check_end(process)

    def test_the_watch_ends_with_the_first_of_its_two_terminals_that_goes(self):
        for first in (0, 1):
            screens = self.screen(), self.screen()
            process = self.watch(screens[0], keyboard=screens[1])
            screens[first].hang_up()
            self.check_end(process)

    def test_the_watch_ends_with_a_terminal_that_has_no_room(self):
        for options, keys in (((), b"\x0c"), (("--json",), b"")):
            screen = self.screen()
            process = self.watch(screen, *options)
            self.fill(screen, process, keys)
            screen.hang_up()
            self.check_end(process)

    def test_the_watch_waits_for_room_whatever_others_have_made_of_the_terminal(self):
        screen = self.screen()
        process = self.watch(screen)
        os.set_blocking(screen.child, False)
        self.fill(screen, process, b"\x0c")
        process.terminate()
        screen.read_until(b"\x1b[?1049l")
        self.check_end(process)

    def test_the_watch_ends_where_the_keys_are_anothers(self):
        # As when the shell that had started it was killed, and that shell's goes on, and reads keys.
        screen = self.screen()
        command = f"{program('orstat')} -b {self.bus} -w; echo status=$?"
        self.on(screen, ["sh", "-mc", f"(trap '' TTIN TTOU; {command}) & cat >/dev/null"],
                shows=b"quit", start_new_session=True, preexec_fn=take_terminal)
        os.write(screen.parent, b"x")
        screen.read_until(b"status=0")

    def test_keys_without_end_do_not_keep_the_watch_from_ending(self):
        screen = self.screen(300, 300)  # so that a key takes longer to obey than to type
        process = self.watch(screen)
        screen.read_on()
        wait_for(lambda: screen.take_keys(b"b" * 1024), "more keys than are taken", PATIENCE)
        before = len(screen.shown)
        wait_for(lambda: screen.take_keys(b"b" * 1024) and len(screen.shown) > before + 200,
                 "keys to be obeyed", PATIENCE)
        process.terminate()
        wait_for(lambda: screen.take_keys(b"b" * 1024) and process.poll() is not None,
                 "the end", PATIENCE)
        self.check_end(process)

    def test_the_tail_ends_with_its_terminal_though_nothing_is_published(self):
        screen = self.screen()
        process = self.on(screen, [program("ortail"), "-b", self.bus, "-n1"],
                          shows=b"INFO")
        screen.hang_up()
        self.check_end(process)

    def test_the_agent_serves_on_and_ends_in_order(self):
        screen = self.screen()
        agent = subprocess.Popen(
            [program("oragent"), "--bus", self.bus, "--data-dir", self.data,
             "--checkpoint-every", "1s"],
            stdin=screen.child, stdout=screen.child, stderr=screen.child,
            env=self.environment(), start_new_session=True, preexec_fn=take_terminal)
        self.processes.append(agent)
        screen.read_until(b"serving bus")
        screen.hang_up()
        self.publish({"model": "m"})
        wait_for(lambda: self.requests_written() == 2, "what came since in a file", PATIENCE)
        agent.terminate()
        self.assertEqual(agent.wait(timeout=PATIENCE), 0)


class PipeTest(GoneTest):
    def test_the_tail_ends_with_its_reader_though_nothing_is_published(self):
        process = self.start("ortail", "-b", self.bus, "-n1", stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        process.stdout.readline()
        process.stdout.close()
        self.assertEqual(process.wait(timeout=PATIENCE), 0)
        self.assertEqual(process.stderr.read(), "")


class ClosedTest(GoneTest):
    def lanes(self):
        """The object of the bus that is for locks alone: it holds nothing."""
        with open(f"/dev/shm/{self.bus}.lanes", "rb") as file:
            return file.read()

    def without(self, closed, name, *options):
        """Runs a program without some of its standard files."""
        return subprocess.run(
            ["sh", "-c", f'exec "$@" {closed}', "sh", program(name), *options], text=True,
            env=self.environment(), capture_output=True, check=False, timeout=PATIENCE)

    def test_what_cannot_be_printed_is_an_error_and_does_not_end_up_in_the_bus(self):
        before = self.lanes()
        for name, *options in (("orstat", "--bus", self.bus), ("ortail", "-1", "--bus", self.bus),
                               ("orstat", "--bus", self.bus, "--watch=0.1"),
                               ("orstat", "--bus", self.bus, "--json", "--watch=0.1")):
            done = self.without(">&-", name, *options)
            self.assertEqual(done.returncode, 1, (name, options, done.stderr))
            self.assertIn("cannot write to standard output", done.stderr)
        self.assertTrue(self.lanes() == before, "it is in the bus")

    def test_the_agents_log_does_not_end_up_among_its_data(self):
        agent = subprocess.Popen(
            ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", program("oragent"), "--bus", self.bus,
             "--data-dir", self.data, "--checkpoint-every", "1s", "--log-level", "debug"],
            env=self.environment())
        self.processes.append(agent)
        wait_for(lambda: self.requests_written() == 1, "a file", PATIENCE)
        agent.terminate()
        self.assertEqual(agent.wait(timeout=PATIENCE), 0)
        for folder, _, names in os.walk(self.data):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertFalse(b" oragent " in file.read(), name)
        self.assertFalse(b" oragent " in self.lanes(), "it is in the bus")


if __name__ == "__main__":
    unittest.main(verbosity=2)
