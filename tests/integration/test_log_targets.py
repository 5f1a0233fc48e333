"""Where the agent and ortail log: a real rsyslog and a real systemd-journald, in a mount namespace of
their own, and neither of them.

The namespace has its own /run, /var/log and /dev, so that /dev/log and the journal's sockets are
those of the daemons that a test starts, and the machine's own never hear of it.
"""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from harness import SANITIZER, BusTest, wait_for

RSYSLOG_CONF = """
module(load="imuxsock" SysSock.Name="%s" SysSock.RateLimit.Interval="0"
       SysSock.Unlink="%s")
global(workDirectory="/run")
$PreserveFQDN on
template(name="severities" type="string"
         string="%%syslogseverity-text%% %%syslogfacility-text%% %%programname%%:%%msg%%\\n")
*.* action(type="omfile" file="/var/log/syslog" template="RSYSLOG_TraditionalFileFormat")
*.* action(type="omfile" file="/var/log/severities" template="severities")
"""
JOURNALD_CONF = """[Journal]
Storage=volatile
RateLimitIntervalSec=0
ForwardToSyslog=yes
ReadKMsg=no
Audit=no
"""
# Takes the place of systemd, which holds the sockets while the journal is started anew.
LAUNCH = """
import os, sys
for wanted, fd in enumerate(map(int, sys.argv[2:]), 3):
    os.dup2(fd, wanted)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sys.argv) - 2))
os.execv(sys.argv[1], sys.argv[1:2])
"""
JOURNALD = "/lib/systemd/systemd-journald"
JOURNAL_SOCKETS = (("/run/systemd/journal/stdout", socket.SOCK_STREAM),
                   ("/run/systemd/journal/socket", socket.SOCK_DGRAM),
                   ("/run/systemd/journal/dev-log", socket.SOCK_DGRAM))


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def enter_namespace():
    """Starts this file again where /run, /var/log and /dev are its own."""
    if os.environ.get("ORBUS_TEST_NAMESPACE") != "log":
        os.environ["ORBUS_TEST_NAMESPACE"] = "log"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", sys.executable,
                              *sys.argv])
    dev = tempfile.mkdtemp(prefix="orbus-test-dev-")
    mount("-t", "tmpfs", "tmpfs", dev)
    for name in ("null", "zero", "full", "random", "urandom", "tty", "shm", "pts"):
        if not os.path.exists(f"/dev/{name}"):
            continue
        place = os.path.join(dev, name)
        if os.path.isdir(f"/dev/{name}"):
            os.mkdir(place)
        else:
            with open(place, "w", encoding="ascii"):
                pass
        mount("--bind", f"/dev/{name}", place)
    os.symlink("/proc/self/fd", os.path.join(dev, "fd"))
    mount("--rbind", dev, "/dev")
    # The tmpfs lives on under its new name alone.
    subprocess.run(["umount", "--recursive", dev], check=True)
    os.rmdir(dev)
    for folder in ("/run", "/var/log"):
        mount("-t", "tmpfs", "tmpfs", folder)
    os.makedirs("/run/systemd/journal")
    os.makedirs("/run/systemd/journald.conf.d")
    with open("/run/systemd/journald.conf.d/test.conf", "w", encoding="ascii") as out:
        out.write(JOURNALD_CONF)
    if not os.path.exists("/etc/machine-id") or not os.path.getsize("/etc/machine-id"):
        with open("/run/machine-id", "w", encoding="ascii") as out:
            out.write("0123456789abcdef0123456789abcdef\n")
        mount("--bind", "/run/machine-id", "/etc/machine-id")


class LogTest(BusTest):
    def setUp(self):
        super().setUp()
        for name in ("syslog", "severities"):
            with open(f"/var/log/{name}", "w", encoding="ascii"):
                pass
        self.sockets = []
        self.next = 100

    def tearDown(self):
        super().tearDown()
        for held in self.sockets:
            held.close()
        for path in ("/dev/log", "/run/systemd/journal/syslog",
                     *(path for path, _ in JOURNAL_SOCKETS)):
            if os.path.lexists(path):
                os.unlink(path)
        subprocess.run(["rm", "-rf", "/run/log"], check=True)

    def rsyslog(self, path="/dev/log"):
        conf = os.path.join(self.folder, "rsyslog.conf")
        with open(conf, "w", encoding="ascii") as out:
            out.write(RSYSLOG_CONF % (path, "on"))
        process = subprocess.Popen(["rsyslogd", "-n", "-f", conf, "-i", "NONE"],
                                   stderr=subprocess.DEVNULL)
        self.processes.append(process)
        wait_for(lambda: self.can_log(path), "rsyslog to listen")
        return process

    @staticmethod
    def can_log(path):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
            return probe.connect_ex(path) == 0

    def journald(self):
        if not self.sockets:
            for path, kind in JOURNAL_SOCKETS:
                held = socket.socket(socket.AF_UNIX, kind)
                held.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
                held.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_TIMESTAMP", 29), 1)
                held.bind(path)
                if kind == socket.SOCK_STREAM:
                    held.listen()
                self.sockets.append(held)
        fds = [held.fileno() for held in self.sockets]
        process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, JOURNALD, *map(str, fds)], pass_fds=fds,
            stderr=subprocess.DEVNULL)
        self.processes.append(process)
        wait_for(lambda: os.path.isdir("/run/log/journal"), "the journal's files")
        return process

    @staticmethod
    def stop(process):
        process.terminate()
        process.wait(timeout=30)

    @staticmethod
    def journal(*options):
        done = subprocess.run(["journalctl", "-q", "-t", "orbus", *options],
                              capture_output=True, text=True, check=False, timeout=30)
        return done.stdout.splitlines()

    def entries(self, *options):
        """What the journal has of requests."""
        return [json.loads(line) for line in
                self.journal("-o", "json", "ORBUS_KIND=request", *options)]

    def ortail(self, target, *options, **how):
        """ortail --log-target, once it follows the bus."""
        tail = self.start("ortail", "--bus", self.bus, "--log-target", target, *options,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **how)
        if "--wait" in options:
            self.wait_until_it_waits(self.journal if target == "journald" else self.lines)
        else:
            wait_for(lambda: self.bus in self.maps(tail), "ortail to read the bus")
            time.sleep(0.1)
        return tail

    @staticmethod
    def wait_until_it_waits(lines):
        """Samples that are on the bus by then would be the past."""
        wait_for(lambda: any("INFO - ortail waits: " in line for line in lines()),
                 "ortail to wait for the bus")

    @staticmethod
    def maps(process):
        with open(f"/proc/{process.pid}/maps", encoding="utf-8") as file:
            return file.read()

    def requests(self, n, **more):
        """Publishes requests that are told apart by their response times; those, as text."""
        numbers = range(self.next, self.next + n)
        self.next += n
        self.publish(*[{"model": "openai/gpt-4", "bot": "acore", "response_ms": 10 * i,
                        "completion_tokens": 50, "total_tokens": 512, **more} for i in numbers])
        return [f"{i / 100:.2f}s" for i in numbers]

    @staticmethod
    def times(lines):
        return [found[1] for found in (re.search(r"OpenRouter response: ([\d.]+s)", line)
                                       for line in lines) if found]

    @staticmethod
    def lines(path="/var/log/syslog"):
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()

    def wait_times(self, wanted, lines):
        """Every request is there, once, and in its order."""
        try:
            wait_for(lambda: len(self.times(lines())) >= len(wanted), f"{len(wanted)} requests")
        except AssertionError:
            pass  # what is missing is told below
        time.sleep(0.1)
        self.assertEqual(self.times(lines()), wanted)


class SyslogTest(LogTest):
    def test_every_request_is_in_syslog_once_with_its_severity(self):
        daemon = self.rsyslog()
        # The command that users of the system before orbus know.
        seen = os.path.join(self.folder, "seen")
        with open(seen, "w", encoding="ascii") as out:
            shell = subprocess.Popen(
                'tail -f /var/log/syslog --pid $$ | exec grep --line-buffered "OpenRouter"',
                shell=True, stdout=out, stderr=subprocess.DEVNULL)
        self.processes.append(shell)
        tail = self.ortail("syslog", "--wait")
        wanted = self.requests(20)
        self.wait_times(wanted, lambda: self.lines(seen))
        # A daemon that is started anew is met again.
        self.stop(daemon)
        daemon = self.rsyslog()
        wanted += self.requests(20)
        self.wait_times(wanted, lambda: self.lines(seen))
        self.assertRegex(self.lines(seen)[0], r"^\w{3} [ \d]\d \d\d:\d\d:\d\d \S+ orbus\[\d+\]: "
                         r"INFO - OpenRouter response: 1\.00s \| Tokens: 50 \| TPS: 50\.0 \| "
                         r"Total: 512$")
        self.publish({"model": "m", "stream": True, "response_ms": 180300, "status": "timeout"},
                     {"model": "m", "response_ms": 180300, "status": "timeout"},
                     {"model": "m", "response_ms": 900, "status": "cancelled"},
                     {"model": "m", "stream": True, "response_ms": 8210, "ttft_ms": 870,
                      "completion_tokens": 345})
        wait_for(lambda: "stream: 8.21s" in "".join(self.lines("/var/log/severities")),
                 "the stream")
        found = [line for line in self.lines("/var/log/severities") if "OpenRouter" in line]
        hint = ("err daemon orbus: ERROR - OpenRouter request timed out - try reducing message "
                "length or switching models")
        self.assertEqual(found[40:], [
            "err daemon orbus: ERROR - OpenRouter streaming timeout after 180.3s", hint,
            "err daemon orbus: ERROR - OpenRouter timeout after 180.3s", hint,
            "warning daemon orbus: WARNING - OpenRouter request cancelled after 0.90s",
            "debug daemon orbus: DEBUG - OpenRouter TTFT: 0.87s",
            "info daemon orbus: INFO - OpenRouter stream: 8.21s | 345 tokens | TPS: 42.0 | "
            "TTFT: 0.87s"])
        self.assertEqual({line.split(" ")[0] for line in found[:40]}, {"info"})
        tail.terminate()
        self.assertEqual((tail.wait(timeout=10), tail.stderr.read()), (0, ""))
        self.stop(daemon)

    def test_while_the_daemon_is_away_lines_go_to_standard_error(self):
        self.requests(1)
        daemon = self.rsyslog()
        tail = self.ortail("syslog")
        first = self.requests(5)
        self.wait_times(first, self.lines)
        self.stop(daemon)
        os.unlink("/dev/log") if os.path.lexists("/dev/log") else None
        away = self.requests(5)
        errors = [tail.stderr.readline().rstrip("\n") for _ in range(6)]
        self.assertRegex(errors[0], r"^orbus: WARNING - cannot reach syslog \(.+\): logging to "
                         "standard error until it can be$")
        self.assertEqual(self.times(errors), away)
        daemon = self.rsyslog()
        back = self.requests(5)
        self.wait_times(first + back, self.lines)
        self.assertTrue(any("syslog can be reached again: 5 lines went to standard error" in line
                            for line in self.lines()), self.lines())
        tail.terminate()
        self.assertEqual((tail.wait(timeout=10), tail.stderr.read()), (0, ""))
        self.stop(daemon)

    def test_a_stopped_daemon_loses_nothing_silently_and_holds_no_agent_up(self):
        self.requests(1)
        daemon = self.rsyslog()
        tail = self.ortail("syslog")
        agent = self.start("oragent", "--bus", self.bus, "--data-dir", self.data, "--log-target",
                           "syslog", "--log-level", "debug", stderr=subprocess.PIPE)
        wait_for(lambda: "serving bus" in "".join(self.lines()), "the agent to log")
        os.kill(daemon.pid, signal.SIGSTOP)
        before = self.resident(tail)
        self.run_tool("orpub", "--bus", self.bus, "--json-lines",
                      input='{"model": "m", "response_ms": 1000}\n' * 30000)
        # The agent goes on counting, also if its log lines are not taken.
        wait_for(lambda: self.counted() == 30001, "the books")
        # A sanitizer keeps freed memory.
        if not SANITIZER:
            self.assertLess(self.resident(tail) - before, 32 << 20)
        agent.terminate()
        self.assertEqual(agent.wait(timeout=30), 0)
        self.assertIn("syslog takes no lines", agent.stderr.read())
        os.kill(daemon.pid, signal.SIGCONT)

        def books():
            text = self.lines()
            lost = sum(int(n) for n in re.findall(r"WARNING - ortail lost (\d+) samples",
                                                  "\n".join(text)))
            return len(self.times(text)), lost
        wait_for(lambda: sum(books()) == 30000, "shown and lost", 120)
        self.assertGreater(books()[0], 0)
        tail.terminate()
        self.assertEqual(tail.wait(timeout=10), 0)
        self.stop(daemon)

    def counted(self):
        document = json.loads(self.run_tool("orstat", "--bus", self.bus, "--json", "-t",
                                            "start").stdout)
        return document["requests"]["total"] + document["lost_samples"]

    @staticmethod
    def resident(process):
        with open(f"/proc/{process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * 4096

    def test_a_stopped_daemon_does_not_keep_ortail_from_ending(self):
        self.requests(1)
        daemon = self.rsyslog()
        tail = self.ortail("syslog")
        os.kill(daemon.pid, signal.SIGSTOP)
        wanted = self.requests(2000)
        time.sleep(0.5)
        tail.terminate()
        errors = tail.communicate(timeout=10)[1].splitlines()
        self.assertEqual(tail.returncode, 0)
        os.kill(daemon.pid, signal.SIGCONT)
        # The lines that the daemon had not taken are on standard error: no line in between is missing.
        told = self.times(errors)
        self.assertGreater(len(told), 0)
        taken = wanted[:wanted.index(told[0])]
        self.wait_times(taken, self.lines)
        self.assertEqual(taken + told, wanted[:len(taken) + len(told)])
        self.stop(daemon)


class JournalTest(LogTest):
    def test_every_request_is_in_the_journal_once_with_its_fields(self):
        daemon = self.journald()
        tail = self.ortail("journald", "--wait")
        wanted = self.requests(20, provider="OpenAI", request_id="gen-1", tags={"user": "ann"})
        self.wait_times(wanted, self.journal)
        self.stop(daemon)
        wanted += self.requests(3)
        daemon = self.journald()
        wanted += self.requests(17)
        self.wait_times(wanted, self.journal)
        first, *_ = self.entries()
        for name, value in {"PRIORITY": "6", "SYSLOG_IDENTIFIER": "orbus", "ORBUS_BOT": "acore",
                            "ORBUS_MODEL": "openai/gpt-4", "ORBUS_STATUS": "ok",
                            "ORBUS_PROVIDER": "OpenAI", "ORBUS_RESPONSE_MS": "1000",
                            "ORBUS_REQUEST_ID": "gen-1", "ORBUS_KIND": "request",
                            "ORBUS_STREAM": "false", "ORBUS_TPS": "50",
                            "ORBUS_TAGS": "user=ann", "SYSLOG_FACILITY": "3",
                            "MESSAGE": "INFO - OpenRouter response: 1.00s | Tokens: 50 | "
                                       "TPS: 50.0 | Total: 512"}.items():
            self.assertEqual(first[name], value, name)
        self.assertNotIn("ORBUS_TTFT_MS", first)
        self.assertRegex(first["ORBUS_TS"], r"^\d{4}-\d\d-\d\dT[\d:.]+Z$")
        tail.terminate()
        self.assertEqual((tail.wait(timeout=10), tail.stderr.read()), (0, ""))
        self.stop(daemon)

    def test_severities_and_queries_by_field(self):
        daemon = self.journald()
        tail = self.ortail("journald", "--wait")
        self.publish({"model": "a", "response_ms": 180300, "status": "timeout"},
                     {"model": "b", "status": "error", "error_type": "rate_limited",
                      "http_status": 429},
                     {"model": "c", "stream": True, "ttft_ms": 870, "response_ms": 8210})
        wait_for(lambda: len(self.entries()) >= 5, "the lines")
        self.assertEqual([(e["PRIORITY"], e["ORBUS_MODEL"]) for e in self.entries()],
                         [("3", "a"), ("3", "a"), ("3", "b"), ("7", "c"), ("6", "c")])
        self.assertEqual([e["MESSAGE"] for e in self.entries("ORBUS_STATUS=error")],
                         ["ERROR - OpenRouter request failed: rate_limited (HTTP 429)"])
        self.assertEqual(len(self.journal("-p", "err")), 3)
        tail.terminate()
        tail.wait(timeout=10)
        self.stop(daemon)

    def test_texts_of_samples_forge_neither_lines_nor_fields(self):
        daemon = self.journald()
        tail = self.ortail("journald", "--wait")
        evil = "x\nPRIORITY=0\nMESSAGE=forged\x1b[2J"
        self.publish({"model": evil, "bot": evil, "status": "error", "error_type": evil,
                      "error_message": evil, "tags": {evil: evil}})
        entry, = wait_for(self.entries, "the line")
        self.assertEqual(entry["PRIORITY"], "3")
        self.assertIn(r"failed: x\nPRIORITY=0\nMESSAGE=forged\x1b[2J", entry["MESSAGE"])
        self.assertEqual(entry["ORBUS_MODEL"], r"x\nPRIORITY=0\nMESSAGE=forged\x1b[2J")
        tail.terminate()
        tail.wait(timeout=10)
        self.stop(daemon)

    def test_the_unit_shows_every_request_in_both(self):
        """As on Debian: the unit logs to the journal, which passes it on to rsyslog."""
        path = os.path.join(os.environ["ORBUS_SOURCE_DIR"], "packaging/orbus-log.service")
        with open(path, encoding="utf-8") as file:
            command, = re.findall(r"(?m)^ExecStart=ortail (.*)$", file.read())
        journal = self.journald()
        rsyslog = self.rsyslog("/run/systemd/journal/syslog")
        tail = self.start("ortail", *command.split(), env=self.environment(ORBUS=self.bus))
        self.wait_until_it_waits(self.journal)
        wanted = []
        # The journal passes on what rsyslog takes at once: ten lines wait unless net.unix.max_dgram_qlen was set
        # to 512, as systemd does when a machine starts.
        for _ in range(6):
            wanted += self.requests(5)
            self.wait_times(wanted, self.lines)
        self.wait_times(wanted, self.journal)
        verify = subprocess.run(["systemd-analyze", "verify", path], capture_output=True,
                                text=True, check=False)
        # That the programs and the manual are not installed here is no fault of the unit's.
        self.assertEqual([line for line in verify.stderr.splitlines()
                          if "orbus-log" in line and "not executable" not in line
                          and "Failed to prepare" not in line and "man " not in line], [])
        tail.terminate()
        self.assertEqual(tail.wait(timeout=10), 0)
        self.stop(rsyslog)
        self.stop(journal)

    def test_other_formats_and_filters(self):
        daemon = self.journald()
        tail = self.ortail("journald", "--wait", "--min-ms", "2000", "--format",
                           "OpenRouter {model} {response_s}")
        self.publish({"model": "fast", "response_ms": 100},
                     {"model": "slow", "response_ms": 2500, "status": "error"})
        entry, = wait_for(self.entries, "the line")
        self.assertEqual((entry["MESSAGE"], entry["PRIORITY"]), ("OpenRouter slow 2.50", "3"))
        tail.terminate()
        tail.wait(timeout=10)
        self.stop(daemon)


class NoDaemonTest(LogTest):
    """Where no daemon listens, every line still goes somewhere."""

    def test_a_fatal_error_of_the_agent_is_told(self):
        with open(self.data, "w", encoding="ascii"):
            pass
        for target, name in (("syslog", "syslog"), ("journald", "journald")):
            done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data,
                                 "--log-target", target)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertRegex(done.stderr, rf"oragent WARNING - cannot reach {name} \(No such file "
                             r"or directory\): logging to standard error until it can be\n")
            self.assertRegex(done.stderr, r"oragent ERROR - .*/data is not a folder")

    def test_an_error_of_usage_is_told(self):
        done = self.run_tool("oragent", "--log-target", "journald", "--slots", "65")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--slots: must be a power of two", done.stderr)

    def test_the_journal_that_comes_late_is_used(self):
        agent = self.start("oragent", "--bus", self.bus, "--data-dir", self.data, "--log-target",
                           "journald", stderr=subprocess.PIPE)
        agent.log = []
        self.wait_log(agent, "oragent INFO - serving bus")
        daemon = self.journald()
        agent.terminate()
        self.assertEqual(agent.wait(timeout=30), 0)
        self.assertNotIn("stopped", agent.stderr.read())
        wait_for(lambda: subprocess.run(["journalctl", "-q", "-t", "oragent"], check=False,
                                        capture_output=True, text=True).stdout.count("stopped"),
                 "the agent's last word in the journal")
        self.stop(daemon)

    def test_requests_are_told(self):
        self.requests(1)
        for target in ("syslog", "journald"):
            tail = self.ortail(target)
            wanted = self.requests(3)
            errors = [tail.stderr.readline() for _ in range(4)]
            self.assertIn("cannot reach", errors[0])
            self.assertEqual(self.times(errors), wanted)
            tail.terminate()
            self.assertEqual(tail.wait(timeout=10), 0)

    def test_standard_error_is_a_target(self):
        self.requests(1)
        tail = self.ortail("stderr")
        self.requests(1)
        self.assertEqual(tail.stderr.readline(), "INFO - OpenRouter response: 1.01s | Tokens: 50 | "
                         "TPS: 49.5 | Total: 512\n")
        tail.terminate()
        self.assertEqual(tail.wait(timeout=10), 0)

    def test_what_a_log_has_no_place_for_is_refused(self):
        for options, word in ((["--format", "csv"], "--format log, json"),
                              (["--format", "table"], "--format log, json"),
                              (["--group"], "--group"), (["--stats-every", "5s"], "--stats-every"),
                              (["--timestamps"], "--timestamps"),
                              (["--highlight", "x"], "--highlight")):
            done = self.run_tool("ortail", "--bus", self.bus, "--log-target", "syslog", *options)
            self.assertEqual((done.returncode, done.stdout), (2, ""), options)
            self.assertIn("--log-target: ", done.stderr)
            self.assertIn(word, done.stderr)


class WaitTest(LogTest):
    def test_a_bus_that_is_not_there_yet_is_awaited_and_shown_from_its_first_sample(self):
        tail = self.start("ortail", "--bus", self.bus, "--wait", stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
        self.assertRegex(tail.stderr.readline(), rf"^ortail: waiting: .*{self.bus}")
        wanted = self.requests(10)
        self.assertEqual(self.times([tail.stdout.readline() for _ in range(10)]), wanted)
        # A bus that goes is followed to its next incarnation.
        for name in (self.bus, f"{self.bus}.lanes"):
            os.unlink(f"/dev/shm/{name}")
        wanted = self.requests(10)
        self.assertEqual(self.times([tail.stdout.readline() for _ in range(10)]), wanted)
        tail.terminate()
        self.assertEqual(tail.wait(timeout=10), 0)

    def test_waiting_ends_with_a_signal(self):
        tail = self.start("ortail", "--bus", self.bus, "--wait", "--quiet",
                          stderr=subprocess.PIPE)
        time.sleep(0.3)
        self.assertIsNone(tail.poll())
        tail.terminate()
        self.assertEqual((tail.wait(timeout=10), tail.stderr.read()), (0, ""))

    def test_without_it_no_bus_is_an_error_as_ever(self):
        self.assertEqual(self.run_tool("ortail", "--bus", self.bus).returncode, 3)


if __name__ == "__main__":
    enter_namespace()
    unittest.main(verbosity=2)
