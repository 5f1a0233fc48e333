"""ortail with what people expect of a tail: templates, highlighting, summaries, groups, conditions."""
import json
import os
import re
import signal
import subprocess
import time
import unittest

from harness import BusTest, program, wait_for

EVIL = "\x1b]0;owned\x07\x9b31m\u202egnp\n\r\t\x7f"
TEXTS = ("bot", "model", "requested_model", "provider", "finish_reason", "request_id", "begin_id",
         "error_type", "error_message")


class TailTest(BusTest):
    def tail(self, *options, **how):
        done = self.run_tool("ortail", "--bus", self.bus, "-1", *options, **how)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def refuse(self, *options):
        """What is said of options that cannot be."""
        done = self.run_tool("ortail", "--bus", self.bus, *options)
        self.assertEqual((done.returncode, done.stdout), (2, ""), options)
        return done.stderr

    def follow(self, *options, **how):
        """A tail that follows, once it does."""
        tail = self.start("ortail", "--bus", self.bus, *options, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **how)
        os.set_blocking(tail.stdout.fileno(), False)
        tail.seen = ""
        return tail

    def wait_text(self, tail, pattern, seconds=30):
        """What the tail has printed, once it matches."""
        def seen():
            try:
                tail.seen += os.read(tail.stdout.fileno(), 65536).decode()
            except BlockingIOError:
                pass
            return re.search(pattern, tail.seen, re.M | re.S)
        try:
            return wait_for(seen, f"'{pattern}'", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; there is: {tail.seen}") from None

    def end(self, tail):
        """Ends a tail as Ctrl-C does; all that it printed."""
        tail.send_signal(signal.SIGINT)
        os.set_blocking(tail.stdout.fileno(), True)
        tail.seen += tail.stdout.read()
        self.assertEqual((tail.wait(timeout=30), tail.stderr.read()), (0, ""))
        return tail.seen

    def start_bot(self):
        """A bot that publishes what is written to it, line by line."""
        return self.start("orpub", "--bus", self.bus, "--json-lines", stdin=subprocess.PIPE)

    def tell(self, process, **sample):
        process.stdin.write(json.dumps(sample) + "\n")
        process.stdin.flush()

    def wait_shown(self, word, *options):
        """Until a tail of its own shows the word."""
        wait_for(lambda: word in self.run_tool("ortail", "--bus", self.bus, "-1", *options).stdout,
                 word)

    def on_a_terminal(self, *options, **variables):
        """ortail's output as a terminal gets it."""
        return self.run_on_terminal("ortail", "--bus", self.bus, "-1", *options, **variables)


class TemplateTest(TailTest):
    def test_a_template_shows_what_it_names(self):
        self.publish({"bot": "acore", "model": "日本語", "response_ms": 3450.123457, "ts": 1764000000,
                      "completion_tokens": 287, "tags": {"user": "ann"}},
                     {"bot": "b", "requested_model": "m", "status": "timeout", "ts": 1764000001})
        self.assertEqual(
            self.tail("-f", "{ts:%H:%M:%S} {any_model:<8}|{model|?:>8}|{response_ms:>8} {tps} "
                      "{status} {tags.user|nobody}"),
            "16:00:00 日本語  |  日本語|  3450.1 83.2 ok ann\n"
            "16:00:01 m       |       ?|       - - timeout nobody\n")

    def test_times_are_local(self):
        self.publish({"ts": 1764000000})
        env = self.environment(TZ="XST-5:30")
        self.assertEqual(self.tail("-f", "{date} {time} {ts}", env=env),
                         "2025-11-24 21:30:00 2025-11-24T16:00:00.000000000Z\n")

    def test_wrong_ones_are_wrong_usage_and_offer_a_remedy(self):
        self.publish({"model": "m"})
        for template, words in (("{modle}", "did you mean model?"), ("{model", "not closed"),
                                ("{model:f}", "has no type 'f'"), ("{{model}}", "names no key"),
                                ("{ts}\x1b[1m", "control character"), ("xml", "log|json|csv|")):
            self.assertIn(words, self.refuse("-f", template))

    def test_with_json_and_past_lines(self):
        self.publish(*[{"attempt": n} for n in range(5)])
        self.assertEqual(self.tail("-f", "{attempt}", "-n", 2), "3\n4\n")

    def test_a_closed_pipe_ends_it_quietly(self):
        self.publish({"model": "m"})
        self.processes.append(subprocess.Popen(
            ["bash", "-c", f"for i in $(seq 40); do {program('orpub')} --bus {self.bus} "
                           "--model m --response-ms 1; sleep 0.1; done"],
            env=self.environment()))
        done = subprocess.run(
            ["bash", "-c", f"{program('ortail')} --bus {self.bus} -g --stats-every 1s "
                           "-f '{model}' | head -1; echo ${PIPESTATUS[0]}"],
            env=self.environment(), capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual((done.stdout.splitlines()[-1], done.stderr), ("0", ""))


class SafeTest(TailTest):
    def check(self, output):
        bad = {c for c in output if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160
               or c == "\u202e"}
        self.assertTrue(output)
        self.assertEqual(bad, set(), output)

    def test_no_text_steers_the_terminal(self):
        sample = dict.fromkeys(TEXTS, EVIL)
        sample["tags"] = {"user": EVIL, EVIL[:9]: EVIL}
        begin = {"kind": "begin", "bot": EVIL, "request_id": EVIL + "2", "requested_model": EVIL}
        self.publish({**begin, "request_id": EVIL}, begin,
                     {**sample, "status": "error", "response_ms": 1}, {**sample, "stream": True},
                     {**sample, "status": "timeout"}, {**sample, "status": "cancelled"},
                     {"kind": "gauge", "name": EVIL, "value": 1})
        keys = [key for key in (*TEXTS, "name", "tags", "tags.user", "any_model", "level")]
        everything = " ".join(f"{{{key}}} {{{key}:>9.7}} {{{key}:70}}" for key in keys)
        for options in (["-f", everything, "--kind", "all"], ["--group"], ["-g", "-f", everything],
                        ["-gj"], ["-t"], ["--stats-every", "1m"], ["-f", "table"],
                        ["-w", "bot!=x", "-x", "status=ok"]):
            self.check(self.tail(*options))
        for options in (["-H", "owned|31m", "-f", everything], ["-g", "-H", "o.*d"]):
            self.check(re.sub("\x1b\\[\\d+m", "", self.on_a_terminal(*options)))

    def test_what_was_typed_is_spelled_out_too(self):
        for options in (["-f", "{\x1b[31m}"], ["-w", "\x1b[31m=1"], ["-H", "\x1b[31m("],
                        ["-f", "\x1b[31m"]):
            self.check(self.refuse(*options))


class HighlightTest(TailTest):
    def setUp(self):
        super().setUp()
        self.publish({"model": "openai/gpt-4", "response_ms": 3450, "completion_tokens": 287,
                      "total_tokens": 512},
                     {"model": "m", "status": "error", "error_type": "rate_limited",
                      "error_message": "Slow down", "http_status": 429, "response_ms": 120})

    def test_ratings_have_colours_on_a_terminal(self):
        lines = self.on_a_terminal().splitlines()
        self.assertEqual(lines[0], "INFO - OpenRouter response: \x1b[36m3.45s\x1b[0m | Tokens: 287"
                                   " | TPS: \x1b[32m83.2\x1b[0m | Total: 512")
        self.assertTrue(lines[1].startswith("\x1b[31mERROR\x1b[0m - "))
        self.assertEqual(self.on_a_terminal("-f", "{status} {response_s:>6}").splitlines()[0],
                         "\x1b[32mok\x1b[0m \x1b[36m  3.45\x1b[0m")

    def test_what_matches_is_emphasised_within_its_colours(self):
        line = self.on_a_terminal("-H", "response: 3", "-H", "total").splitlines()[0]
        self.assertEqual(line, "INFO - OpenRouter \x1b[7mresponse: \x1b[36m\x1b[7m3\x1b[27m.45s"
                               "\x1b[0m | Tokens: 287 | TPS: \x1b[32m83.2\x1b[0m | "
                               "\x1b[7mTotal\x1b[27m: 512")

    def test_capitals_matter_if_there_are_any(self):
        for pattern, found in (("slow", True), ("Slow", True), ("SLOW", False), ("^ERROR", True),
                               ("down$", True), ("^OpenRouter", False), ("x*", False)):
            output = self.on_a_terminal("-H", pattern, "-x", "status=ok")
            self.assertEqual("\x1b[7m" in output, found, pattern)

    def test_without_a_terminal_or_with_no_color_there_is_none(self):
        options = ("-H", "OpenRouter", "-g", "--stats-every", "1h")
        self.assertNotIn("\x1b", self.tail(*options))
        self.assertNotIn("\x1b", self.on_a_terminal(*options, NO_COLOR="1"))
        self.assertIn("\x1b[7m", self.on_a_terminal(*options))

    def test_a_bad_expression_is_wrong_usage(self):
        self.assertIn("Unmatched", self.refuse("-H", "("))


class ConditionsTest(TailTest):
    def found(self, *options):
        return "".join(self.tail("-f", "{attempt}", *options).split())

    def test_where_and_exclude(self):
        self.publish({"attempt": 0, "model": "openai/a", "ttft_ms": 500, "http_status": 200,
                      "stream": True, "tags": {"user": "ann"}},
                     {"attempt": 1, "model": "openai/b", "ttft_ms": 3500, "cost_usd": 0.5},
                     {"attempt": 2, "model": "meta/c", "status": "error", "http_status": 429,
                      "tags": {"user": "bob"}})
        for options, wanted in (
                (["-w", "ttft_ms>500"], "1"), (["-w", "ttft_ms>=500"], "01"),
                (["-w", "ttft_ms<=500"], "0"), (["-w", "ttft_ms<1"], ""),
                (["-w", "http_status=429"], "2"), (["-w", "http_status!=429"], "01"),
                (["-w", "tags.user=a*"], "0"), (["-w", "tags.user!=a*"], "12"),
                (["-w", "tags.user="], "1"), (["-w", "tags.user!="], "02"),
                (["-w", "cost_usd!="], "1"), (["-w", "stream=true"], "0"),
                (["-w", "model=openai/*", "-w", "ttft_ms>600"], "1"),
                (["-x", "status=error"], "01"), (["-x", "ttft_ms>600", "-x", "stream=true"], "2"),
                (["-w", "model=openai/*", "-x", "cost_usd!="], "0"),
                (["-w", "response_s>0"], ""),
                (["-w", "model=~^(openai|meta)/[ac]$"], "02"), (["-w", "model!~^openai/a|c$"], "1"),
                (["-w", "model=~^OPENAI"], ""), (["-x", "model=~nai/"], "2"),
                (["-w", "tags.user=~nn"], "0"), (["-w", "tags.user!~nn"], "12"),
                (["-w", "status=~^e"], "2"), (["-w", "status!~err|time"], "01"),
                (["-w", "model==openai/a"], "0"), (["-w", "attempt==1"], "1")):
            self.assertEqual(self.found(*options), wanted, options)

    def test_bad_ones_say_why(self):
        for condition, words in (("ttft_ms", "no condition"), (">3", "no condition"),
                                 ("ttft>3", "ttft_ms, ttft_s"), ("model>3", "= or !="),
                                 ("ttft_ms>x", "a number"), ("ttft_ms>-1", "a number"),
                                 ("ts>3", "a time"), ("ts=~3", "a time"),
                                 ("model=~(", "'(' is no regular expression: Unmatched"),
                                 ("model=~(a)\\1", "back references"), ("model=~a{999}", "repetitions"),
                                 ("model=~", "a regular expression must follow"),
                                 ("ttft_ms=~3", "are for texts"), ("model=>x", "write <= or >="),
                                 ("status=eror", "status is one of ok|error|timeout|cancelled|orphaned "
                                  "(did you mean error?)"),
                                 ("status=e?", "status is one of"), ("status=~^x", "status is one of"),
                                 ("stream=yes", "stream is one of true|false"),
                                 ("kind=requests", "(did you mean request?)")):
            self.assertIn(words, self.refuse("-w", condition))
            self.assertIn("--exclude: ", self.refuse("-x", condition))

    def test_a_gauge_below_zero(self):
        self.publish({"kind": "gauge", "name": "g", "value": -5}, {"kind": "gauge", "name": "g", "value": 2})
        self.assertEqual(self.tail("--kind", "gauge", "-f", "{value}", "-w", "value<-1").split(), ["-5"])

    def test_quiet_has_no_header(self):
        self.publish({"model": "m"})
        for form in ("csv", "table"):
            self.assertEqual(len(self.tail("-f", form).splitlines()), 2)
            self.assertEqual(len(self.tail("-qf", form).splitlines()), 1)

    def test_timestamps_stand_before_each_line_of_the_log(self):
        self.publish({"ts": 1764000000, "stream": True, "ttft_ms": 870})
        self.assertEqual(self.tail("-t"), "2025-11-24T16:00:00+00:00 DEBUG - OpenRouter TTFT: "
                         "0.87s\n2025-11-24T16:00:00+00:00 INFO - OpenRouter stream: | TTFT: "
                         "0.87s\n")
        self.assertIn("only for the log", self.refuse("-tj"))


class LogTest(TailTest):
    def test_the_total_is_the_sum_where_the_api_names_none(self):
        self.publish({"response_ms": 3450, "prompt_tokens": 225, "completion_tokens": 287})
        self.assertEqual(self.tail(), "INFO - OpenRouter response: 3.45s | Tokens: 287 | "
                                      "TPS: 83.2 | Total: 512\n")
        self.publish({"response_ms": 3450, "completion_tokens": 287})
        self.assertNotIn("Total", self.tail("-n", 1))


class StatsTest(TailTest):
    LINE = re.compile(r"^STATS - (\S+) \| +([\d,]+) requests? +\| +(\S+)/s \| +(\d+) errors? +\| "
                      r"p50 +(\S+) \| p95 +(\S+) \| TTFT +(\S+) \| TPS +(\S+) \| +([\d,]+) "
                      r"tokens?( \| \$\S+)?\n", re.M)

    def test_each_interval_of_the_past_has_its_line(self):
        base = 1764000000
        self.publish(*[{"ts": base + n, "response_ms": 1000, "completion_tokens": 50,
                        "total_tokens": 100, "cost_usd": 0.5} for n in range(15)],
                     {"ts": base + 12, "status": "timeout"},
                     {"ts": base + 3600, "response_ms": 4000, "stream": True, "ttft_ms": 700})
        lines = self.LINE.findall(self.tail("-f", "none", "--stats-every", "10s"))
        self.assertEqual(lines, [
            ("16:00:10", "10", "1.0", "0", "1.00s", "1.00s", "-", "50.0", "1,000", " | $5.0000"),
            ("16:00:20", "6", "0.6", "1", "1.00s", "1.00s", "-", "50.0", "500", " | $2.5000"),
            ("17:00:10", "1", "0.1", "0", "4.00s", "4.00s", "0.70s", "-", "0", "")])

    def test_intervals_are_those_of_clocks_on_the_wall(self):
        # 16:00 and 19:00 UTC are 21:45 and 00:45 in Kathmandu: two days there, one in UTC.
        self.publish(*[{"ts": 1764000000 + n * 10800, "response_ms": 1000} for n in (0, 1)])
        environment = self.environment(TZ="Asia/Kathmandu")
        done = self.run_tool("ortail", "--bus", self.bus, "-1", "-n", "100", "-f", "none", "--stats-every",
                             "1d", env=environment)
        self.assertEqual([line[:2] for line in self.LINE.findall(done.stdout)],
                         [("00:00:00", "1"), ("00:00:00", "1")], done.stdout)

    def test_lines_stand_between_those_that_they_sum_up(self):
        base = 1764000000
        self.publish(*[{"ts": base + n, "response_ms": 1000} for n in (1, 2, 11)])
        lines = self.tail("--stats-every", "10s").splitlines()
        self.assertEqual([line.split()[0] for line in lines],
                         ["INFO", "INFO", "STATS", "INFO", "STATS"])

    def test_json_has_the_files_keys(self):
        self.publish({"ts": 1764000005, "response_ms": 1000, "total_tokens": 7},
                     {"ts": 1764000006, "status": "error"})
        for options, count in ((["-j"], 3), (["-j", "-f", "none"], 1)):
            lines = [json.loads(line) for line in
                     self.tail("--stats-every", "10s", *options).splitlines()]
            self.assertEqual(len(lines), count)
            stats = lines[-1]
            self.assertEqual((stats["kind"], stats["ts"]),
                             ("stats", "2025-11-24T16:00:10.000000000Z"))
            self.assertEqual(stats["requests"]["total"], 2)
            self.assertEqual(stats["requests"]["errors"], 1)
            self.assertEqual(stats["requests_per_second"], 0.2)
            self.assertEqual(stats["response_times"]["p95"], 1000)
            self.assertEqual(stats["token_usage"]["total_tokens"], 7)
            self.assertIsNone(stats["cost_usd"])

    def test_while_it_follows_each_interval_has_its_line_and_the_last_at_the_end(self):
        self.publish({"model": "old"})
        tail = self.follow("-f", "none", "--stats-every", "1s")
        self.wait_text(tail, "STATS.*STATS")
        self.publish(*[{"model": "new", "response_ms": 1000}] * 3)
        self.wait_text(tail, r"\| +3 requests")
        self.wait_text(tail, r"3 requests.*STATS")
        output = self.end(tail)
        lines = self.LINE.findall(output)
        self.assertEqual(sum(int(line[1]) for line in lines), 3, output)
        # One a second, none twice.
        self.assertEqual(len({line[0] for line in lines}), len(lines), output)

        tail = self.follow("--stats-every", "1h")
        time.sleep(0.5)
        self.publish({"model": "m", "response_ms": 1000})
        self.wait_text(tail, "INFO.*\n")
        self.assertRegex(self.end(tail), r"^INFO.*\nSTATS - .* 1 request .*\n$")

    def test_only_what_is_shown_is_counted(self):
        self.publish({"model": "a", "ts": 1764000000}, {"model": "b", "ts": 1764000001},
                     {"kind": "gauge", "name": "g", "value": 1, "ts": 1764000001})
        for options in (["--model", "a"], ["-n", "1"], ["-x", "model=b"]):
            output = self.tail("-f", "none", "--stats-every", "1m", *options)
            self.assertEqual([line[1] for line in self.LINE.findall(output)], ["1"])

    def test_a_mix_that_cannot_be_is_wrong_usage(self):
        self.assertIn("none shows nothing", self.refuse("-f", "none"))
        self.assertIn("take json", self.refuse("-f", "csv", "--stats-every", "1s"))
        self.assertIn("from 1s to 1d", self.refuse("--stats-every", "10ms"))


class GroupTest(TailTest):
    def test_a_request_is_shown_with_its_begin(self):
        base = 1764000000
        self.publish(
            {"kind": "begin", "bot": "a", "request_id": "r1", "requested_model": "auto", "ts": base},
            {"kind": "begin", "bot": "a", "request_id": "r2", "requested_model": "m", "ts": base + 1},
            {"bot": "a", "request_id": "gen-9", "begin_id": "r1", "requested_model": "auto",
             "model": "openai/x", "stream": True, "ttft_ms": 870, "response_ms": 8210,
             "ts": base + 9},
            {"bot": "a", "request_id": "r2", "requested_model": "m", "status": "error",
             "error_type": "rate_limited", "ts": base + 11},
            {"bot": "b", "request_id": "r3", "model": "m", "response_ms": 1500, "ts": base + 12})
        self.assertEqual(self.tail("--group"), """\
16:00:00 +8.21s a auto -> openai/x gen-9
  DEBUG - OpenRouter TTFT: 0.87s
  INFO - OpenRouter stream: 8.21s | TTFT: 0.87s
16:00:01 +10.00s a m r2
  ERROR - OpenRouter request failed: rate_limited
16:00:10 +1.50s b m r3
  INFO - OpenRouter response: 1.50s
""")
        self.assertEqual(self.tail("-g", "-f", "{status}", "-n", 1),
                         "16:00:10 +1.50s b m r3\n  ok\n")
        groups = [json.loads(line) for line in self.tail("-gj").splitlines()]
        self.assertEqual([(g["outcome"], g["elapsed_ms"]) for g in groups],
                         [("ended", 8210), ("ended", 10000), ("ended", 1500)])
        self.assertEqual(groups[0]["begin"]["request_id"], "r1")
        self.assertEqual(groups[0]["request"]["request_id"], "gen-9")
        self.assertIsNone(groups[2]["begin"])

    def test_what_is_in_flight_is_told_at_the_end(self):
        bot = self.start_bot()
        self.tell(bot, kind="begin", bot="a", request_id="r1", requested_model="m")
        self.wait_shown("r1", "--kind", "begin", "-f", "{request_id}")
        self.assertRegex(self.tail("--group"), r"^\d\d:\d\d:\d\d \+\d+\.\d\ds a m r1\n"
                                               r"  INFO - OpenRouter request in flight\n$")
        group = json.loads(self.tail("-gj"))
        self.assertEqual((group["outcome"], group["request"]), ("in_flight", None))
        for options in (["--bot", "b"], ["--status", "ok"], ["--min-ms", "3600000"],
                        ["-x", "bot=a"]):
            self.assertEqual(self.tail("-g", *options), "", options)

    def test_the_orphans_of_a_dead_process_are_told_once(self):
        bot = self.start_bot()
        self.tell(bot, kind="begin", bot="a", request_id="r1", requested_model="m")
        self.tell(bot, kind="begin", bot="a", request_id="r2", requested_model="m")
        self.wait_shown("r2", "--kind", "begin", "-f", "{request_id}")
        tail = self.follow("--group", "--stats-every", "1h")
        everything = self.follow("-gj", "--status", "orphaned")
        time.sleep(0.5)
        self.tell(bot, bot="a", request_id="r1", model="m", response_ms=1)
        self.wait_text(tail, "r1\n  INFO - OpenRouter response")
        bot.kill()
        bot.wait()
        self.wait_text(tail, "a m r2\n  ERROR - OpenRouter request orphaned: its process is gone")
        self.wait_text(everything, "orphaned.*\n")
        time.sleep(1.5)
        output = self.end(tail)
        self.assertEqual(output.count("orphaned"), 1, output)
        self.assertRegex(output, r"STATS - .* 2 requests .* 1 error ")
        group = json.loads(self.end(everything))
        self.assertEqual((group["outcome"], group["begin"]["request_id"]), ("orphaned", "r2"))
        # Who comes later knows of it too.
        self.assertIn("orphaned", self.tail("--group"))

    def test_what_waits_long_is_told_as_it_waits(self):
        bot = self.start_bot()
        began = time.time()
        self.tell(bot, kind="begin", bot="a", request_id="old", ts=began - 85, requested_model="m")
        self.tell(bot, kind="begin", bot="a", request_id="young", ts=began - 6,
                  requested_model="m")
        self.wait_shown("young", "--kind", "begin", "-f", "{request_id}")
        tail = self.follow("--group")
        self.wait_text(tail, r"\+\d\d\.\d\ds a m old\n  INFO - OpenRouter request in flight\n")
        self.wait_text(tail, r"\+1\d\.\d\ds a m young\n  INFO - OpenRouter request in flight\n")
        self.assertEqual(tail.seen.count("in flight"), 2, tail.seen)
        self.end(tail)

    def test_what_may_have_been_lost_is_told_as_abandoned(self):
        bot = self.start_bot()
        self.tell(bot, kind="begin", bot="a", request_id="r1", requested_model="m")
        self.wait_shown("r1", "--kind", "begin", "-f", "{request_id}")
        tail = self.follow("-gq")
        time.sleep(0.7)
        tail.send_signal(signal.SIGSTOP)
        for _ in range(6000):
            bot.stdin.write('{"kind": "count", "name": "n", "value": 1}\n')
        self.tell(bot, bot="b", model="last")
        self.wait_shown("last", "-f", "{model}")
        tail.send_signal(signal.SIGCONT)
        self.wait_text(tail, "a m r1\n  WARNING - OpenRouter request abandoned")
        bot.kill()
        bot.wait()
        self.assertNotIn("orphaned", self.end(tail))

    def test_a_mix_that_cannot_be_is_wrong_usage(self):
        for form in ("csv", "table"):
            self.assertIn("log, json or a template", self.refuse("-g", "-f", form))
        self.assertIn("leave --kind out", self.refuse("-g", "--kind", "begin"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
