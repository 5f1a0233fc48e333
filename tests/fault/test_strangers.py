"""Two users, by real uids. An object that another user has put in the place of ring, lock object or board is not
used: each of them, in every order, before the start and while all are running. No call waits for a lock that
another process holds. Needs root, to run as two users."""
import fcntl
import itertools
import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
from harness import SANITIZER, BusTest, main, program, wait_for  # noqa: E402

# One that other users may run: that of the tests may lie in a private home.
PYTHON = shutil.which("python3", path="/usr/bin:/bin") or sys.executable
STRANGER, ALICE = 64001, 64002  # no user needs to have these numbers
SUFFIXES = ("", ".lanes", ".board")
LOCK_CREATE, LOCK_AGENT = 4096, 4097
F_OFD_SETLK = 37
# How long a call may take that must not wait: generous, for this is no benchmark.
AT_ONCE_US = 50e3 if SANITIZER else 20e3


def lock(fd, byte, length=1, kind=fcntl.F_WRLCK):
    """An open-file-description lock, as any program may take it."""
    fcntl.fcntl(fd, F_OFD_SETLK, struct.pack("hhqqi4x", kind, os.SEEK_SET, byte, length, 0))


@unittest.skipUnless(os.geteuid() == 0, "being two users needs root")
class StrangerTest(BusTest):
    def setUp(self):
        super().setUp()
        self.shm = f"/dev/shm/{self.bus}"
        os.chmod(self.folder, 0o755)
        self.bin = os.path.join("/tmp", f"{self.bus}-bin")
        os.makedirs(self.bin)
        os.chmod(self.bin, 0o755)
        self.addCleanup(shutil.rmtree, self.bin, ignore_errors=True)

    def for_all(self, name):
        """A copy of a program where other users may run it: the build may lie in a private home."""
        path = os.path.join(self.bin, name)
        if not os.path.exists(path):
            shutil.copy(program(name), path)
            os.chmod(path, 0o755)
        return path

    def run_as(self, uid, name, *arguments, env=None, **how):
        return subprocess.run([self.for_all(name), *arguments], capture_output=True, text=True,
                              timeout=60, env=env or self.environment(HOME="/"), user=uid, group=uid,
                              extra_groups=[], check=False, **how)

    def start_as(self, uid, name, *arguments, **how):
        process = subprocess.Popen([self.for_all(name), *map(str, arguments)], text=True,
                                   env=self.environment(HOME="/"), user=uid, group=uid,
                                   extra_groups=[], **how)
        self.processes.append(process)
        return process

    def start_agent_as(self, uid, *options):
        os.makedirs(self.data, exist_ok=True)
        os.chown(self.data, uid, uid)
        agent = self.start_as(uid, "oragent", "--bus", self.bus, "--data-dir", self.data, *options,
                              stderr=subprocess.PIPE)
        agent.log = []
        self.wait_log(agent, "serving bus")
        return agent

    def squat(self, *suffixes, mode=0o666):
        """A stranger puts objects of his own under the names: a whole bus that would work."""
        his = f"{self.bus}-his"
        self.assertEqual(self.run_as(STRANGER, "orpub", "--bus", his, "--model", "trap").returncode, 0)
        for suffix in suffixes:
            path, from_ = self.shm + suffix, f"/dev/shm/{his}{suffix}"
            if suffix == ".board":
                from_ = self.forged_board()
            subprocess.run([PYTHON, "-c", "import sys, os\n"
                            "data = open(sys.argv[1], 'rb').read(1 << 20)\n"
                            "fd = os.open(sys.argv[2], os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)\n"
                            "os.write(fd, data)\n"
                            "os.ftruncate(fd, os.stat(sys.argv[1]).st_size)\n"
                            "os.fchmod(fd, int(sys.argv[3], 8))", from_, path, oct(mode)],
                           user=STRANGER, group=STRANGER, extra_groups=[], check=True)

    def forged_board(self):
        """The board of a living agent of the stranger's, on a bus of his own."""
        his = f"{self.bus}-other"
        path = f"/dev/shm/{his}.board"
        if not os.path.exists(path):
            folder = os.path.join(self.folder, "his")
            os.makedirs(folder)
            os.chown(folder, STRANGER, STRANGER)
            self.start_as(STRANGER, "oragent", "--bus", his, "--data-dir", folder,
                          stderr=subprocess.DEVNULL)
            wait_for(lambda: os.path.exists(path), "his board")
            self.assertEqual(self.run_as(STRANGER, "orpub", "--bus", his, "--model",
                                         "forged").returncode, 0)
            time.sleep(0.6)
        return path

    def assert_told(self, done, path):
        """Exit status 1, and a message that names the object, its owner and the remedy."""
        self.assertEqual(done.returncode, 1, done)
        for word in (path, f"uid {STRANGER}", "not trusted", "remove it", f"ORBUS_OWNER={STRANGER}"):
            self.assertIn(word, done.stderr)

    def total(self, **more):
        done = self.run_tool("orstat", "--bus", self.bus, "--window", "start", "--json",
                             env=self.environment(**more))
        return json.loads(done.stdout)["requests"]["total"] if done.returncode == 0 else None

    def assert_ends_at_once(self, agent):
        # It is given a second; this machine may give it less.
        return self.stop_agent_soon(agent, 30 if SANITIZER else 5)

    def bot(self, uid=0, seconds=30, rate=1000):
        bot = self.start_as(uid, "worst_publish", self.bus, "bot", seconds, rate,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.assertEqual(bot.stdout.readline(), "ready\n")
        return bot

    def books(self, bot, stop=False):
        """A bot's last line."""
        if stop:
            bot.stdin.close()
        self.assertEqual(bot.wait(timeout=60), 0)
        return json.loads(bot.stdout.read())


class BeforeTheStartTest(StrangerTest):
    def test_a_strangers_ring_is_refused_by_everybody(self):
        self.squat("", ".lanes")
        for tool, *options in (("orpub", "--model", "m"), ("orstat",), ("ortail", "-1"),
                               ("oragent", "--data-dir", self.data, "--once")):
            self.assert_told(self.run_tool(tool, "--bus", self.bus, *options), self.shm)
        check = self.run_tool("orstat", "--bus", self.bus, "--check")
        self.assertEqual(check.returncode, 3)
        self.assertIn("not trusted", check.stdout)

    def test_nothing_of_a_private_squat_is_used_either(self):
        """The stranger's object cannot be opened, and the error still names its owner."""
        self.squat("", ".lanes", mode=0o600)
        self.assert_told(self.run_as(ALICE, "orpub", "--bus", self.bus, "--model", "m"), self.shm)
        self.assert_told(self.run_as(ALICE, "orstat", "--bus", self.bus), self.shm)

    def test_a_strangers_lock_object_is_refused_by_producers_and_agent(self):
        self.squat(".lanes")
        for tool, *options in (("orpub", "--model", "m"),
                               ("oragent", "--data-dir", self.data, "--once")):
            self.assert_told(self.run_tool(tool, "--bus", self.bus, *options), self.shm + ".lanes")
        self.assertFalse(os.path.exists(self.shm))

    def test_in_every_order(self):
        """For each squatted object: nothing is published into it, and none of its samples is shown."""
        for count in (1, 2, 3):
            for suffixes in itertools.combinations(SUFFIXES, count):
                for path in (self.shm + s for s in SUFFIXES):
                    if os.path.exists(path):
                        os.unlink(path)
                self.squat(*suffixes)
                before = [os.stat(self.shm + s).st_mtime_ns for s in suffixes]
                done = self.run_tool("orpub", "--bus", self.bus, "--model", "ours")
                refused = suffixes != (".board",)
                self.assertEqual(done.returncode, int(refused), (suffixes, done.stderr))
                shown = self.run_tool("orstat", "--bus", self.bus, "--json")
                self.assertNotIn("trap", shown.stdout)
                self.assertNotIn("forged", shown.stdout)
                self.assertEqual(before, [os.stat(self.shm + s).st_mtime_ns for s in suffixes])

    def test_root_takes_a_squatted_boards_place(self):
        self.squat(".board")
        agent = self.start_agent()
        self.assertEqual(os.stat(self.shm + ".board").st_uid, 0)
        self.publish({"model": "m"})
        wait_for(lambda: self.total() == 1, "the request")
        self.assert_ends_at_once(agent)

    def test_another_agent_serves_without_a_board(self):
        self.squat(".board")
        agent = self.start_agent_as(ALICE)
        said = self.wait_log(agent, "has no board")
        self.assertIn(f"uid {STRANGER}", said)
        self.assertEqual(self.run_as(ALICE, "orpub", "--bus", self.bus, "--model", "m").returncode, 0)
        for uid in (ALICE, 0):
            env = self.environment(HOME="/", ORBUS_OWNER=str(ALICE))
            seen = self.run_as(uid, "orstat", "--bus", self.bus, "--json", env=env)
            self.assertEqual(json.loads(seen.stdout)["source"], "ring")
            self.assertIn("board is not used", seen.stderr)
            self.assertNotIn("forged", seen.stdout)
            check = self.run_as(uid, "orstat", "--bus", self.bus, "--check", env=env)
            self.assertNotEqual(check.returncode, 0, check.stdout)
            self.assertNotIn("ORBUS OK", check.stdout)
        os.unlink(self.shm + ".board")
        self.wait_log(agent, "has a board", 5)
        self.assertEqual(os.stat(self.shm + ".board").st_uid, ALICE)
        log = self.assert_ends_at_once(agent)
        self.assertEqual(log.count("has no board"), 1)
        with open(self.path(time.strftime("hourly_%Y%m%d_%H.json", time.gmtime())),
                  encoding="utf-8") as file:
            self.assertEqual(json.load(file)["requests"]["total"], 1)

    def test_a_lease_of_a_strangers_keeps_nobody(self):
        """Opening a file on which another process holds a lease waits for that process, up to 45 s."""
        holder = subprocess.Popen(
            [PYTHON, "-c", "import fcntl, os, signal, sys, time\n"
             "fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o666)\n"
             "os.fchmod(fd, 0o666)\n"
             "signal.signal(signal.SIGIO, signal.SIG_IGN)\n"
             "fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)\n"
             "print('ready', flush=True)\n"
             "time.sleep(60)", self.shm], user=STRANGER, group=STRANGER, extra_groups=[],
            stdout=subprocess.PIPE, text=True)
        self.processes.append(holder)
        self.assertEqual(holder.stdout.readline(), "ready\n")
        start = time.monotonic()
        self.assert_told(self.run_tool("orpub", "--bus", self.bus, "--model", "m"), self.shm)
        self.assertLess(time.monotonic() - start, 5)


class TrustTest(StrangerTest):
    def test_an_owner_who_is_named_is_trusted(self):
        self.squat("", ".lanes")
        for name in (str(STRANGER),):
            env = self.environment(ORBUS_OWNER=name)
            for tool, *options in (("orpub", "--model", "m"), ("orstat",), ("ortail", "-1")):
                done = self.run_tool(tool, "--bus", self.bus, *options, env=env)
                self.assertEqual(done.returncode, 0, done.stderr)
        done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once",
                             "--owner", str(STRANGER))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_another_named_owner_is_not(self):
        self.squat("", ".lanes")
        done = self.run_tool("orpub", "--bus", self.bus, "--model", "m",
                             env=self.environment(ORBUS_OWNER=str(ALICE)))
        self.assert_told(done, self.shm)

    def test_names_are_users(self):
        """nobody is a user of every machine."""
        path = "/dev/shm/" + self.bus
        with open(path, "wb"):
            pass
        os.chown(path, 65534, 65534)
        named = self.run_tool("orpub", "--bus", self.bus, "--model", "m",
                              env=self.environment(ORBUS_OWNER="nobody"))
        self.assertIn("not an orbus bus", named.stderr)
        unnamed = self.run_tool("orpub", "--bus", self.bus, "--model", "m")
        self.assertIn("'" + path + "' belongs to nobody (uid 65534)", unnamed.stderr)

    def test_an_unknown_owner_is_a_clear_error(self):
        for name in ("no-such-user", "99999999999", "-1", "4294967295", "a:b"):
            for tool, *options in (("orpub", "--model", "m"), ("orstat",),
                                   ("oragent", "--data-dir", self.data, "--once")):
                done = self.run_tool(tool, "--bus", self.bus, *options,
                                     env=self.environment(ORBUS_OWNER=name))
                self.assertIn(done.returncode, (1, 2), done)
                self.assertIn(f"there is no user '{name}'", done.stderr)
        done = self.run_tool("oragent", "--bus", self.bus, "--owner", "no-such-user")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--owner: there is no user 'no-such-user'", done.stderr)

    def test_an_empty_variable_names_nobody(self):
        done = self.run_tool("orpub", "--bus", self.bus, "--model", "m",
                             env=self.environment(ORBUS_OWNER=""))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_roots_bus_is_everybodys_to_trust(self):
        agent = self.start_agent("--mode", "0666")
        done = self.run_as(ALICE, "orpub", "--bus", self.bus, "--model", "m")
        self.assertEqual(done.returncode, 0, done.stderr)
        wait_for(lambda: self.total() == 1, "her request")
        self.stop_agent(agent)

    def test_a_set_user_id_program_is_not_told_whom_to_trust(self):
        """The user who starts the program must not choose whom it trusts."""
        self.squat("", ".lanes")
        path = self.for_all("orpub")
        os.chown(path, ALICE, ALICE)
        os.chmod(path, 0o4755)
        done = self.run_as(STRANGER, "orpub", "--bus", self.bus, "--model", "m",
                           env=self.environment(HOME="/", ORBUS_OWNER=str(STRANGER)))
        self.assertEqual(done.returncode, 1)
        self.assertIn("not trusted", done.stderr)

    def test_a_bus_on_a_path_belongs_to_its_folder(self):
        for mode, trusted in ((0o755, True), (0o775, False), (0o757, False), (0o1777, False)):
            folder = f"/dev/shm/{self.bus}.d"
            os.mkdir(folder)
            os.chown(folder, STRANGER, STRANGER)
            self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
            bus = folder + "/ring"
            done = self.run_as(STRANGER, "orpub", "--bus", bus, "--model", "m")
            self.assertEqual(done.returncode, 0, done.stderr)
            os.chmod(folder, mode)
            done = self.run_tool("orpub", "--bus", bus, "--model", "m")
            self.assertEqual(done.returncode, int(not trusted), (oct(mode), done.stderr))
            shutil.rmtree(folder)


class WhileRunningTest(StrangerTest):
    def test_squatted_after_a_removal(self):
        """An operator's rm, and a stranger is faster than we are. Each object, and all."""
        for suffixes in (("",), (".lanes",), ("", ".lanes"), (".board",), SUFFIXES):
            with self.subTest(suffixes=suffixes):
                self.squat_under_all(suffixes)

    def squat_under_all(self, suffixes):
        agent = self.start_agent_as(ALICE)
        env = {"ORBUS_OWNER": str(ALICE)}
        bot = self.bot(ALICE)
        wait_for(lambda: (self.total(**env) or 0) > 100, "requests")
        if ".board" in suffixes:
            self.forged_board()
        os.kill(agent.pid, signal.SIGSTOP)
        os.kill(bot.pid, signal.SIGSTOP)
        for suffix in suffixes:
            os.unlink(self.shm + suffix)
        self.squat(*suffixes)
        os.kill(agent.pid, signal.SIGCONT)
        os.kill(bot.pid, signal.SIGCONT)
        time.sleep(2.5)
        for suffix in suffixes:
            self.assertEqual(os.stat(self.shm + suffix).st_uid, STRANGER)
        for suffix in suffixes:
            os.unlink(self.shm + suffix)
        time.sleep(2.5)
        wait_for(lambda: all(os.path.exists(self.shm + s) and
                             os.stat(self.shm + s).st_uid == ALICE for s in SUFFIXES),
                 "her objects again", 10)
        time.sleep(1.2)
        books = self.books(bot, stop=True)
        if "" in suffixes:
            self.assertEqual(books["error"], 129)  # EKEYREJECTED
            self.assertGreater(books["refused"], 500)
        else:
            self.assertEqual(books["refused"], 0)
        self.assertLess(books["worst_cpu_us"], AT_ONCE_US)
        wait_for(lambda: self.total(**env) == books["published"],
                 f"{books} requests; there are {self.total(**env)}")
        self.assert_ends_at_once(agent)
        for suffix in SUFFIXES:
            os.unlink(self.shm + suffix)
        shutil.rmtree(self.data)

    def test_a_removed_lock_object_or_board_is_made_anew(self):
        agent = self.start_agent()
        bot = self.bot()
        for suffix, said in ((".lanes", "the lock object of bus"), (".board", None)):
            before = os.stat(self.shm + suffix).st_ino
            os.unlink(self.shm + suffix)
            wait_for(lambda: os.path.exists(self.shm + suffix) and
                     os.stat(self.shm + suffix).st_ino != before, suffix, 5)
            if said:
                self.assertIn("was removed", self.wait_log(agent, said, 5))
            time.sleep(2.5)
        books = self.books(bot, stop=True)
        self.assertEqual(books["refused"], 0)
        wait_for(lambda: self.total() == books["published"], f"{books}; there are {self.total()}")
        self.stop_agent(agent)

    def test_a_full_tmpfs_keeps_no_agent_from_starting(self):
        folder = os.path.join(self.folder, "small")
        os.mkdir(folder)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder],
                          capture_output=True, check=False).returncode:
            self.skipTest("no tmpfs can be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", folder], check=False)
        self.bus = folder + "/ring"
        self.publish({"model": "m"})
        filler = os.open(folder + "/filler", os.O_WRONLY | os.O_CREAT, 0o600)
        self.addCleanup(os.close, filler)
        with self.assertRaises(OSError):
            while True:
                os.write(filler, bytes(4096))
        agent = self.start_agent()
        self.assertIn("no room left", self.wait_log(agent, "has no board"))
        self.assertEqual(self.total(), 1)
        os.ftruncate(filler, 0)
        self.wait_log(agent, "has a board", 5)
        wait_for(lambda: self.total() == 1, "the request on the board")
        self.stop_agent(agent)


class LocksTest(StrangerTest):
    """A user who may use the bus holds its locks, and never lets go."""

    def hold(self, byte, length=1, kind=fcntl.F_WRLCK):
        fd = os.open(self.shm + ".lanes", os.O_RDWR)
        self.addCleanup(os.close, fd)
        lock(fd, byte, length, kind)

    def timed(self, *arguments, seconds=1.0):
        start = time.monotonic()
        done = self.run_tool(*arguments)
        self.assertLess(time.monotonic() - start, 20 if SANITIZER else 5 * seconds)
        return done

    def test_the_create_byte_while_there_is_no_ring(self):
        self.publish({"model": "m"})
        os.unlink(self.shm)
        self.hold(LOCK_CREATE)
        for tool, *options in (("orpub", "--model", "m"),
                               ("oragent", "--data-dir", self.data, "--once")):
            done = self.timed(tool, "--bus", self.bus, *options, seconds=1.5)
            self.assertEqual(done.returncode, 1)
            self.assertIn("keeps the bus's lock object", done.stderr)
        self.assertFalse(os.path.exists(self.shm))

    def test_the_create_byte_under_a_removal(self):
        """A publish never waits; the agent obeys and goes on."""
        agent = self.start_agent("--mode", "0666")
        bot = self.bot()
        os.kill(bot.pid, signal.SIGSTOP)
        os.kill(agent.pid, signal.SIGSTOP)
        self.hold(LOCK_CREATE)
        os.unlink(self.shm)
        os.kill(bot.pid, signal.SIGCONT)
        os.kill(agent.pid, signal.SIGCONT)
        self.wait_log(agent, "keeps the bus's lock object", 5)
        time.sleep(2)
        books = self.books(bot, stop=True)
        self.assertGreater(books["refused"], 500)
        self.assertEqual(books["error"], 16)  # EBUSY
        self.assertLess(books["worst_cpu_us"], AT_ONCE_US)
        log = self.assert_ends_at_once(agent)
        self.assertEqual(log.count("keeps the bus's lock object"), 1)

    def test_the_agents_byte(self):
        self.publish({"model": "m"})
        self.hold(LOCK_AGENT)
        done = self.timed("oragent", "--bus", self.bus, "--data-dir", self.data, seconds=3)
        self.assertEqual(done.returncode, 1)
        self.assertIn("another program holds the agent's lock in", done.stderr)

    def test_every_lane(self):
        for kind in (fcntl.F_WRLCK, fcntl.F_RDLCK):
            self.publish({"model": "m"})
            fd = os.open(self.shm + ".lanes", os.O_RDWR)
            lock(fd, 0, 4096, kind)
            done = self.timed("orpub", "--bus", self.bus, "--model", "m")
            self.assertEqual(done.returncode, 1)
            self.assertIn("all lanes of the bus are taken", done.stderr)
            os.close(fd)
            self.publish({"model": "m"})

    def bot_under_locks(self, count, seconds):
        """A bot whose bus was made anew, with 4,096 lanes of which `count` are locked, each by another
        description: the kernel walks through all of them at each try."""
        def make():
            done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once",
                                 "--lanes", "4096", "--slots", "64", "--mode", "0666")
            self.assertEqual(done.returncode, 0, done.stderr)
        make()
        bot = self.bot(seconds=seconds)
        os.kill(bot.pid, signal.SIGSTOP)
        for suffix in ("", ".lanes"):
            os.unlink(self.shm + suffix)
        make()
        old = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(old[0], min(8192, old[1])), old[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, old)
        single = min(count, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)
        for byte in range(single):
            self.hold(byte)
        if single < count:
            self.hold(single, count - single)
        os.kill(bot.pid, signal.SIGCONT)
        return self.books(bot)

    def test_every_byte_of_the_new_lock_object_under_a_removal(self):
        books = self.bot_under_locks(4096, 6)
        self.assertGreater(books["refused"], 500)
        self.assertIn(books["error"], (11, 87))  # EAGAIN: cut off; EUSERS: all were asked for
        self.assertLess(books["worst_cpu_us"], AT_ONCE_US)

    def test_a_search_that_was_cut_off_comes_to_its_end(self):
        """One lane of 4,096 is free: the bot finds it, a piece of the way at a time."""
        books = self.bot_under_locks(4095, 8)
        self.assertGreater(books["published"], 500, books)
        self.assertLess(books["worst_cpu_us"], AT_ONCE_US)

    def test_mere_readers_can_lock_nothing(self):
        agent = self.start_agent("--mode", "0644")
        code = ("import fcntl, os, struct, sys\n"
                "for suffix in ('.lanes', ''):\n"
                "    for flags in (os.O_RDWR, os.O_RDONLY):\n"
                "        try:\n"
                "            fd = os.open(sys.argv[1] + suffix, flags)\n"
                "            fcntl.fcntl(fd, 37, struct.pack('hhqqi4x', fcntl.F_RDLCK, 0, 0, 0, 0))\n"
                "            print('locked', suffix)\n"
                "        except PermissionError:\n"
                "            pass\n"
                "import time; print('ready', flush=True); time.sleep(60)\n")
        reader = subprocess.Popen([PYTHON, "-c", code, self.shm], user=ALICE, group=ALICE,
                                  extra_groups=[], stdout=subprocess.PIPE, text=True)
        self.processes.append(reader)
        lines = []
        while "ready\n" not in lines:
            lines.append(reader.stdout.readline())
        self.assertEqual(lines, ["locked \n", "ready\n"])  # the ring, whose locks mean nothing
        self.publish({"model": "m"})
        wait_for(lambda: self.total() == 1, "the request")
        self.stop_agent(agent)


class OptionsTest(StrangerTest):
    """Options for a bus that exists are applied, or refused with an error."""

    def modes(self):
        return [oct(os.stat(self.shm + s).st_mode & 0o777) for s in SUFFIXES]

    def test_mode_and_group_are_given_to_a_bus_that_exists(self):
        self.publish({"model": "m"})
        for mode, all_ in (("0666", ["0o666", "0o666", "0o644"]), ("0600", ["0o600", "0o600", "0o600"]),
                           ("0640", ["0o640", "0o600", "0o640"])):
            agent = self.start_agent("--mode", mode, "--group", "nogroup")
            self.assertEqual(self.modes(), all_)
            self.assertEqual({os.stat(self.shm + s).st_gid for s in SUFFIXES}, {65534})
            log = self.stop_agent(agent)
            self.assertIn(f"now {mode} and 65534", log)
        agent = self.start_agent()
        self.assertEqual(self.modes(), ["0o640", "0o600", "0o640"])
        self.assertNotIn("existed with", self.stop_agent(agent))

    def test_a_bot_that_makes_the_bus_anew_voids_no_option(self):
        agent = self.start_agent("--mode", "0660", "--group", "nogroup")
        bot = self.bot()
        os.kill(agent.pid, signal.SIGSTOP)
        os.unlink(self.shm)
        wait_for(lambda: os.path.exists(self.shm), "the bot's ring", 5)
        self.assertEqual(os.stat(self.shm).st_mode & 0o777, 0o600)
        os.kill(agent.pid, signal.SIGCONT)
        wait_for(lambda: os.stat(self.shm).st_mode & 0o777 == 0o660 and
                 os.stat(self.shm).st_gid == 65534, "mode and group", 5)
        bot.kill()
        self.stop_agent(agent)

    def test_another_shape_is_an_error(self):
        self.publish({"model": "m"})
        for options, words in ((("--lanes", "512"), "512 lanes of 4096 slots of 512 bytes"),
                               (("--slots", "64"), "256 lanes of 64 slots of 512 bytes"),
                               (("--slot-bytes", "1024"), "256 lanes of 4096 slots of 1024 bytes")):
            done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once",
                                 *options)
            self.assertEqual(done.returncode, 1)
            for word in (words, "256 lanes of 4096 slots of 512 bytes", f"remove {self.shm}",
                         "leave --lanes"):
                self.assertIn(word, done.stderr)
        done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once",
                             "--lanes", "256", "--slots", "4096", "--slot-bytes", "512")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_who_may_not_is_told_whose_it_is(self):
        agent = self.start_agent("--mode", "0666")
        self.stop_agent(agent)
        os.chown(self.data, ALICE, ALICE)
        for root, _, files in os.walk(self.data):
            for name in files:
                os.unlink(os.path.join(root, name))
        done = self.run_as(ALICE, "oragent", "--bus", self.bus, "--data-dir", self.data, "--once",
                           "--mode", "0600")
        self.assertEqual(done.returncode, 1)
        self.assertIn("root (uid 0)", done.stderr)
        self.assertIn("--mode", done.stderr)
        done = self.run_as(ALICE, "oragent", "--bus", self.bus, "--data-dir", self.data, "--once",
                           "--mode", "0666")  # as it is
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    main()
