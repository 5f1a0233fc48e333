"""Other users, other namespaces, links where files should be, a bus that is removed while agent and bots use it,
and too few descriptors."""
import glob
import json
import os
import resource
import shutil
import signal
import stat
import struct
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))
from harness import SANITIZER, BusTest, program, wait_for  # noqa: E402

ROOT = os.geteuid() == 0
NOBODY = 65534


class EnvironmentTest(BusTest):
    def total(self, *options):
        done = self.run_tool("orstat", "--bus", self.bus, "--window", "start", "--json", *options)
        return json.loads(done.stdout)["requests"]["total"] if done.returncode == 0 else None

    def as_other(self, name, *arguments, group=NOBODY, **how):
        """Runs a tool as a user who is not ours."""
        return subprocess.run(
            ["setpriv", f"--reuid={NOBODY}", f"--regid={group}", "--clear-groups",
             self.for_all(name), *arguments], capture_output=True, text=True, timeout=60,
            env=self.environment(HOME="/"), check=False, **how)

    def for_all(self, name):
        """A copy of a program where other users may run it: the build may lie in a private home."""
        folder = os.path.join("/tmp", f"{self.bus}-bin")
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o755)
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            shutil.copy(program(name), path)
            os.chmod(path, 0o755)
        return path


@unittest.skipUnless(ROOT, "becoming another user needs root")
class UsersTest(EnvironmentTest):
    def test_by_default_nothing_is_for_others(self):
        agent = self.start_agent("--checkpoint-every", "1s")
        self.publish({"model": "m"})
        wait_for(lambda: self.files("hourly_*"), "files")
        made = glob.glob(f"/dev/shm/{self.bus}*") + glob.glob(self.data + "/**", recursive=True)
        self.assertGreater(len(made), 5)
        for path in made:
            self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)
        for tool in ("orstat", "ortail"):
            done = self.as_other(tool, "--bus", self.bus, *(["-1"] if tool == "ortail" else []))
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("ermission", done.stderr)
        done = self.as_other("orpub", "--bus", self.bus, "--model", "intruder")
        self.assertEqual(done.returncode, 1)
        wait_for(lambda: self.total() == 1, "our request alone")
        self.stop_agent(agent)

    def test_a_group_may_publish_where_it_is_let(self):
        agent = self.start_agent("--mode", "0660", "--group", "nogroup")
        done = self.as_other("orpub", "--bus", self.bus, "--model", "friend")
        self.assertEqual(done.returncode, 0, done.stderr)
        wait_for(lambda: self.total() == 1, "the friend's request")
        self.assertEqual(self.as_other("orstat", "--bus", self.bus).returncode, 0)
        stranger = self.as_other("orpub", "--bus", self.bus, "--model", "x", group=12345)
        self.assertEqual(stranger.returncode, 1)
        self.stop_agent(agent)

    def test_readers_need_to_read_only(self):
        self.start_agent("--mode", "0640", "--group", "nogroup")
        self.publish({"model": "m"})
        wait_for(lambda: self.total() == 1, "the request")
        for tool, options in (("orstat", []), ("ortail", ["-1"])):
            done = self.as_other(tool, "--bus", self.bus, *options)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.as_other("orpub", "--bus", self.bus, "--model", "x").returncode, 1)


class LinksTest(EnvironmentTest):
    def test_a_link_in_the_place_of_the_ring_is_not_followed(self):
        victim = os.path.join(self.folder, "victim")
        with open(victim, "w", encoding="ascii") as file:
            file.write("precious")
        for suffix in ("", ".lanes"):
            os.symlink(victim, f"/dev/shm/{self.bus}{suffix}")
            done = self.run_tool("orpub", "--bus", self.bus, "--model", "m")
            self.assertEqual(done.returncode, 1, suffix)
            self.assertNotIn("Traceback", done.stderr)
            with open(victim, encoding="ascii") as file:
                self.assertEqual(file.read(), "precious")
            for path in glob.glob(f"/dev/shm/{self.bus}*"):
                os.unlink(path)

    def test_links_in_the_data_folder_are_replaced_not_followed(self):
        victim = os.path.join(self.folder, "victim")
        with open(victim, "w", encoding="ascii") as file:
            file.write("precious")
        os.makedirs(self.data, 0o700)
        name = time.strftime("hourly_%Y%m%d_%H.json", time.gmtime())
        for link in (name, "state"):
            os.symlink(victim, self.path(link))
        self.publish({"model": "m"})
        self.start_agent("--checkpoint-every", "1s", ready=False)
        wait_for(lambda: os.path.exists(self.path(name)) and not os.path.islink(self.path(name)),
                 "the hour's file")
        with open(victim, encoding="ascii") as file:
            self.assertEqual(file.read(), "precious")
        self.assertTrue(stat.S_ISREG(os.lstat(self.path(name)).st_mode))


class RemovedTest(EnvironmentTest):
    def remove_bus(self):
        for path in glob.glob(f"/dev/shm/{self.bus}*"):
            os.unlink(path)

    def test_a_bus_removed_under_everybody_is_made_again(self):
        """As systemd's RemoveIPC does it. Nothing is lost: what bots still publish to the old ring is
        read from there."""
        agent = self.start_agent()
        books = [os.path.join(self.folder, f"books{n}") for n in range(3)]
        bots = [self.start("bot", self.bus, f"bot{n}", path, 1000, n)
                for n, path in enumerate(books)]
        for _ in range(3):
            time.sleep(1)
            self.remove_bus()
            wait_for(lambda: os.path.exists(f"/dev/shm/{self.bus}"), "a new ring", 5)
            time.sleep(2.5)
        for bot in bots:
            bot.send_signal(signal.SIGTERM)
            bot.wait(20)
        published = 0
        for path in books:
            with open(path, "rb") as file:
                published += struct.unpack("<QQ", file.read(16))[1]
        wait_for(lambda: self.total() == published, f"{published} requests, not {self.total()}")
        self.remove_bus()  # only the agent is there to make it again
        self.wait_log(agent, "was removed: made it anew")
        log = self.stop_agent(agent)
        self.assertGreaterEqual(log.count("to its new incarnation"), 3, log)


class ForkTest(EnvironmentTest):
    @unittest.skipIf(SANITIZER, "Python cannot load a library with a sanitizer in it")
    def test_a_storm_of_os_fork(self):
        """A Python program forks with a producer open, and its children fork: each publishes for
        itself, and what the parent had in flight is not theirs to end."""
        agent = self.start_agent("--checkpoint-every", "1s")
        done = subprocess.run([sys.executable, "-c", FORKING, self.bus], env=self.environment(
            LIBORBUS=os.path.join(os.environ["ORBUS_BUILD_DIR"], "libbus", "liborbus.so")),
            capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        published = int(done.stdout)
        wait_for(lambda: self.total() == published, f"{published}, not {self.total()}")
        self.stop_agent(agent)


FORKING = """
import ctypes, os, sys
bus = ctypes.CDLL(os.environ["LIBORBUS"])
request = ctypes.c_char * 4096

def publish(producer):
    one = request()
    assert bus.orbus_request_begin(producer, one, b"m", False) == 0
    assert bus.orbus_request_end(one, 0) == 0

producer = ctypes.c_void_p()
assert bus.orbus_producer_open(sys.argv[1].encode(), b"storm", ctypes.byref(producer)) == 0
for _ in range(40):
    child = os.fork()
    if child == 0:
        publish(producer)
        grandchild = os.fork()
        for _ in range(5):
            publish(producer)
        if grandchild:
            assert os.waitpid(grandchild, 0)[1] == 0
        os._exit(0)
    publish(producer)
    assert os.waitpid(child, 0)[1] == 0
print(40 * (1 + 1 + 2 * 5))
"""


class NamespacesTest(EnvironmentTest):
    def unshare(self, *flags):
        done = subprocess.run(["unshare", *flags, "true"], capture_output=True, check=False)
        if done.returncode != 0:
            self.skipTest(f"may not unshare {flags} here")
        return ["unshare", *flags]

    def test_a_bot_in_another_pid_namespace_is_seen_to_die(self):
        """There its pid is 1, as in every container."""
        prefix = self.unshare("--pid", "--fork", "--mount-proc", "--ipc")
        agent = self.start_agent()
        begin = json.dumps({"kind": "begin", "request_id": "r", "requested_model": "m"}) + "\n"
        bots = []
        for _ in range(3):
            bot = subprocess.Popen([*prefix, program("orpub"), "--bus", self.bus, "--json-lines"],
                                   stdin=subprocess.PIPE, text=True, env=self.environment())
            self.processes.append(bot)
            bot.stdin.write(begin)
            bot.stdin.flush()
            bots.append(bot)

        def requests():
            done = self.run_tool("orstat", "--bus", self.bus, "--window", "start", "--json")
            return json.loads(done.stdout)["requests"]
        wait_for(lambda: requests()["in_flight"] == 3, "three requests in flight")
        for bot in bots:
            subprocess.run(["pkill", "-KILL", "-P", str(bot.pid)], check=False)
        wait_for(lambda: requests()["orphaned"] == 3, "three orphans")
        self.stop_agent(agent)

    def test_a_bus_on_a_mounted_path(self):
        folder = os.path.join(self.folder, "shared")
        os.mkdir(folder)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder],
                              capture_output=True, check=False)
        if done.returncode != 0:
            self.skipTest("may not mount a tmpfs here")
        self.addCleanup(subprocess.run, ["umount", "-l", folder], check=False)
        self.bus = os.path.join(folder, "ring")
        agent = self.start_agent()
        # The same volume under another path, as another container has it.
        other = os.path.join(self.folder, "elsewhere")
        os.mkdir(other)
        prefix = self.unshare("--mount", "--pid", "--fork")
        inner = f"mount --bind {folder} {other} && exec {program('orpub')} --bus {other}/ring " \
                "--model contained"
        done = subprocess.run([*prefix, "sh", "-c", inner], capture_output=True, text=True,
                              env=self.environment(), check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        wait_for(lambda: self.total() == 1, "the container's request")
        self.assertTrue(os.path.exists(self.bus + ".board"))
        self.stop_agent(agent)


class DescriptorsTest(EnvironmentTest):
    @unittest.skipIf(SANITIZER, "sanitizers need descriptors of their own")
    def test_too_few_descriptors_are_a_clear_error(self):
        def few(count):
            return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
        seen = set()
        for count in range(3, 12):
            done = self.run_tool("orpub", "--bus", self.bus, "--model", "m", preexec_fn=few(count))
            self.assertIn(done.returncode, (0, 1, 127), done.stderr)
            if done.returncode == 1:
                self.assertIn("oo many open files", done.stderr)
            seen.add(done.returncode)
        self.assertEqual(seen & {0, 1}, {0, 1})
        # The failed calls left nothing locked or half made.
        self.publish({"model": "m"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
