"""The agent among real processes: what it counts, what it survives, what it refuses."""
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time

from harness import SANITIZER, BusTest, main, program, wait_for


def request(model="openai/gpt-4", response_ms=3450, **more):
    return {"bot": "acore", "model": model, "response_ms": response_ms, "prompt_tokens": 225,
            "completion_tokens": 287, "total_tokens": 512, **more}


def hour_name(prefix="hourly", form="%Y%m%d_%H"):
    return f"{prefix}_{time.strftime(form, time.gmtime())}.json"


class FilesTest(BusTest):
    def test_the_current_hour_and_day_are_there_from_the_start(self):
        agent = self.start_agent()
        hour = self.wait_file(hour_name())
        day = self.wait_file(hour_name("daily", "%Y%m%d"))
        self.assertFalse(hour["period"]["complete"])
        self.assertEqual(day["requests"]["total"], 0)
        self.assertEqual(os.stat(self.path(hour_name())).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(self.data).st_mode & 0o777, 0o700)
        self.stop_agent(agent)

    def test_the_seeds_commands_work_as_written(self):
        agent = self.start_agent("--checkpoint-every", "1s")
        self.publish(request(), request("mistralai/mixtral", 1200, status="error",
                                        error_type="rate_limited", error_message="slow down"),
                     {"kind": "count", "name": "messages_processed", "value": 40},
                     {"kind": "count", "name": "rag_cache_hits", "value": 3},
                     {"kind": "count", "name": "rag_cache_misses", "value": 1})
        name = hour_name()
        self.wait_file(name, lambda d: d["requests"]["total"] == 2)
        expected = {".response_times.avg": 3450, ".response_times.count": 1,
                    ".errors.error_rate": 2.5,
                    ".token_usage.by_model": {"openai/gpt-4": 512, "mistralai/mixtral": 512},
                    ".cache_stats.rag_cache.hit_rate": 75,
                    ".hourly_trends.current_hour_messages": 40}
        for query, value in expected.items():
            done = subprocess.run(f"cat {self.path(name)} | jq -c '{query}'", shell=True,
                                  capture_output=True, text=True, check=True)
            self.assertEqual(json.loads(done.stdout), value, query)
        done = subprocess.run(f"jq '.response_times' {self.path(hour_name('daily', '%Y%m%d'))}",
                              shell=True, capture_output=True, text=True, check=True)
        self.assertEqual(set(json.loads(done.stdout)),
                         {"avg", "min", "max", "p50", "p95", "p99", "count"})
        self.stop_agent(agent)

    def test_a_file_is_whole_at_any_moment(self):
        agent = self.start_agent("--checkpoint-every", "1s")
        self.wait_file(hour_name())
        until = time.monotonic() + 3
        reads = 0
        while time.monotonic() < until:
            self.publish(request())
            for _ in range(50):
                self.assertIn("version", self.load(hour_name()))
                reads += 1
        self.assertGreater(reads, 100)
        self.stop_agent(agent)

    def test_every_key_of_the_contract_is_there(self):
        self.publish(request(stream=True, ttft_ms=870, cost_usd=0.01))
        self.start_agent("--once", ready=False).wait(timeout=60)
        document = self.load(hour_name())
        keys = {"uptime_seconds", "uptime_formatted", "response_times", "token_usage", "errors",
                "active_stats", "cache_stats", "service_metrics", "hourly_trends", "saved_at",
                "version", "period", "requests", "ttft", "tps", "decode_tps", "cost_usd",
                "by_model", "by_bot", "by_provider", "gauges", "lost_samples",
                "rejected_samples", "skewed_samples", "lifetime", "histograms"}
        self.assertLessEqual(keys, set(document))
        self.assertLessEqual({"requests", "response_times", "ttft", "tps", "tokens", "cost",
                              "errors"}, set(document["by_model"]["openai/gpt-4"]))
        self.assertLessEqual({"total", "ok", "errors", "timeouts", "cancelled", "orphaned",
                              "in_flight", "streaming"}, set(document["requests"]))
        self.assertEqual(document["histograms"]["scale"], 5)

    def test_sigusr1_writes_a_snapshot(self):
        agent = self.start_agent()
        self.publish(request())
        agent.send_signal(signal.SIGUSR1)
        name = wait_for(lambda: self.files("metrics_*.json"), "a snapshot")[0]
        self.assertRegex(name, r"^metrics_\d{8}_\d{6}\.json$")
        self.assertEqual(self.load(name)["requests"]["total"], 1)
        self.stop_agent(agent)

    def test_orphans_are_counted_when_their_process_dies(self):
        agent = self.start_agent("--checkpoint-every", "1s")
        bot = self.start("orpub", "--bus", self.bus, "--json-lines", stdin=subprocess.PIPE)
        for n in range(3):
            bot.stdin.write(json.dumps({"kind": "begin", "request_id": f"r{n}", "bot": "acore",
                                        "requested_model": "m"}) + "\n")
        bot.stdin.write(json.dumps(request(request_id="r0")) + "\n")
        bot.stdin.flush()
        name = hour_name()
        document = self.wait_file(name, lambda d: d["requests"]["in_flight"] == 2)
        self.assertEqual(document["requests"]["orphaned"], 0)
        bot.kill()
        document = self.wait_file(name, lambda d: d["requests"]["orphaned"] == 2)
        self.assertEqual(document["requests"]["in_flight"], 0)
        self.assertEqual(document["requests"]["total"], 3)
        self.assertEqual(document["errors"]["by_type"], {"orphaned": 2})
        self.stop_agent(agent)


class ExactlyOnceTest(BusTest):
    def check_total(self, published):
        document = self.load(hour_name("daily", "%Y%m%d"))
        self.assertEqual(document["lost_samples"], 0)
        self.assertEqual(document["requests"]["total"], published)
        self.assertEqual(document["lifetime"]["requests"]["total"], published)
        self.assertEqual(document["token_usage"]["prompt_tokens"], 225 * published)

    def kill_again_and_again(self, *options):
        published = 0
        rng = random.Random(1)
        for _ in range(12):
            # Slots enough that nothing is overwritten while no agent runs.
            agent = self.start_agent("--checkpoint-every", "1s", "--slots", 131072, *options)
            until = time.monotonic() + rng.uniform(0, 1.5)
            while time.monotonic() < until:
                count = rng.randrange(1, 50)
                self.publish(*[request() for _ in range(count)])
                published += count
            agent.kill()
            agent.wait()
        self.start_agent("--once", *options, ready=False).wait(timeout=60)
        self.check_total(published)
        self.assertEqual([name for name in os.listdir(self.data) if name.endswith(".tmp")], [])

    def test_kill_9_at_any_moment_with_io_uring(self):
        self.kill_again_and_again("--io", "uring")

    def test_kill_9_at_any_moment_with_plain_system_calls(self):
        self.kill_again_and_again("--io", "posix")

    def test_a_late_agent_finds_what_came_before(self):
        self.publish(*[request() for _ in range(100)])
        self.start_agent("--once", ready=False).wait(timeout=60)
        self.start_agent("--once", ready=False).wait(timeout=60)
        self.check_total(100)

    def test_what_was_overwritten_is_counted_to_the_sample(self):
        agent = self.start_agent("--slots", 64)
        self.publish(request())
        self.stop_agent(agent)
        self.publish(*[request() for _ in range(1000)])
        agent = self.start_agent()
        self.stop_agent(agent)
        document = self.load(hour_name("daily", "%Y%m%d"))
        self.assertEqual(document["requests"]["total"], 1 + 64)
        self.assertEqual(document["lost_samples"], 1000 - 64)

    def test_a_removed_bus_is_followed(self):
        agent = self.start_agent("--checkpoint-every", "1s")
        self.publish(request())
        name = hour_name()
        self.wait_file(name, lambda d: d["requests"]["total"] == 1)
        for suffix in ("", ".lanes", ".board"):
            os.unlink(f"/dev/shm/{self.bus}{suffix}")
        self.publish(request())
        self.wait_file(name, lambda d: d["requests"]["total"] == 2)
        wait_for(lambda: os.path.exists(f"/dev/shm/{self.bus}.board"), "a new board")
        self.stop_agent(agent)
        self.assertEqual(self.load(name)["lost_samples"], 0)

    def count_once(self):
        """All that there is, counted by an agent that ends then."""
        agent = self.start_agent("--once", ready=False)
        _, log = agent.communicate(timeout=60)
        self.assertEqual(agent.returncode, 0, log)
        return log

    def damage(self, name):
        with open(self.path(name), "r+b") as state:
            state.seek(100)
            state.write(b"damage")

    def hours(self):
        """The requests of all hours."""
        return sum(self.load(name)["requests"]["total"] for name in self.files("hourly_*.json"))

    def test_after_a_damaged_checkpoint_the_one_before_and_the_ring_give_it_all(self):
        """Late samples too, whose hour is over, and those whose file was written last."""
        late = request(ts=int(time.time()) - 7200)
        counted = 0
        for samples in ([request()], [request(), late], [late], [request()]):
            self.publish(*samples)
            counted += len(samples)
            self.count_once()
            self.damage("state")
            self.assertIn("going on from the checkpoint before it", self.count_once())
            self.assertEqual(self.hours(), counted)
            self.damage("state")
            self.publish(late)
            counted += 1
            self.count_once()
            self.assertEqual(self.hours(), counted)
        days = self.files("daily_*.json")
        self.assertEqual(sum(self.load(d)["requests"]["total"] for d in days), counted)
        self.assertEqual(len(self.files("state.set-aside-*")), 8)

    def test_when_both_checkpoints_are_damaged_it_counts_from_now(self):
        self.publish(request())
        self.count_once()
        self.damage("state")
        self.damage("state.previous")
        agent = self.start_agent()
        self.assertIn("quarantined", self.wait_log(agent, "state is damaged"))
        self.wait_log(agent, "state.previous is damaged")
        self.publish(request())
        self.stop_agent(agent)
        self.assertEqual(self.hours(), 2)

    def test_a_checkpoint_before_of_another_bus_is_not_gone_back_to(self):
        """The ring that held the later samples is gone; the files hold them."""
        for _ in range(3):
            self.publish(request())
            self.count_once()
        self.damage("state")
        for path in glob.glob(f"/dev/shm/{self.bus}*"):
            os.unlink(path)
        agent = self.start_agent()
        self.publish(request())
        self.stop_agent(agent)
        self.assertEqual(self.hours(), 4)

    def test_one_that_is_started_right_after_a_kill_waits_for_its_end(self):
        """Before it is reaped, and before it knows: a supervisor, or a person, may be that quick."""
        for _ in range(10):
            agent = self.start_agent()
            successor = subprocess.Popen(
                ["sh", "-c", f"kill -9 {agent.pid}; exec {program('oragent')} --bus {self.bus} "
                 f"--data-dir {self.data} --once"], env=self.environment(),
                stderr=subprocess.PIPE, text=True)
            _, log = successor.communicate(timeout=60)
            self.assertEqual(successor.returncode, 0, log)

    def test_killed_between_the_two_names_of_a_checkpoint(self):
        self.publish(request())
        self.count_once()
        os.rename(self.path("state"), self.path("state.previous"))
        self.publish(request())
        self.count_once()
        self.assertEqual(self.hours(), 2)
        self.assertEqual(self.files("*.set-aside-*"), [])

    def test_a_foreign_period_file_is_set_aside(self):
        os.mkdir(self.data)
        seed = '{"response_times": {"avg": 1}, "version": "1.0"}'
        with open(self.path(hour_name()), "w", encoding="ascii") as file:
            file.write(seed)
        agent = self.start_agent()
        self.wait_log(agent, "quarantined")
        self.stop_agent(agent)
        aside = self.files("hourly_*.set-aside-*")
        self.assertEqual(len(aside), 1)
        with open(self.path(aside[0]), encoding="ascii") as file:
            self.assertEqual(file.read(), seed)


class TroubleTest(BusTest):
    def refused(self, *options, **how):
        agent = self.start_agent(*options, ready=False, **how)
        _, log = agent.communicate(timeout=60)
        return agent.returncode, log

    def test_a_second_agent_says_who_is_there(self):
        agent = self.start_agent()
        status, log = self.refused()
        self.assertEqual(status, 1)
        self.assertIn(f"another agent (pid {agent.pid})", log)
        other, self.data = self.data, self.data + "2"
        status, log = self.refused()
        self.assertEqual(status, 1)
        self.assertIn(f"another agent (pid {agent.pid}) already serves bus '{self.bus}'", log)
        self.data = other
        self.stop_agent(agent)

    def test_the_log_spells_control_characters_out(self):
        self.data = os.path.join(self.folder, "evil\x1b[31m\nname")
        agent = self.start_agent()
        self.assertIn("evil\\x1b[31m\\nname", self.stop_agent(agent))
        done = self.run_tool("oragent", "--bus", "\x1b[31m\n", "--data-dir", self.data)
        self.assertIn("'\\x1b[31m\\n' is no bus name", done.stderr)

    def test_a_data_folder_that_is_a_file_is_refused(self):
        with open(self.data, "w", encoding="ascii"):
            pass
        status, log = self.refused()
        self.assertEqual(status, 1)
        self.assertIn(f"{self.data} is not a folder", log)

    def test_options_out_of_range_are_refused(self):
        for options in (("--snapshot-every", "5h"), ("--snapshot-every", "30m"),
                        ("--checkpoint-every", "0s"), ("--retention-days", "-1"),
                        ("--io", "magic"), ("--mode", "0999"), ("--mode", "0777"), ("--lanes", "5000"),
                        ("--slots", "100"), ("--no-such-option",)):
            status, log = self.refused(*options)
            self.assertEqual(status, 2, (options, log))
            self.assertIn(options[0], log)

    def test_a_folder_whose_name_is_no_utf8(self):
        folder = os.path.join(os.fsencode(self.folder), b"jos\xe9")
        os.mkdir(folder)
        agent = self.start("oragent", "--bus", self.bus, "--data-dir", "data", cwd=folder)
        wait_for(lambda: os.path.exists(f"/dev/shm/{self.bus}.board"), "the agent")
        self.publish(request())
        board = wait_for(lambda: json.loads(self.run_tool(
            "orstat", "--bus", self.bus, "--json").stdout)["agent"], "the board")
        self.assertEqual(board["data_dir"], f"{self.folder}/jos\\xe9/data")
        agent.terminate()
        self.assertEqual(agent.wait(20), 0)

    def test_a_newer_layout_is_refused(self):
        self.publish(request())
        with open(f"/dev/shm/{self.bus}", "r+b") as ring:
            ring.seek(8)
            ring.write(b"\x63")
        status, log = self.refused()
        self.assertEqual(status, 4)
        self.assertRegex(log, "layout version 99.*speaks version 1")

    def test_io_uring_where_it_is_refused_is_an_error(self):
        agent = self.start("without_uring", program("oragent"), "--bus", self.bus, "--data-dir",
                           self.data, "--io", "uring", stderr=subprocess.PIPE)
        _, log = agent.communicate(timeout=60)
        self.assertEqual(agent.returncode, 1)
        self.assertIn("io_uring is refused here", log)

    def test_auto_falls_back_and_says_so(self):
        agent = self.start("without_uring", program("oragent"), "--bus", self.bus, "--data-dir",
                           self.data, stderr=subprocess.PIPE)
        agent.log = []
        self.wait_log(agent, "storing by plain system calls: io_uring is refused here")
        self.publish(request())
        self.stop_agent(agent)
        self.assertEqual(self.load(hour_name())["requests"]["total"], 1)

    def test_a_removed_folder_is_made_anew_and_nothing_is_lost(self):
        agent = self.start_agent("--checkpoint-every", "1s")
        name = hour_name()
        self.publish(request())
        self.wait_file(name, lambda d: d["requests"]["total"] == 1)

        def removed():
            try:
                shutil.rmtree(self.data)
            except OSError:
                return False  # the agent put a file into it meanwhile
            return True
        wait_for(removed, "the folder to be removed")
        self.publish(request())
        self.wait_file(name, lambda d: d["requests"]["total"] == 2)
        log = self.stop_agent(agent)
        # The removal may come before any step of storing.
        self.assertEqual(log.count("ERROR - could not "), 1, log)
        self.assertEqual(self.load(name)["requests"]["total"], 2)

    def on_small_disk(self, option):
        """A full disk, then room again: said once, nothing lost."""
        os.mkdir(self.data)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", self.data],
                              capture_output=True, check=False)
        if done.returncode != 0:
            self.skipTest("may not mount a tmpfs here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.data], check=False)
        agent = self.start_agent("--checkpoint-every", "1s", "--io", option)
        name = hour_name()
        self.wait_file(name)
        with open(self.path("filler"), "wb", buffering=0) as filler:
            with self.assertRaises(OSError):
                while True:
                    filler.write(b"x" * 4096)
        for _ in range(5):
            self.publish(*[request() for _ in range(10)])
            time.sleep(0.4)
        self.wait_log(agent, "No space left on device")
        # The files that are there are whole, of before the trouble.
        self.assertIn("version", self.load(name))
        os.unlink(self.path("filler"))
        # In one hour, or in two where one ended meanwhile.
        wait_for(lambda: sum(self.load(hour)["requests"]["total"] for hour in self.files("hourly_*.json")) == 50,
                 "all to be counted", 30)
        log = self.stop_agent(agent)
        self.assertLessEqual(log.count("No space left"), 3, log)
        self.assertEqual([n for n in os.listdir(self.data) if n.endswith(".tmp")], [])

    def test_a_full_disk_loses_nothing_with_io_uring(self):
        self.on_small_disk("uring")

    def test_a_full_disk_loses_nothing_with_plain_system_calls(self):
        self.on_small_disk("posix")

    def on_frozen_disk(self, option, seconds):
        """While the disk hangs, samples are drained and shown; when it goes on, they are kept."""
        image = os.path.join(self.folder, "image")
        os.mkdir(self.data)
        ready = subprocess.run(
            f"truncate -s 16M {image} && mkfs.ext4 -q {image} && "
            f"mount -o loop {image} {self.data}", shell=True, capture_output=True, check=False)
        if ready.returncode != 0:
            self.skipTest("may not mount a disk image here")
        thaw = ["fsfreeze", "-u", self.data]
        try:
            agent = self.start_agent("--checkpoint-every", "1s", "--io", option)
            self.wait_file(hour_name())
            # If this test fails, the disk must not hang for ever: the end of the pipe ends with this process.
            subprocess.run(["fsfreeze", "-f", self.data], check=True)
            self.processes.append(subprocess.Popen(
                ["sh", "-c", "timeout 90 cat; " + " ".join(thaw)], stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            for round_ in range(1, 9):
                self.publish(*[request() for _ in range(1000)])
                wait_for(lambda n=round_: self.shown() == 1000 * n, "the board")
                time.sleep(seconds / 8)
            self.assertEqual(self.load(hour_name())["requests"]["total"], 0)
            subprocess.run(thaw, check=True)
            self.wait_file(hour_name(), lambda d: d["requests"]["total"] == 8000)
            self.stop_agent(agent)
            self.assertEqual(self.load(hour_name())["lost_samples"], 0)
        finally:
            subprocess.run(thaw, capture_output=True, check=False)
            subprocess.run(["umount", "-l", self.data], capture_output=True, check=False)

    def shown(self):
        done = self.run_tool("orstat", "--bus", self.bus, "--json", "--window", "start")
        return json.loads(done.stdout)["requests"]["total"]

    def test_a_hanging_disk_does_not_stop_the_drain_with_io_uring(self):
        self.on_frozen_disk("uring", 2 if SANITIZER else 30)

    def test_a_hanging_disk_does_not_stop_the_drain_with_plain_system_calls(self):
        self.on_frozen_disk("posix", 2)

    def test_a_folder_that_may_not_be_written_is_said_once_and_recovered_from(self):
        agent = self.start_agent("--checkpoint-every", "1s")
        name = hour_name()
        self.wait_file(name)
        if subprocess.run(["chattr", "+i", self.data], capture_output=True, check=False).returncode:
            self.stop_agent(agent)
            self.skipTest("may not make a folder immutable here")
        try:
            self.publish(request())
            self.wait_log(agent, "Operation not permitted")
            time.sleep(2)
        finally:
            subprocess.run(["chattr", "-i", self.data], check=True)
        self.wait_file(name, lambda d: d["requests"]["total"] == 1, seconds=30)
        log = self.stop_agent(agent)
        self.assertEqual(log.count("Operation not permitted"), 1, log)
        self.assertIn("is written again", log)

    def test_a_read_only_disk_is_a_clear_error(self):
        os.mkdir(self.data)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", self.data],
                              capture_output=True, check=False)
        if done.returncode != 0:
            self.skipTest("may not mount a tmpfs here")
        self.addCleanup(subprocess.run, ["umount", "-l", self.data], check=False)
        status, log = self.refused()
        self.assertEqual(status, 1)
        self.assertIn(f"cannot use the data folder {self.data}: Read-only file system", log)

    def test_a_full_shared_memory_is_a_clear_error(self):
        folder = tempfile.mkdtemp(dir=self.folder)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder],
                              capture_output=True, check=False)
        if done.returncode != 0:
            self.skipTest("may not mount a tmpfs here")
        self.addCleanup(subprocess.run, ["umount", "-l", folder], check=False)
        done = self.run_tool("orpub", "--bus", f"{folder}/ring", "--model", "m")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/dev/shm", done.stderr)


class TwoStoresTest(BusTest):
    def test_both_stores_write_the_same_bytes(self):
        lines = [request(ts=1764000000 + n / 8, status="ok" if n % 7 else "error",
                         error_type=None if n % 7 else "e", tags={"user": f"u{n % 9}"})
                 for n in range(500)]
        contents = {}
        for io in ("uring", "posix"):
            self.data = os.path.join(self.folder, io)
            self.publish(*lines)
            self.start_agent("--once", "--retention-days", 0, "--io", io, ready=False).wait(60)
            contents[io] = {}
            for name in self.files("*_20251124*.json"):
                with open(self.path(name), "rb") as file:
                    # Only the time of writing and the agent's running time differ.
                    contents[io][name] = [line for line in file.read().splitlines()
                                          if not line.strip().startswith(
                                              (b'"saved_at"', b'"uptime', b'"lifetime"'))]
            for path in (self.bus, self.bus + ".lanes", self.bus + ".board"):
                os.unlink("/dev/shm/" + path)
        self.assertEqual(len(contents["uring"]), 2)
        self.assertEqual(contents["uring"], contents["posix"])


if __name__ == "__main__":
    main()
