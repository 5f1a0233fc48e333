"""orstat --watch on real terminals: in tmux by its captured screen, and as plain lines where there
is no terminal to draw on. What becomes of it when its terminal goes is in test_gone.py."""
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import time
import unittest
import uuid

from harness import BIN_DIRS, BusTest, SANITIZER, program, wait_for

PATIENCE = 40
MODELS = ("openai/gpt-4-turbo", "anthropic/claude-3-opus", "mistralai/mixtral-8x7b")


def requests(model, count, **fields):
    return [{"model": model, "bot": "acore", "provider": model.split("/")[0], "response_ms": 3450,
             "completion_tokens": 287, "prompt_tokens": 225, "stream": True, "ttft_ms": 870,
             **fields}] * count


def family(pid):
    """A process, if there is one, and those that come from it, with the paths of their programs."""
    try:
        yield pid, os.readlink(f"/proc/{pid}/exe")
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            children = [int(child) for child in file.read().split()]
    except OSError:
        return
    for child in children:
        yield from family(child)


def descendant(pid, name):
    """The process of that program among those that come from another one."""
    return next((p for p, path in family(pid) if os.path.basename(path) == name), None)


class Tmux:
    """A terminal of a given size with a shell in it, on a tmux server of its own."""

    def __init__(self, test, columns=80, rows=24, **variables):
        self.test = test
        self.name = uuid.uuid4().hex[:8]
        self.environment = test.environment(**{"TERM": "screen-256color", "LC_ALL": "C.UTF-8",
                                               "TMUX_TMPDIR": test.folder, **variables})
        self.environment.pop("TMUX", None)
        with open(os.path.join(test.folder, "tmux.conf"), "w", encoding="ascii") as conf:
            conf.write("set -g default-terminal screen-256color\nset -g status off\n")
        self.tmux("-f", os.path.join(test.folder, "tmux.conf"), "new-session", "-d", "-x", columns,
                  "-y", rows, "ulimit -c 0; exec env PS1='ready> ' sh")
        test.terminals.append(self)
        self.server = int(self.ask("pid"))
        self.wait("^ready>")

    def end_programs(self):
        """Ends the programs under test, while their terminal is there. Its end brings a SIGCONT,
        and where that comes in the midst of LeakSanitizer's check, the kernel drops the SIGSTOP by
        which the checker holds the process: both wait for ever, the process by sched_yield()."""
        ours = [os.path.realpath(folder) for folder in BIN_DIRS]

        def left():
            return [p for p, path in family(self.server) if os.path.dirname(path) in ours]
        for pid in left():
            os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not left(), "the programs to end", PATIENCE)

    def close(self):
        """Ends the server with all that runs in it."""
        members = [p for p, _ in family(self.server)]
        try:
            self.end_programs()
        finally:
            self.tmux("kill-server", check=False)
        wait_for(lambda: not any(os.path.exists(f"/proc/{p}/exe") for p in members),
                 "all in the terminal to end", PATIENCE)

    def tmux(self, *arguments, check=True):
        return subprocess.run(["tmux", "-L", self.name, *map(str, arguments)], check=check,
                              env=self.environment, capture_output=True, text=True,
                              timeout=60).stdout

    def screen(self, *options):
        return self.tmux("capture-pane", "-p", *options)

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def ask(self, what):
        return self.tmux("display-message", "-p", f"#{{{what}}}").strip()

    def run(self, command):
        self.keys("-l", command)
        self.keys("Enter")

    def wait(self, pattern, seconds=PATIENCE):
        """The screen once it matches, and two looks see the same: it is not being drawn."""
        screen = ""

        def there():
            nonlocal screen
            before, screen = screen, self.screen()
            return screen == before and re.search(pattern, screen, re.M)
        try:
            wait_for(there, f"'{pattern}'", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error} on this screen:\n{screen}") from None
        return screen

    def watch(self, *options, prefix=""):
        """Starts the live screen, in a shell that says its exit status."""
        words = " ".join(map(str, options))
        self.run(f"{prefix}{program('orstat')} -b {self.test.bus} -w {words}; echo status=$?")


class WatchTest(BusTest):
    def setUp(self):
        super().setUp()
        if not shutil.which("tmux"):
            self.skipTest("tmux is not installed")
        self.terminals = []

    def tearDown(self):
        # Before the folder of their sockets goes.
        for terminal in self.terminals:
            terminal.close()
        super().tearDown()

    def fill(self):
        self.publish(*requests(MODELS[0], 5), *requests(MODELS[1], 3, response_ms=12000),
                     *requests(MODELS[2], 4, response_ms=900, bot="other"),
                     {"model": MODELS[1], "bot": "acore", "provider": "anthropic",
                      "status": "error",
                      "error_type": "rate_limited", "error_message": "slow down"})

    def rows(self, screen):
        """The names of the table's rows, without that of all."""
        lines = screen.splitlines()
        top = next(i for i, line in enumerate(lines) if "REQUESTS" in line)
        return [line.split()[0] for line in lines[top + 2:top + 2 + 5] if line.strip()]


class ScreenTest(WatchTest):
    def test_everything_is_on_one_screen_of_80_by_24(self):
        agent = self.start_agent()
        self.fill()
        terminal = Tmux(self)
        terminal.watch()
        terminal.wait(r"^all +13 ")
        screen = terminal.wait("^TPS .*[\u2581-\u2588]")
        self.assertRegex(screen, rf"^orbus  bus {self.bus}  up (\d+m )?\d+s  2 bots")
        self.assertRegex(screen, r"(?m)  last hour  \d\d:\d\d:\d\d$")
        self.assertRegex(screen, rf"(?m)^agent {agent.pid} ok  lost 0  rejected 0  heartbeat \d")
        self.assertRegex(screen, r"(?m)^Last  .*ago")
        for label in ("Requests", "Response", "TTFT", "TPS", "Errors"):
            self.assertRegex(screen, rf"(?m)^{label} .*[\u2581-\u2588]")
        self.assertRegex(screen, r"(?m)^MODEL +\u25bcREQUESTS +AVG s +P95 s +TTFT s +TPS +ERRORS$")
        self.assertRegex(screen, r"(?m)^openai/gpt-4-turbo +5 +3\.45 .*0\.87 +83\.2 +0$")
        self.assertRegex(screen, r"(?m)^In flight 0$")
        self.assertRegex(screen, r"(?m)^[\d:]{8}  rate_limited +anthropic/claude-3-opus .*acore")
        self.assertRegex(screen, r"(?m)^q quit  \? help .* h histogram$")
        terminal.keys("q")
        terminal.wait("^status=0")
        self.stop_agent(agent)

    def test_keys_choose_sort_filter_and_scroll(self):
        self.fill()
        terminal = Tmux(self)
        terminal.watch("--window 5m")
        screen = terminal.wait(r"^all +13 ")
        self.assertIn("last 5 minutes", screen)
        self.assertEqual(self.rows(screen), [MODELS[0], MODELS[1], MODELS[2]])
        terminal.keys("s")
        screen = terminal.wait("\u25bcAVG s")
        self.assertEqual(self.rows(screen), [MODELS[1], MODELS[0], MODELS[2]])
        terminal.keys("r")
        screen = terminal.wait("\u25b2AVG s")
        self.assertEqual(self.rows(screen), [MODELS[2], MODELS[0], MODELS[1]])
        terminal.keys("<", "<")
        screen = terminal.wait("^MODEL\u25b2")
        self.assertEqual(self.rows(screen), sorted(MODELS))
        terminal.keys("b")
        screen = terminal.wait("^BOT")
        self.assertEqual(self.rows(screen), ["acore", "other"])
        terminal.keys("Tab")
        screen = terminal.wait("^PROVIDER")
        self.assertEqual(self.rows(screen), ["anthropic", "mistralai", "openai"])
        terminal.keys("BTab", "BTab")
        terminal.wait("^MODEL")
        terminal.keys("/", "G", "p", "t")
        screen = terminal.wait("^Filter: Gpt")
        self.assertEqual(self.rows(screen), [MODELS[0]])
        terminal.keys("Enter")
        terminal.wait("^MODEL.* /Gpt.*\n.*\n.*\n *\n")
        terminal.keys("Escape")
        screen = terminal.wait("^mistralai")
        self.assertEqual(len(self.rows(screen)), 3)
        self.publish(*[sample for i in range(9) for sample in requests(f"many/m{i}", 1)])
        terminal.wait("^MODEL\u25b2 1-5 of 12")
        terminal.keys("Down", "Down", "Down")
        terminal.wait("^MODEL\u25b2 4-8 of 12")
        terminal.keys("End")
        terminal.wait("^MODEL\u25b2 8-12 of 12")

    def test_windows_and_pause(self):
        agent = self.start_agent()
        self.fill()
        terminal = Tmux(self)
        terminal.watch("0.2")
        terminal.wait(r"^all +13 ")
        for key, words in (("1", "last minute"), ("2", "last 5 minutes"), ("4", "today"),
                           ("5", "since start"), ("w", "last minute"), ("3", "last hour")):
            terminal.keys(key)
            terminal.wait(words)
            terminal.wait(r"^all +13 ")
        terminal.keys("Space")
        terminal.wait("PAUSED")
        still = terminal.wait("space go on")
        self.publish(*requests("new/model", 2))
        wait_for(lambda: "new/model" in self.run_tool("orstat", "-b", self.bus).stdout, "the board")
        time.sleep(1)
        self.assertEqual(terminal.screen(), still)
        terminal.keys("1")
        terminal.wait("^paused: press space")
        terminal.keys("b")  # what stands still can be looked at
        screen = terminal.wait("^BOT")
        self.assertRegex(screen, r"(?m)^all +13 ")
        terminal.keys("Space")
        screen = terminal.wait(r"^all +15 ")
        self.assertNotIn("PAUSED", screen)
        self.stop_agent(agent)

    def test_histograms_and_help(self):
        self.fill()
        terminal = Tmux(self)
        terminal.watch()
        terminal.wait(r"^all +13 ")
        terminal.keys("h")
        screen = terminal.wait("^Response time  avg")
        self.assertRegex(screen, r"(?m)^ +\d\S+ - +\d\S+ s \u2588.* 5 +\d+\.\d % p50")
        self.assertRegex(screen, r"(?m)100\.0 % p95 p99$")
        terminal.keys("h")
        terminal.wait("^Time to first token  avg 0.87s")
        terminal.keys("h")
        terminal.wait("^Tokens a second  avg")
        terminal.keys("h")
        terminal.wait("^In flight")
        terminal.keys("?")
        screen = terminal.wait("this help")
        for word in ("quit", "filter", "stalled", "histogram"):
            self.assertIn(word, screen)
        terminal.keys("x")
        terminal.wait("^In flight")

    def test_it_follows_the_size_of_the_terminal(self):
        self.fill()
        terminal = Tmux(self, columns=100, rows=30)
        terminal.watch()
        terminal.wait("^Last errors")
        for columns, rows, pattern in ((40, 10, r"^MODEL 1-2 of 3 +\u25bcREQUESTS"),
                                       (120, 40, r"P50 s +P95 s"), (20, 4, r"^agent|^no agent"),
                                       (1, 1, r"^.$"), (200, 60, r"TOKENS +COST \$"),
                                       (80, 24, r"h histogram$")):
            terminal.tmux("resize-window", "-x", columns, "-y", rows)
            screen = terminal.wait(pattern)
            self.assertLessEqual(len(screen.splitlines()), rows)
            self.assertLessEqual(max(map(len, screen.splitlines())), columns)
            terminal.keys("C-l")
        terminal.keys("q")
        terminal.wait("^status=0")

    def test_requests_in_flight_are_aged_and_stalled_ones_marked(self):
        self.publish(*requests(MODELS[0], 30))
        bot = self.start("orpub", "--bus", self.bus, "--json-lines", stdin=subprocess.PIPE)
        now = time.time()
        for age, number in ((41, 1), (5, 2), (1, 3)):
            bot.stdin.write(json.dumps({"kind": "begin", "request_id": f"r{number}", "bot": "b",
                                        "requested_model": MODELS[0], "stream": True,
                                        "ts": now - age}) + "\n")
        bot.stdin.flush()
        terminal = Tmux(self)
        terminal.watch()
        screen = terminal.wait("^In flight 3, 1 stalled")
        what = "openai/gpt-4-turbo +b +stream"
        self.assertRegex(screen, rf"(?m)^ +\d\ds  {what}  stalled, p99 3\.\ds$")
        self.assertRegex(screen, rf"(?m)^ +[\d.]+s  {what}  slow, p99 3\.\ds$")
        self.assertRegex(screen, rf"(?m)^ +[\d.]+s  {what}  (slow, )?p99")
        bot.stdin.write('{"request_id": "r2", "model": "m", "response_ms": 12000}\n')
        bot.stdin.flush()
        terminal.wait("^In flight 2, 1 stalled")
        bot.kill()
        bot.wait()
        terminal.wait("^In flight 0$")

    def test_text_of_samples_never_steers_the_terminal(self):
        self.publish({"model": "evil\x1b[2J\x1b]0;title\x07", "bot": "\x9b31m\u202eoops",
                      "status": "error", "error_type": "bad\r\n", "error_message": "\x1b[H gone"})
        terminal = Tmux(self, columns=120)
        terminal.watch()
        screen = terminal.wait(r"^evil\\x1b\[2J\\x1b\]0;title\\x07 ")
        self.assertIn("bad\\r\\n", screen)
        self.assertIn("\\x1b[H gone", screen)
        self.assertIn("\\u009b31m\\u202eoops", screen)
        self.assertIn("MODEL", screen)

    def test_without_utf8_all_is_ascii(self):
        self.publish(*requests("modèle/长", 3))
        terminal = Tmux(self)
        terminal.watch(prefix="LC_ALL=C ")
        screen = terminal.wait(r"^mod\?le/\? ")
        self.assertTrue(screen.isascii())
        self.assertRegex(screen, r"(?m)^Requests  [_.:=+*#@-]{60} ")
        self.assertIn("vREQUESTS", screen)

    def test_colour_only_where_it_is_wanted(self):
        self.fill()
        for prefix, coloured in (("", True), ("NO_COLOR=1 ", False), ("TERM=vt100 ", False)):
            terminal = Tmux(self)
            terminal.watch(prefix=prefix)
            terminal.wait(r"^all +13 ")
            self.assertEqual("\x1b[31m" in terminal.screen("-e"), coloured, prefix)
            terminal.keys("q")
            terminal.wait("^status=0")
            terminal.close()


class SurvivalTest(WatchTest):
    def test_a_lost_and_restarted_agent(self):
        agent = self.start_agent()
        self.fill()
        terminal = Tmux(self)
        terminal.watch()
        terminal.wait(rf"^agent {agent.pid} ok")
        agent.kill()
        agent.wait()
        screen = terminal.wait(rf"^agent {agent.pid} lost, heartbeat \d.*: figures of what")
        self.assertRegex(screen, r"(?m)^all +13 ")
        successor = self.start_agent()
        terminal.wait(rf"^agent {successor.pid} ok  lost 0  rejected 0  restarted \d")
        terminal.wait(r"^all +13 ")
        self.stop_agent(successor)

    def test_a_bus_that_is_removed_and_made_anew(self):
        self.fill()
        terminal = Tmux(self, columns=100)
        terminal.watch()
        screen = terminal.wait(r"^all +13 ")
        self.assertRegex(screen, r"(?m)^no agent: figures of what the ring holds")
        for suffix in ("", ".lanes"):
            os.unlink(f"/dev/shm/{self.bus}{suffix}")
        screen = terminal.wait(r"^bus removed \d.*ago")
        self.assertRegex(screen, r"(?m)^all +13 ")  # what was known
        self.publish(*requests(MODELS[0], 2))
        terminal.wait(r"^bus made anew \d.*ago")
        terminal.wait(r"^all +2 ")
        terminal.keys("q")
        terminal.wait("^status=0")

    def check_restored(self, terminal, before):
        wait_for(lambda: terminal.ask("alternate_on") == "0", "the other screen", PATIENCE)
        self.assertEqual(terminal.ask("cursor_flag"), "1")
        terminal.run("clear; echo '<'$(stty -g)'>'")
        self.assertIn(f"<{before}>", terminal.wait("^<[^$].*>").replace("\n", ""))

    def start_on_terminal(self, columns=200):
        terminal = Tmux(self, columns=columns)
        terminal.run("echo '<'$(stty -g)'>'")
        before = re.search("^<([^$].*)>$", terminal.wait("^<[^$].*>$"), re.M).group(1)
        terminal.run("clear")
        terminal.watch()
        terminal.wait("^In flight")
        pid = descendant(int(terminal.ask("pane_pid")), "orstat")
        self.assertEqual(terminal.ask("alternate_on"), "1")
        return terminal, before, pid

    def test_signals_that_ask_to_end_do_so_in_order(self):
        self.fill()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            terminal, before, pid = self.start_on_terminal()
            os.kill(pid, number)
            terminal.wait("^status=0")
            self.check_restored(terminal, before)
            terminal.close()

    def test_faults_leave_the_terminal_as_it_was(self):
        self.fill()
        faults = [signal.SIGSEGV, signal.SIGABRT, signal.SIGQUIT, signal.SIGBUS, signal.SIGFPE]
        for number in faults if not SANITIZER else faults[:3]:
            terminal, before, pid = self.start_on_terminal()
            os.kill(pid, number)
            terminal.wait(f"^status={128 + number}")
            self.check_restored(terminal, before)
            terminal.close()

    def test_it_can_be_stopped_and_goes_on(self):
        self.fill()
        terminal = Tmux(self)
        terminal.run("set -m")
        terminal.watch()
        terminal.wait("^In flight")
        terminal.keys("C-z")
        wait_for(lambda: terminal.ask("alternate_on") == "0", "the other screen", PATIENCE)
        terminal.run("clear; echo ech''o=$(stty -a | grep -c -- -echo\\ )")
        terminal.wait("^echo=0")
        terminal.run("fg")
        terminal.wait("^In flight")
        self.assertEqual(terminal.ask("alternate_on"), "1")
        terminal.keys("h")
        terminal.wait("^Response time")
        terminal.keys("q")
        wait_for(lambda: terminal.ask("alternate_on") == "0", "the other screen", PATIENCE)

    def test_a_truncated_ring_does_no_harm(self):
        self.fill()
        terminal = Tmux(self)
        terminal.watch()
        terminal.wait(r"^all +13 ")
        os.truncate(f"/dev/shm/{self.bus}", 8192)
        time.sleep(1.5)
        terminal.keys("b")
        terminal.wait("^BOT")
        terminal.keys("q")
        terminal.wait("^status=0")


class PlainTest(BusTest):
    def plain(self, *options, lines, env=None):
        """The first lines of the plain watch, which is then told to end."""
        process = self.start("orstat", "-b", self.bus, *options, env=env, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        seen = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=PATIENCE), 0, process.stderr.read())
        self.assertEqual(process.stderr.read(), "")
        return seen

    def test_a_line_an_interval_with_a_heading_every_twenty(self):
        self.publish(*requests(MODELS[0], 2))
        lines = self.plain("--watch=0.1", lines=23)
        headings = [i for i, line in enumerate(lines) if line.startswith("TIME ")]
        self.assertEqual(headings, [0, 21])
        for line in lines:
            self.assertLessEqual(len(line.rstrip("\n")), 80)
        self.assertRegex(lines[1], r"^\d\d:\d\d:\d\d +\d+\.\d +(-|\d\S+) .* 0 +0 +0  none\n$")

    def test_what_happened_is_in_its_line(self):
        agent = self.start_agent()
        process = self.start("orstat", "-b", self.bus, "-w", stdout=subprocess.PIPE)
        process.stdout.readline()
        process.stdout.readline()
        self.publish(*requests(MODELS[0], 4), {"model": "m", "status": "timeout"})
        # Within one second as a rule, and in any case all of them.
        lines = []
        while sum(float(line[1]) for line in lines) < 5 and len(lines) < PATIENCE:
            lines.append(process.stdout.readline().split())
        self.assertEqual(sum(float(line[1]) for line in lines), 5)
        self.assertEqual(sum(int(line[5]) for line in lines), 1)
        busy = next(line for line in lines if line[2] != "-")
        self.assertEqual((busy[2], busy[3], busy[4]), ("3.45", "0.87", "83.2"))
        self.assertEqual(busy[8], "ok")
        process.terminate()
        self.assertEqual(process.wait(timeout=PATIENCE), 0)
        self.stop_agent(agent)

    def test_json_is_a_document_an_interval(self):
        self.publish(*requests(MODELS[0], 2))
        for line in self.plain("--watch=0.2", "--json", lines=2):
            document = json.loads(line)
            self.assertEqual(document["requests"]["total"], 2)
            self.assertEqual(document["source"], "ring")

    def test_a_dumb_terminal_gets_lines(self):
        self.publish(*requests(MODELS[0], 2))
        for variables in ({"TERM": "dumb"}, {"TERM": ""}, {"TERM": "no-such-terminal"}):
            parent, child = pty.openpty()
            process = self.start("orstat", "-b", self.bus, "--watch", "0.2", stdin=child,
                                 stdout=child, env=self.environment(**variables))
            os.close(child)
            output = b""
            while output.count(b"\n") < 2:
                output += os.read(parent, 4096)
            self.assertTrue(output.startswith(b"TIME "), output)
            self.assertNotIn(b"\x1b", output)
            process.terminate()
            self.assertEqual(process.wait(timeout=PATIENCE), 0)
            os.close(parent)

    def test_it_ends_when_nobody_reads(self):
        self.publish(*requests(MODELS[0], 2))
        process = self.start("orstat", "-b", self.bus, "--watch", "1h", stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        process.stdout.close()
        self.assertEqual(process.wait(timeout=PATIENCE), 0)
        self.assertEqual(process.stderr.read(), "")

    def test_usage(self):
        for options, words in ((["--watch", "0.05"], ["--watch", "'0.05'", "100ms to 1h"]),
                               (["--watch=3601"], ["100ms to 1h"]), (["-w", "soon"], ["'soon'"]),
                               (["-w", "--check"], ["--watch", "--check"])):
            done = self.run_tool("orstat", "-b", self.bus, *options)
            self.assertEqual(done.returncode, 2, done.stderr)
            for word in words:
                self.assertIn(word, done.stderr)
        done = self.run_tool("orstat", "-b", self.bus, "-w")
        self.assertEqual(done.returncode, 3)
        self.assertIn(f"no bus named '{self.bus}'", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
