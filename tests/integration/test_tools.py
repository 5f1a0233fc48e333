"""orpub, ortail and orstat as a person and a script use them."""
import csv
import io
import json
import os
import re
import signal
import subprocess
import time
import unittest

from harness import SANITIZER, BusTest, program, wait_for

TOOLS = ("orpub", "ortail", "orstat", "oragent")


class ToolsTest(BusTest):
    def pub(self, *options, **how):
        return self.run_tool("orpub", "--bus", self.bus, *options, **how)

    def pub_fine(self, *options, **how):
        done = self.pub(*options, **how)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def tail(self, *options, **how):
        done = self.run_tool("ortail", "--bus", self.bus, "-1", *options, **how)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def tail_json(self, *options):
        return [json.loads(line) for line in self.tail("--format", "json", *options).splitlines()]

    def stat(self, *options, **how):
        return self.run_tool("orstat", "--bus", self.bus, *options, **how)


class CommonTest(ToolsTest):
    def test_help_fits_one_screen(self):
        for tool in TOOLS:
            done = self.run_tool(tool, "--help")
            self.assertEqual(done.returncode, 0)
            lines = done.stdout.splitlines()
            self.assertLessEqual(len(lines), 24, tool)
            self.assertLessEqual(max(map(len, lines)), 79, tool)
            self.assertEqual(done.stdout, self.run_tool(tool, "-h").stdout)

    def test_versions(self):
        for tool in TOOLS:
            done = self.run_tool(tool, "--version")
            self.assertRegex(done.stdout, rf"^{tool} \(orbus\) \d+\.\d+\.\d+\n$")
            self.assertEqual(done.stdout, self.run_tool(tool, "-V").stdout)

    def test_no_such_bus_is_3(self):
        for tool in ("ortail", "orstat"):
            done = self.run_tool(tool, "--bus", self.bus)
            self.assertEqual(done.returncode, 3)
            self.assertEqual(done.stderr, f"{tool}: no bus named '{self.bus}': start oragent or "
                                          "a bot, or see --bus\n")

    def test_a_layout_that_is_not_known_is_4(self):
        self.pub_fine("--model", "m")
        with open(f"/dev/shm/{self.bus}", "r+b") as ring:
            ring.seek(8)
            ring.write(b"\x09")
        for tool, options in (("ortail", ["-1"]), ("orstat", []), ("orpub", ["--model", "m"])):
            done = self.run_tool(tool, "--bus", self.bus, *options)
            self.assertEqual(done.returncode, 4, tool)
            self.assertRegex(done.stderr, "layout version 9.*version 1")

    def test_a_damaged_or_foreign_bus_is_1(self):
        with open(f"/dev/shm/{self.bus}", "wb") as ring:
            ring.write(b"something else" * 1000)
        for tool, options in (("ortail", ["-1"]), ("orstat", []), ("orpub", ["--model", "m"])):
            done = self.run_tool(tool, "--bus", self.bus, *options)
            self.assertEqual(done.returncode, 1, tool)
            self.assertIn("not an orbus bus", done.stderr)

    def test_wrong_usage_is_2_and_says_why(self):
        for tool, options, words in (
                ("orpub", ["--response-ms", "-3"], ["--response-ms", "'-3'", "3450"]),
                ("orpub", ["--response-ms", "nan"], ["--response-ms", "'nan'"]),
                ("orpub", ["--response-ms", "1e999"], ["--response-ms"]),
                ("orpub", ["--prompt-tokens", "1.5"], ["--prompt-tokens", "'1.5'"]),
                ("orpub", ["--status", "fine"], ["--status", "ok|error|timeout|cancelled"]),
                ("orpub", ["--gauge", "latency"], ["--gauge", "name=value"]),
                ("orpub", ["--gauge", "latency=NaN"], ["--gauge"]),
                ("orpub", ["--count", "n=-1"], ["--count"]),
                ("orpub", ["--tag", "user"], ["--tag", "key=value"]),
                ("orpub", ["--ts", "yesterday"], ["--ts", "'yesterday'"]),
                ("orpub", ["--model", b"\xff\xfe"], ["--model", "\\xff"]),
                ("orpub", ["--model"], ["--model: needs an argument"]),
                ("orpub", [], ["nothing to publish", "--json-lines"]),
                ("orpub", ["--bot", "b"], ["nothing to publish"]),
                ("orpub", ["--ts", "9999-12-31T00:00:00Z", "--model", "m"], ["--ts"]),
                ("orpub", ["stray"], ["'stray'"]),
                ("ortail", ["-n", "many"], ["'many'"]),
                ("ortail", ["--format", "xml"], ["log|json|csv|table"]),
                ("orstat", ["--window", "2h"], ["1m|5m|1h|day|start"]),
                ("orstat", ["--nonsense"], ["--nonsense", "--help"]),
                ("orstat", ["--bus", "a/b"], ["'a/b'", "--bus"])):
            done = self.run_tool(tool, "--bus", self.bus, *options)
            self.assertEqual(done.returncode, 2, (tool, options, done.stderr))
            for word in words:
                self.assertIn(word, done.stderr, (tool, options))

    def test_the_bus_may_come_from_the_environment(self):
        env = self.environment(ORBUS=self.bus)
        done = self.run_tool("orpub", "--model", "m", env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.run_tool("ortail", "-1", "--format", "json", env=env)
        self.assertEqual(json.loads(done.stdout)["model"], "m")
        # What is given on the command line overrules it, however bad it is.
        env = self.environment(ORBUS="\xff/bad")
        done = self.run_tool("ortail", "--bus", self.bus, "-1", env=env)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.run_tool("orstat", "--help", env=env).returncode, 0)
        self.assertEqual(self.run_tool("orstat", env=env).returncode, 2)

    def test_manuals_and_completions_are_built(self):
        build = os.environ["ORBUS_BUILD_DIR"]
        for tool in (*TOOLS, "orcall"):
            with open(os.path.join(build, "man", f"{tool}.1"), encoding="utf-8") as page:
                text = page.read()
            self.assertIn("--bus", text)
            self.assertNotIn("OPTIONS@", text)
            # Commands that are filled like a paragraph cannot be told apart.
            if examples := re.search(r"^\.SH EXAMPLES\n(.*?)^\.SH", text, re.M | re.S):
                self.assertIn(".nf\n", examples.group(1), tool)
            base = os.path.join(build, "tools", "completions", tool)
            subprocess.run(["bash", "-n", base + ".bash"], check=True)
            for shell in ("zsh", "fish"):
                with open(f"{base}.{shell}", encoding="utf-8") as file:
                    self.assertIn(tool, file.read())

    def test_bash_completes_options_and_values(self):
        base = os.path.join(os.environ["ORBUS_BUILD_DIR"], "tools", "completions", "orstat.bash")
        script = (f'. {base}; COMP_WORDS=(orstat --window ""); COMP_CWORD=2; _orstat; '
                  'echo "${COMPREPLY[@]}"; COMP_WORDS=(orstat --ch); COMP_CWORD=1; _orstat; '
                  'echo "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "1m 5m 1h day start\n--check\n")


class OrpubTest(ToolsTest):
    def test_every_field_can_be_given(self):
        fields = {"model": "openai/gpt-4", "requested_model": "auto", "provider": "Azure",
                  "finish_reason": "stop", "request_id": "gen-1", "begin_id": "b1",
                  "status": "error", "error_type": "rate_limited", "error_message": "slow down",
                  "http_status": 429, "response_ms": 3450.5, "ttft_ms": 870, "prompt_tokens": 225,
                  "completion_tokens": 287, "total_tokens": 512, "cached_tokens": 10,
                  "reasoning_tokens": 20, "cost_usd": 0.0123, "attempt": 2, "bot": "acore"}
        options = [word for key, value in fields.items()
                   for word in ("--" + key.replace("_", "-"), value)]
        self.pub_fine(*options, "--stream", "--tokens-estimated", "--tag", "user=ann", "--tag",
                      "channel=a=b", "--ts", "2026-11-24T10:00:00.5+01:00")
        sample = self.tail_json()[0]
        for key, value in fields.items():
            self.assertEqual(sample[key], value, key)
        self.assertTrue(sample["stream"] and sample["tokens_estimated"])
        self.assertEqual(sample["tags"], {"user": "ann", "channel": "a=b"})
        self.assertEqual(sample["ts"], "2026-11-24T09:00:00.500000000Z")
        self.assertAlmostEqual(sample["tps"], 287 / 3.4505)

    def test_gauges_and_counts(self):
        self.pub_fine("--bot", "acore", "--gauge", "discord_latency_ms=45.2", "--gauge", "x=0",
                      "--count", "messages_processed=1")
        self.assertEqual(self.tail_json(), [])
        samples = self.tail_json("--kind", "all")
        self.assertEqual([(s["kind"], s["name"], s["value"]) for s in samples],
                         [("gauge", "discord_latency_ms", 45.2), ("gauge", "x", 0),
                          ("count", "messages_processed", 1)])

    def test_bad_json_lines_are_reported_and_the_others_published(self):
        lines = [b'\xef\xbb\xbf{"model": "a"}', b'{"model": ', b' \t\r', b'[1]', b'{"model": "b", "ts": 1764000000}',
                 b'{"response_ms": -1}', b'{"response_ms": NaN}', b'{"model": "\xff"}',
                 b'{"model": 5}', b'{"status": "fine"}', b'{"ts": "never"}',
                 b'{"model": "' + b"x" * (1 << 21) + b'"}', b'{"kind": "gauge"}',
                 b'{"future_key": [1, {}], "model": "c"}\r', b'{"model": "d"}']
        done = self.pub("--json-lines", input=b"\n".join(lines), text=False)
        self.assertEqual(done.returncode, 1)
        reported = re.findall(r"^orpub: line (\d+): .+$", done.stderr.decode(), re.M)
        # Of two it is said what will become of them: an old time, a key that no sample has.
        self.assertEqual(reported, ["2", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14"])
        samples = self.tail_json()
        self.assertEqual(sorted(s["model"] for s in samples), ["a", "b", "c", "d"])

    def test_errors_name_the_key(self):
        done = self.pub("--json-lines", input='{"cost_usd": "free"}\n{"tags": {"a": 1}}\n')
        self.assertIn("cost_usd", done.stderr)
        self.assertIn("tags", done.stderr)

    def test_a_million_samples_a_lane_later_all_is_well(self):
        lines = "".join(f'{{"model": "m", "prompt_tokens": {n}}}\n' for n in range(20000))
        self.assertIn("15904 of 20000", self.pub("--json-lines", input=lines).stderr)
        samples = self.tail_json("-n", 3)
        self.assertEqual([s["prompt_tokens"] for s in samples], [19997, 19998, 19999])


class OrpubManyTest(ToolsTest):
    """More samples at once than a lane holds."""

    def books(self):
        document = json.loads(self.stat("--json", "--window", "start").stdout)
        return document["requests"]["total"], document["lost_samples"]

    def many(self, n):
        return self.run_tool("orpub", "--bus", self.bus, "--json-lines", timeout=400,
                             input='{"model": "m", "response_ms": 1000}\n' * n)

    def test_a_file_is_published_no_faster_than_the_agent_counts(self):
        n = 100000 if SANITIZER else 1000000
        agent = self.start_agent()
        done = self.many(n)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        wait_for(lambda: sum(self.books()) == n, "every sample counted or lost")
        self.assertEqual(self.books(), (n, 0))
        self.stop_agent(agent)

    def test_what_no_agent_counted_is_told(self):
        done = self.many(4096)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        done = self.many(50000)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "orpub: 45904 of 50000 samples were overwritten before an "
                         "agent counted them: start oragent first\n")
        agent = self.start_agent()
        wait_for(lambda: sum(self.books()) == 54096, "the books")
        self.assertEqual(self.books(), (4096, 50000))
        self.stop_agent(agent)

    def test_an_agent_that_is_stopped_is_not_waited_for_without_end(self):
        agent = self.start_agent()
        os.kill(agent.pid, signal.SIGSTOP)
        done = self.many(20000)
        os.kill(agent.pid, signal.SIGCONT)
        self.assertEqual(done.returncode, 1)
        self.assertIn("15904 of 20000 samples were overwritten", done.stderr)
        wait_for(lambda: sum(self.books()) == 20000, "the books")
        self.stop_agent(agent)


class OrtailTest(ToolsTest):
    def test_the_log_is_word_for_word(self):
        self.pub_fine("--model", "m", "--response-ms", 3450, "--completion-tokens", 287,
                      "--total-tokens", 512)
        self.pub_fine("--model", "m", "--stream", "--ttft-ms", 870, "--response-ms", 8210,
                      "--completion-tokens", 345, "--tokens-estimated")
        self.pub_fine("--model", "m", "--stream", "--ttft-ms", 870, "--response-ms", 8210,
                      "--completion-tokens", 345)
        self.pub_fine("--model", "m", "--stream", "--status", "timeout", "--response-ms", 180300)
        self.pub_fine("--model", "m", "--status", "timeout", "--response-ms", 180300)
        self.assertEqual(self.tail().splitlines(), [
            "INFO - OpenRouter response: 3.45s | Tokens: 287 | TPS: 83.2 | Total: 512",
            "DEBUG - OpenRouter TTFT: 0.87s",
            "INFO - OpenRouter stream: 8.21s | ~345 tokens | TPS: 42.0 | TTFT: 0.87s",
            "DEBUG - OpenRouter TTFT: 0.87s",
            "INFO - OpenRouter stream: 8.21s | 345 tokens | TPS: 42.0 | TTFT: 0.87s",
            "ERROR - OpenRouter streaming timeout after 180.3s",
            "ERROR - OpenRouter request timed out - try reducing message length or switching "
            "models",
            "ERROR - OpenRouter timeout after 180.3s",
            "ERROR - OpenRouter request timed out - try reducing message length or switching "
            "models"])

    def test_filters(self):
        for n, (model, bot, provider, status, ms) in enumerate((
                ("openai/gpt-4", "a", "OpenAI", "ok", 1000),
                ("openai/gpt-5", "b", "Azure", "error", 2000),
                ("meta/llama", "b", "Together", "timeout", 3000))):
            self.pub_fine("--model", model, "--bot", bot, "--provider", provider, "--status",
                          status, "--response-ms", ms, "--request-id", n)
        for options, wanted in ((["--model", "openai/*"], "01"), (["--bot", "b"], "12"),
                                (["--provider", "Azure"], "1"), (["--status", "ok"], "0"),
                                (["--min-ms", "2000"], "12"), (["-n", "2"], "12"),
                                (["-n", "0"], ""), (["--bot", "b", "--status", "error"], "1"),
                                (["-n", "1", "--model", "openai/*"], "1")):
            found = "".join(s["request_id"] for s in self.tail_json(*options))
            self.assertEqual(found, wanted, options)

    def test_control_characters_never_reach_the_terminal(self):
        evil = "\x1b]0;owned\x07\x9b31m\u202egnp\n\r\t\x7f"
        self.publish({"model": evil, "bot": evil, "provider": evil, "error_type": evil,
                      "error_message": evil, "status": "error", "response_ms": 1,
                      "tags": {evil[:9]: evil}})
        self.publish({"kind": "gauge", "name": evil, "value": 1})
        agent = self.start_agent()
        outputs = [self.tail("--kind", "all", "--format", form)
                   for form in ("log", "json", "csv", "table")]
        outputs += [self.stat("--by", by).stdout for by in ("model", "bot", "provider")]
        outputs += [self.stat("--json").stdout, self.stat("--check").stdout]
        self.stop_agent(agent)
        for output in outputs + [self.stat().stdout]:
            self.assertTrue(output)
            bad = {c for c in output if (ord(c) < 32 and c not in "\n\r") or 127 <= ord(c) < 160
                   or c == "\u202e"}
            self.assertEqual(bad, set(), output)
            self.assertNotIn("\r", output.replace("\r\n", "\n"))

    def test_json_has_a_short_name(self):
        self.pub_fine("--model", "m")
        self.assertEqual(self.tail("--json"), self.tail("--format", "json"))

    def test_csv_is_csv(self):
        self.publish({"model": 'a "quoted", name', "response_ms": 1.5, "prompt_tokens": 3})
        self.assertTrue(self.tail("--format", "csv").endswith("\n"))
        rows = list(csv.DictReader(io.StringIO(self.tail("--format", "csv"))))
        self.assertEqual(rows[0]["model"], 'a "quoted", name')
        self.assertEqual(rows[0]["response_ms"], "1.5")
        self.assertEqual(rows[0]["cost_usd"], "")

    def test_the_table_is_aligned_and_fits(self):
        self.publish({"model": "a-very-long-provider/and-a-very-long-model-name-indeed",
                      "bot": "日本語のボット", "response_ms": 123456, "ttft_ms": 999999,
                      "completion_tokens": 99999, "stream": True, "status": "cancelled"},
                     {"model": "m"})
        lines = self.tail("--format", "table").splitlines()
        self.assertEqual(len(lines), 3)
        for line in lines:
            width = sum(2 if ord(c) > 0x2fff else 1 for c in line)
            self.assertLessEqual(width, 80)
            self.assertEqual(width, len(lines[0]))

    def test_it_follows_and_ends_quietly(self):
        self.pub_fine("--model", "old")
        for number in (signal.SIGINT, signal.SIGTERM):
            tail = self.start("ortail", "--bus", self.bus, "--format", "json",
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            os.set_blocking(tail.stdout.fileno(), False)
            time.sleep(0.3)
            self.pub_fine("--model", "new")
            line = wait_for(tail.stdout.readline, "the new request")
            self.assertEqual(json.loads(line)["model"], "new")
            tail.send_signal(number)
            self.assertEqual(tail.wait(timeout=10), 0)
            self.assertEqual(tail.stderr.read(), "")

    def test_a_closed_pipe_ends_it_quietly(self):
        self.pub_fine("--model", "m")
        self.processes.append(subprocess.Popen(
            ["bash", "-c", f"for i in $(seq 40); do {program('orpub')} --bus {self.bus} "
                           "--model m --response-ms 1; sleep 0.1; done"],
            env=self.environment()))
        done = subprocess.run(
            ["bash", "-c", f"{program('ortail')} --bus {self.bus} | head -1; "
                           "echo ${PIPESTATUS[0]}"],
            env=self.environment(), capture_output=True, text=True, check=False, timeout=30)
        self.assertEqual(done.stdout.splitlines()[-1], "0", done.stderr)
        self.assertEqual(done.stderr, "")

    def test_loss_is_said(self):
        self.pub_fine("--model", "m")
        tail = self.start("ortail", "--bus", self.bus, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE)
        time.sleep(0.3)
        tail.send_signal(signal.SIGSTOP)
        lines = '{"model": "m"}\n' * 5000
        self.pub("--json-lines", input=lines)
        tail.send_signal(signal.SIGCONT)
        time.sleep(1)
        tail.send_signal(signal.SIGTERM)
        _, error = tail.communicate(timeout=10)
        lost = sum(map(int, re.findall(r"ortail: lost (\d+) samples", error)))
        self.assertEqual(lost, 5000 - 4096)


class OrstatTest(ToolsTest):
    def fill(self):
        self.publish(*[{"bot": "acore", "model": "openai/gpt-4-turbo-with-a-long-name-2024-04-09",
                        "response_ms": 3450, "prompt_tokens": 1000000, "completion_tokens": 287,
                        "stream": True, "ttft_ms": 870, "cost_usd": 0.5,
                        "provider": "OpenAI"}] * 30,
                     *[{"bot": "other", "model": "m", "status": "error",
                        "error_type": "rate_limited"}] * 2,
                     {"kind": "gauge", "name": "discord_latency_ms", "value": 45.2})

    def agent_with_figures(self):
        agent = self.start_agent()
        self.fill()
        wait_for(lambda: json.loads(self.stat("--json").stdout)["requests"]["total"] == 32,
                 "the board")
        return agent

    def check_view(self, output):
        for text in ("Requests  32", "30 ok", "2 errors", "avg 3.45s", "good", "30,000,000",
                     "$15.0000", "rate_limited 2", "discord_latency_ms", "45.2"):
            self.assertIn(text, output)
        for line in output.splitlines():
            self.assertLessEqual(len(line), 80, line)
        self.assertNotIn("\x1b", output)

    def test_people_get_a_table(self):
        agent = self.agent_with_figures()
        output = self.stat().stdout
        self.check_view(output)
        self.assertIn(f"agent {agent.pid}, up ", output)
        self.assertIn("openai/gpt-4-turbo-with-a-l", output)
        self.assertIn("acore", self.stat("--by", "bot").stdout)
        self.assertIn("OpenAI", self.stat("--by", "provider").stdout)
        for window in ("1m", "5m", "day", "start"):
            self.assertIn("Requests  32", self.stat("--window", window).stdout)
        self.stop_agent(agent)

    def test_without_an_agent_the_ring_tells(self):
        self.fill()
        done = self.stat()
        self.assertEqual(done.returncode, 0)
        self.check_view(done.stdout)
        self.assertIn("no agent is running: these figures are of what the ring still holds",
                      done.stdout)
        document = json.loads(self.stat("--json").stdout)
        self.assertEqual(document["source"], "ring")
        self.assertIsNone(document["agent"])

    def test_without_an_agent_the_future_is_not_now(self):
        """Nobody has given it a time: it is shown where all is shown that the ring holds."""
        now = time.time()
        self.publish({"bot": "b", "response_ms": 1, "ts": now + 7200},
                     {"bot": "b", "response_ms": 1, "ts": now + 30}, {"bot": "b", "response_ms": 1})
        for window, total in (("1m", 2), ("5m", 2), ("1h", 2), ("start", 3)):
            document = json.loads(self.stat("--json", "--window", window).stdout)
            self.assertEqual(document["requests"]["total"], total, window)
            self.assertEqual(document["skewed_samples"], int(total == 3), window)

    def test_a_killed_agent_is_noticed(self):
        agent = self.agent_with_figures()
        self.assertEqual(json.loads(self.stat("--json").stdout)["source"], "agent")
        agent.kill()
        agent.wait()
        wait_for(lambda: json.loads(self.stat("--json").stdout)["source"] == "ring",
                 "the heartbeat to be stale", 10)

    def test_json_has_the_files_keys_and_plain_numbers(self):
        agent = self.agent_with_figures()
        document = json.loads(self.stat("--json").stdout)
        for key in ("response_times", "token_usage", "errors", "by_model", "gauges", "lifetime",
                    "histograms", "saved_at"):
            self.assertIn(key, document)
        self.assertEqual(document["token_usage"]["prompt_tokens"], 30000000)
        self.assertEqual(document["agent"]["pid"], agent.pid)
        self.stop_agent(agent)

    def test_in_flight_requests_are_shown(self):
        agent = self.start_agent()
        bot = self.start("orpub", "--bus", self.bus, "--json-lines", stdin=subprocess.PIPE)
        bot.stdin.write('{"kind": "begin", "request_id": "r"}\n')
        bot.stdin.flush()
        wait_for(lambda: "1 in flight" in self.stat().stdout, "the request in flight")
        self.stop_agent(agent)
        wait_for(lambda: "no agent" in self.stat().stdout, "the board to be stale")
        self.assertIn("1 in flight", self.stat().stdout)
        bot.kill()
        bot.wait()
        wait_for(lambda: "in flight" not in self.stat().stdout, "the bot's end")

    def test_nothing_at_all_looks_well(self):
        agent = self.start_agent()
        wait_for(lambda: "agent" in self.stat().stdout, "the board")
        output = self.stat().stdout
        self.assertIn("Requests  0", output)
        self.assertNotIn("nan", output.lower())
        self.assertNotIn("null", output)
        self.stop_agent(agent)

    def test_check_speaks_as_monitoring_plugins_do(self):
        done = self.stat("--check")
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stdout, r"^ORBUS UNKNOWN - no bus named")
        agent = self.start_agent()

        def check(status, *samples):
            if samples:
                self.publish(*samples)
            done = wait_for(lambda: (lambda d: d if d.returncode == status else None)(
                self.stat("--check")), f"status {status}")
            word = ("OK", "WARNING", "CRITICAL")[status]
            self.assertRegex(done.stdout,
                             rf"^ORBUS {word} - \d+ requests.* \| ?requests=\d+;;;0 error_rate=.*"
                             r" p95=.* lost=\d+;0;;0\n$")
        check(0, *[{"response_ms": 1000}] * 90)
        check(1, *[{"status": "error"}] * 10)
        check(2, *[{"status": "timeout"}] * 40)
        self.stop_agent(agent)

    def on_a_terminal(self, **variables):
        """orstat's output as a terminal gets it."""
        return self.run_on_terminal("orstat", "--bus", self.bus, **variables)

    def test_colour_is_for_terminals_without_no_color(self):
        self.fill()
        self.assertIn("\x1b[", self.on_a_terminal())
        self.assertNotIn("\x1b[", self.on_a_terminal(NO_COLOR="1"))

    def test_a_hostile_board_does_no_harm(self):
        agent = self.agent_with_figures()
        agent.kill()
        agent.wait()
        path = f"/dev/shm/{self.bus}.board"
        with open(path, "rb") as file:
            whole = file.read(8192)
        for at in range(0, 128, 4):
            with open(path, "r+b") as file:
                file.write(whole)
                file.seek(at)
                file.write(b"\xff\xff\xff\x7f")
            done = self.stat()
            self.assertIn(done.returncode, (0, 1, 4), done.stderr)
        os.truncate(path, 100)
        self.assertEqual(self.stat().returncode, 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
