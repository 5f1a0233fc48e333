"""Mistakes that people make: each is named, with what was meant and what becomes of it."""
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

from harness import BusTest, main, program, wait_for


class FriendlyTest(BusTest):
    def pub(self, *options, **how):
        return self.run_tool("orpub", "--bus", self.bus, *options, **how)

    def lines(self, *samples):
        return self.pub("--json-lines", input="".join(json.dumps(s) + "\n" for s in samples))

    def window(self):
        return json.loads(self.run_tool("orstat", "--bus", self.bus, "--json", "--window", "start").stdout)


class PublishTest(FriendlyTest):
    def test_an_unknown_key_is_said_once_with_the_one_that_was_meant(self):
        done = self.lines({"modle": "a"}, {"modle": "b", "cost": 1}, {"frobnicate": None, "model": "c"},
                          {"Model": "d"}, {"a\x1b[2Jb": 1})
        self.assertEqual(done.stderr.splitlines(), [
            "orpub: line 1: unknown key 'modle' (did you mean 'model'?): published without it",
            "orpub: line 2: unknown key 'cost' (did you mean 'cost_usd'?): published without it",
            "orpub: line 3: unknown key 'frobnicate': published without it",
            "orpub: line 4: unknown key 'Model' (did you mean 'model'?): published without it",
            "orpub: line 5: unknown key 'a\\x1b[2Jb': published without it"])
        self.assertEqual(done.returncode, 0)
        self.assertEqual(self.window()["requests"]["total"], 5)

    def test_unknown_keys_without_end_are_not_all_named(self):
        done = self.lines(*({f"key{n:05}" + "x" * 1000: 1} for n in range(1000)))
        self.assertEqual(done.returncode, 0)
        self.assertEqual(len(done.stderr.splitlines()), 33)
        self.assertIn("line 33: more unknown keys", done.stderr.splitlines()[-1])
        self.assertLess(len(done.stderr), 10000)

    def test_every_key_that_ortail_shows_is_known(self):
        done = self.pub("--model", "m", "--response-ms", 1000, "--ttft-ms", 10, "--completion-tokens", 5,
                        "--stream", "--tag", "user=x", "--cost-usd", 1, "--error-message", "e", "--attempt", 2,
                        "--http-status", 200, "--gauge", "g=1", "--count", "c=1", "--bot", "b")
        self.assertEqual(done.stderr, "")
        shown = self.run_tool("ortail", "--bus", self.bus, "-1", "--json").stdout
        done = self.pub("--json-lines", input=shown)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_time_that_the_agent_rejects_is_a_failure(self):
        agent = self.start_agent("--retention-days", 3)
        wait_for(lambda: self.window()["source"] == "agent", "the board")
        now = time.time()
        old = now - 5 * 86400
        done = self.lines({"model": "m", "ts": old}, {"model": "m"}, {"model": "m", "ts": old},
                          {"model": "m", "ts": now - 2 * 86400})
        self.assertEqual(done.returncode, 1)
        first, total = done.stderr.splitlines()
        self.assertRegex(first, r"^orpub: line 1: ts 20\S+Z is older than the agent keeps files \(3 days\): "
                                r"it will be rejected; .*--retention-days")
        self.assertEqual(total, "orpub: 2 of 4 samples are older than 3 days")
        done = self.pub("--model", "m", "--ts", int(old))
        self.assertEqual(done.returncode, 1)
        self.assertIn("orpub: --ts: ts 20", done.stderr)
        self.assertIn("it will be rejected", done.stderr)
        wait_for(lambda: self.window()["rejected_samples"] == 3, "what was said")
        self.assertEqual(self.window()["requests"]["total"], 2)
        self.stop_agent(agent)

    def test_what_it_says_of_a_day_is_what_the_agent_does(self):
        """Around the border, in local time and UTC: what it says is rejected, the agent rejects; and what
        is a day older than that, it says."""
        for zone, options in (("UTC", ()), ("Pacific/Auckland", ()), ("America/Los_Angeles", ()),
                              ("Pacific/Auckland", ("--utc",))):
            env = self.environment(TZ=zone)
            agent = self.start_agent("--retention-days", 3, *options, env=env)
            wait_for(lambda: self.window()["source"] == "agent", "the board")
            now, said, hours = time.time(), set(), range(60, 126, 2)
            for back in hours:
                done = self.pub("--model", f"m{back}", "--ts", int(now - back * 3600), env=env)
                if done.returncode:
                    said.add(f"m{back}")

            def counted():
                window = self.window()
                both = window["requests"]["total"] + window["rejected_samples"]
                return set(window["by_model"]) if both == len(hours) else None
            kept = wait_for(counted, "every sample counted or rejected")
            self.assertFalse(said & kept, (zone, options, said & kept))
            self.assertLessEqual({f"m{back}" for back in hours if back > 120}, said)
            self.assertIn("m60", kept)
            self.stop_agent(agent)

    def test_an_agent_that_keeps_everything_rejects_nothing(self):
        agent = self.start_agent("--retention-days", 0)
        wait_for(lambda: self.window()["source"] == "agent", "the board")
        done = self.pub("--model", "m", "--ts", "2001-01-01T00:00:00Z")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.stop_agent(agent)

    def test_without_an_agent_an_old_time_is_a_warning(self):
        done = self.pub("--model", "m", "--ts", "2001-01-01T00:00:00Z")
        self.assertEqual(done.returncode, 0)
        self.assertIn("older than 30 days: an agent rejects it unless it is started with a longer "
                      "--retention-days", done.stderr)
        done = self.pub("--model", "m", "--ts", int(time.time() - 29 * 86400))
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_future_is_now_and_skewed(self):
        soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=40)
        later = soon + datetime.timedelta(hours=1)
        done = self.lines({"model": "m", "ts": soon.isoformat()})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = self.lines(*[{"model": "m", "ts": later.isoformat()}] * 3)
        self.assertEqual(done.returncode, 0)
        first, total = done.stderr.splitlines()
        self.assertIn("line 1: ts ", first)
        self.assertIn("is in the future: it will be counted as of now, and as skewed", first)
        self.assertEqual(total, "orpub: 3 of 3 samples are in the future")
        self.assertEqual(self.window()["skewed_samples"], 3)


class DataFolderTest(FriendlyTest):
    """Tools that read files find them by the board of the bus."""

    def report(self, *options, **how):
        return self.run_tool("orreport", "--bus", self.bus, "--json", *options, **how)

    def requests(self, *options, **how):
        done = self.report(*options, **how)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["total"]["requests"]["total"]

    def test_by_the_board(self):
        agent = self.start_agent("--journal", "--checkpoint-every", "1s")
        self.lines({"model": "m", "request_id": "r1"}, {"model": "m", "request_id": "r2"})
        wait_for(lambda: any("r2" in path.read_text() for path in pathlib.Path(self.data).glob("requests_*")),
                 "the journal")
        self.stop_agent(agent)
        # The agent has ended, and its board still says where it was.
        self.assertEqual(self.requests(), 2)
        shown = self.run_tool("ortail", "--bus", self.bus, "-1", "--since", "1h", "-f", "{request_id}")
        self.assertEqual((shown.stdout.split(), shown.stderr), (["r1", "r2"], ""))
        done = self.report(env=self.environment(ORBUS=self.bus))
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_what_is_given_comes_first(self):
        self.pub("--model", "m")
        self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once")
        empty = self.enterContext(tempfile.TemporaryDirectory())
        for options, env in ((("-d", empty), self.environment()),
                             ((), self.environment(ORBUS_DATA_DIR=empty))):
            done = self.report(*options, env=env)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"{empty}: no agent has kept files here", done.stderr)

    def test_a_folder_that_is_not_here_is_not_taken(self):
        """As of an agent in a container: then the default, which the message names."""
        self.pub("--model", "m")
        agent = self.start_agent()
        wait_for(lambda: self.window()["source"] == "agent", "the board")
        self.stop_agent(agent)
        os.rename(self.data, self.data + ".moved")
        home = self.enterContext(tempfile.TemporaryDirectory())
        done = self.report(env=self.environment(HOME=home))
        self.assertNotIn(self.data, done.stderr)

    def test_a_damaged_board_names_no_folder(self):
        self.pub("--model", "m")
        agent = self.start_agent()
        wait_for(lambda: self.window()["source"] == "agent", "the board")
        self.stop_agent(agent)
        with open(f"/dev/shm/{self.bus}.board", "r+b") as board:
            board.seek(8192)
            board.write(b"\xff" * 4096)
        self.assertNotIn(self.data, self.report().stderr)

    @unittest.skipUnless(os.geteuid() == 0, "takes another user")
    def test_a_folder_of_another_user_is_named(self):
        self.pub("--model", "m")
        self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once", "--journal")
        os.chmod(self.folder, 0o755)
        copies = self.enterContext(tempfile.TemporaryDirectory())
        os.chmod(copies, 0o755)
        for tool, options in (("orreport", ()), ("orreport", ("--slowest", "3")),
                              ("ortail", ("-1", "--since", "1h"))):
            done = subprocess.run(
                [shutil.copy(program(tool), copies), "--bus", self.bus, "-d", self.data, *options],
                env=self.environment(), user=65534, group=65534, extra_groups=[], capture_output=True,
                text=True, check=False)
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertIn("Permission denied", done.stderr)
            self.assertIn(f"'{self.data}' belongs to root (uid 0) and has mode 0700: run this as that user, "
                          "or let yours read it", done.stderr)


    @unittest.skipUnless(os.geteuid() == 0, "takes another user")
    def test_a_board_of_another_user_is_named(self):
        self.pub("--model", "m")
        self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once")
        copies = self.enterContext(tempfile.TemporaryDirectory())
        os.chmod(copies, 0o755)
        done = subprocess.run([shutil.copy(program("orreport"), copies), "--bus", self.bus],
                              env=self.environment(HOME=copies), user=65534, group=65534, extra_groups=[],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"the board of bus '{self.bus}', which names it, is not for this user", done.stderr)


class BusNameTest(FriendlyTest):
    """A name that was mistyped makes a new bus, which is said; or names none, and the near one is told."""

    def setUp(self):
        super().setUp()
        # Letters alone, of which a slip makes another name; nothing else on the machine is near.
        self.bus = "friendly" + "".join(chr(ord("a") + int(c, 16)) for c in self.bus[-8:])
        self.typo = self.bus.replace("ien", "ein")
        self.addCleanup(self.remove)

    def remove(self):
        for bus in (self.bus, self.typo):
            for end in ("", ".lanes", ".board"):
                if os.path.exists(f"/dev/shm/{bus}{end}"):
                    os.unlink(f"/dev/shm/{bus}{end}")

    def test_a_new_bus_that_looks_like_a_typo_is_said(self):
        self.assertEqual(self.pub("--model", "m").stderr, "")
        done = self.run_tool("orpub", "--bus", self.typo, "--model", "m")
        self.assertEqual(done.stderr, f"orpub: made the new bus '{self.typo}'; there is '{self.bus}'\n")
        self.assertEqual(done.returncode, 0)
        # It is there now: nothing is new.
        self.assertEqual(self.run_tool("orpub", "--bus", self.typo, "--model", "m").stderr, "")

    def test_by_the_environment_too(self):
        self.assertEqual(self.pub("--model", "m").stderr, "")
        done = self.run_tool("orpub", "--model", "m", env=self.environment(ORBUS=self.typo))
        self.assertIn(f"made the new bus '{self.typo}'; there is '{self.bus}'", done.stderr)

    def test_the_agent_says_so(self):
        self.assertEqual(self.pub("--model", "m").stderr, "")
        done = self.run_tool("oragent", "--bus", self.typo, "--data-dir", self.data, "--once")
        self.assertIn(f"WARNING - made the new bus '{self.typo}'; there is '{self.bus}'", done.stderr)
        self.assertEqual(done.returncode, 0)

    def test_orcall_says_so(self):
        self.assertEqual(self.pub("--model", "m").stderr, "")
        done = self.run_tool("orcall", "--bus", self.typo, "--url", "http://127.0.0.1:1/v1", "hello")
        self.assertIn(f"orcall: made the new bus '{self.typo}'; there is '{self.bus}'", done.stderr)

    def test_readers_name_the_one_that_is_there(self):
        self.assertEqual(self.pub("--model", "m").stderr, "")
        for tool, *options in (("orstat",), ("ortail", "-1")):
            done = self.run_tool(tool, "--bus", self.typo, *options)
            self.assertIn(f"no bus named '{self.typo}': there is '{self.bus}'; start oragent", done.stderr)
            self.assertEqual(done.returncode, 3)

    def test_on_a_path(self):
        folder = self.enterContext(tempfile.TemporaryDirectory(dir="/dev/shm"))
        self.assertEqual(self.run_tool("orpub", "--bus", f"{folder}/ring", "--model", "m").stderr, "")
        done = self.run_tool("orpub", "--bus", f"{folder}/rign", "--model", "m")
        self.assertEqual(done.stderr, f"orpub: made the new bus '{folder}/rign'; there is '{folder}/ring'\n")

    def test_what_is_no_bus_is_not_named(self):
        for end, content in ((".lanes", b""), ("", b"x" * 8192)):
            with open(f"/dev/shm/{self.bus}{end}", "wb") as file:
                file.write(content)
        self.assertEqual(self.run_tool("orpub", "--bus", self.typo, "--model", "m").stderr, "")

    def test_a_folder_of_many_files_is_not_read_without_end(self):
        folder = self.enterContext(tempfile.TemporaryDirectory(dir="/dev/shm"))
        for n in range(20000):
            os.symlink("x", f"{folder}/f{n}.lanes")
        start = time.monotonic()
        self.assertEqual(self.run_tool("orpub", "--bus", f"{folder}/ring", "--model", "m").returncode, 0)
        self.assertLess(time.monotonic() - start, 20)


if __name__ == "__main__":
    main()
