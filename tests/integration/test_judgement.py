"""orstat --advise and orstat --check: which figures give advice, and which raise a warning."""
import json
import os
import re
import time
import unittest

from harness import BusTest, wait_for

ANSWER = {"bot": "acore", "model": "mistralai/mixtral-8x7b", "response_ms": 3100, "ttft_ms": 400,
          "stream": True, "prompt_tokens": 400, "completion_tokens": 200, "cost_usd": 0.001}
SLOW = {**ANSWER, "model": "anthropic/claude-3-opus", "response_ms": 12400,
        "completion_tokens": 600}


class JudgementTest(BusTest):
    def stat(self, *options, **how):
        return self.run_tool("orstat", "--bus", self.bus, *options, **how)

    def serve(self, *samples):
        """An agent that has counted the samples."""
        agent = self.start_agent()
        if samples:
            self.publish(*samples)
            wait_for(lambda: json.loads(self.stat("--json", "--window", "start").stdout)
                     ["requests"]["total"] == len(samples), "the samples on the board")
        return agent


class AdviseTest(JudgementTest):
    def test_findings_have_evidence_and_a_remedy(self):
        agent = self.serve(*[ANSWER] * 40, *[SLOW] * 41)
        output = self.stat("--advise").stdout
        self.assertIn("advice over the last hour", output)
        text = re.sub(r"\s+", " ", output)
        self.assertIn("WARNING slow responses: anthropic/claude-3-opus p95 12.4 s, average 12.4 s "
                      "(very slow) over the last hour, 41 answered requests; "
                      "mistralai/mixtral-8x7b answered the same bot (acore) in 3.1 s (p95).", text)
        self.assertIn("-> Consider mistralai/mixtral-8x7b", text)
        for line in output.splitlines():
            self.assertLessEqual(len(line), 80)
        self.assertNotIn("\x1b", output)
        self.assertIn("advice today", self.stat("--advise", "-t", "day").stdout)
        self.stop_agent(agent)

    def test_json_has_the_same_findings(self):
        agent = self.serve(*[ANSWER] * 40, *[SLOW] * 41)
        advice = json.loads(self.stat("--advise", "--json", "--window", "5m").stdout)
        self.assertEqual((advice["window"], advice["source"], advice["requests"]),
                         ("5m", "agent", 81))
        self.assertIsNone(advice["silence"])
        self.assertEqual([(f["rule"], f["severity"], f["subject"]) for f in advice["findings"]],
                         [("slow_responses", "warning", "anthropic/claude-3-opus")])
        self.stop_agent(agent)

    def test_silence_has_a_reason(self):
        self.publish(*[ANSWER] * 19)
        output = self.stat("--advise").stdout
        self.assertIn("no agent is running", output)
        self.assertIn("Nothing to advise: too few requests over the last hour: 19, judged from 20 "
                      "on\n", output)
        self.publish(ANSWER)
        done = self.stat("--advise", "--json")
        self.assertEqual(done.returncode, 0)
        advice = json.loads(done.stdout)
        self.assertEqual((advice["silence"], advice["findings"]),
                         ("all is well over the last hour", []))

    def test_names_do_not_steer_the_terminal(self):
        self.publish(*[{**SLOW, "model": "evil\x1b[2J\u202e"}] * 20)
        output = self.stat("--advise").stdout
        self.assertIn("evil\\x1b[2J\\u202e", output)
        self.assertNotIn("\x1b", output)
        self.assertNotIn("\x1b", self.stat("--advise", "--json").stdout)


class CheckTest(JudgementTest):
    def check(self, status, *options):
        done = self.stat("--check", *options)
        word = ("OK", "WARNING", "CRITICAL", "UNKNOWN")[status]
        self.assertEqual(done.returncode, status, done.stdout)
        self.assertRegex(done.stdout, rf"^ORBUS {word} - [^\n]*\n$")
        return done.stdout

    @staticmethod
    def performance(line):
        """The values that a monitoring system reads: {label: (value, warning, critical)}."""
        found = {}
        for word in line.rstrip("\n").split(" | ")[1].split(" "):
            match = re.fullmatch(r"(\w+)=(U|[\d.e+-]+)(s|%|);([^;]*);([^;]*);0", word)
            found[match[1]] = (match[2] + match[3], match[4], match[5])
        return found

    def test_defaults(self):
        agent = self.serve(*[ANSWER] * 95, *[{"status": "error"}] * 5)
        figures = self.performance(self.check(0))
        self.assertEqual(figures["requests"], ("100", "", ""))
        self.assertEqual(figures["error_rate"], ("5%", "5", "25"))
        self.assertEqual(figures["p95"], ("3.1s", "10", ""))
        self.assertEqual(figures["lost"], ("0", "0", ""))
        self.assertEqual(figures["cost"], ("0.095", "", ""))
        self.assertEqual(figures["ttft"], ("0.4s", "", ""))
        self.assertEqual(figures["heartbeat"][1:], ("3", ""))
        self.stop_agent(agent)

    def rate_is(self, messages, ok, errors, rate, status):
        """Where a bot counts the messages that it processed, the rate is of requests still."""
        agent = self.serve(*[ANSWER] * ok, *[{"status": "error"}] * errors)
        self.publish({"kind": "count", "name": "messages_processed", "value": messages})
        wait_for(lambda: json.loads(self.stat("--json", "--window", "start").stdout)
                 ["active_stats"]["messages_processed"] == messages, "the count")
        line = self.check(status)
        self.assertIn(f" {ok + errors} requests, {rate:.1f} % failed", line)
        self.assertAlmostEqual(float(self.performance(line)["error_rate"][0].rstrip("%")), rate,
                               places=1)
        self.assertRegex(self.stat().stdout, rf"(?m)^Errors    {errors}, {rate:.1f} %")
        self.stop_agent(agent)
        document, = (self.load(name) for name in self.files("hourly_*"))
        self.assertEqual(document["requests"]["failed"], errors)
        self.assertAlmostEqual(document["requests"]["error_rate"], rate, places=1)
        self.assertIn(f"{errors}, {rate:.1f} %", self.run_tool(
            "orreport", "--data-dir", self.data, "--days", "1").stdout)
        # Keys that scripts of the earlier system read keep their meaning.
        self.assertAlmostEqual(document["errors"]["error_rate"], 100 * errors / messages)

    def test_a_total_outage_of_a_bot_with_many_messages_is_critical(self):
        self.rate_is(messages=2000, ok=0, errors=40, rate=100, status=2)

    def test_a_bot_with_one_message_fails_no_more_often_than_it_asks(self):
        self.rate_is(messages=1, ok=15, errors=11, rate=42.3, status=2)

    def test_statistics_of_the_ring_alone_have_the_same_rate(self):
        self.publish(*[{"status": "error"}] * 40,
                     {"kind": "count", "name": "messages_processed", "value": 2000})
        self.assertIn("40 requests, 100.0 % failed",
                      self.check(2, "--warning", "heartbeat=~:"))

    def test_where_all_are_cancelled_nothing_is_well(self):
        """Cancelled requests are no failures; but it is one if no request at all is answered."""
        agent = self.serve(*[{"status": "cancelled"}] * 40)
        line = self.check(2)
        self.assertIn("40 requests, 0.0 % failed; unanswered 100% (99.99)", re.sub(r", p95 [^;]*", "", line))
        self.assertEqual(self.performance(line)["unanswered"], ("100%", "", "99.99"))
        self.check(0, "--critical", "unanswered=~:")
        advice = json.loads(self.stat("--advise", "--json").stdout)
        self.assertIn("nothing_answered", [f["rule"] for f in advice["findings"]])
        self.publish(ANSWER)
        wait_for(lambda: self.stat("--check").returncode == 0, "the answer")
        self.stop_agent(agent)

    def test_alerts_that_are_raised_are_critical(self):
        rules = os.path.join(self.folder, "alerts.conf")
        with open(rules, "w", encoding="utf-8") as out:
            out.write("requests 1h > 10 bot=acore\ncost today > 1000 USD\n")
        agent = self.start_agent("--alert", rules)
        self.publish(*[ANSWER] * 10)
        wait_for(lambda: " 10 requests" in self.stat("--check").stdout, "the samples")
        self.assertNotIn("raised", self.check(0))
        self.publish(ANSWER)
        wait_for(lambda: self.stat("--check").returncode, "the alert")
        line = self.check(2)
        self.assertIn("; alerts 1 (0); raised: requests 1h > 10 bot=acore |", line)
        self.assertEqual(self.performance(line)["alerts"], ("1", "", "0"))
        self.check(0, "--critical", "alerts=~:")
        self.stop_agent(agent)

    def test_thresholds_by_option(self):
        agent = self.serve(*[ANSWER] * 95, *[{"status": "error"}] * 5)
        for status, options in (
                (1, ["--warning", "p95=3s"]), (0, ["--warning", "p95=3.2s"]),
                (2, ["--critical", "p95=3"]), (2, ["--warning", "p95=2", "--critical", "p95=3"]),
                (2, ["--critical", "error_rate=4"]), (1, ["--warning", "error_rate=@5:"]),
                (1, ["--warning", "cost=0.01"]), (0, ["--warning", "cost=~:0.1"]),
                (2, ["--critical", "tps=100:"]), (0, ["--critical", "tps=10:"]),
                (1, ["--warning", "ttft=300ms"]), (1, ["--warning", "requests=101:"]),
                (0, ["--critical", "silence=30m"]), (0, ["--critical", "heartbeat=1m"]),
                (0, ["--critical", "tps=100:", "--min-requests", "101"]),
                (2, ["--critical", "tps=100:", "--min-requests", "100"])):
            self.check(status, *options)
        line = self.check(2, "--warning", "p95=2", "--critical", "p95=500ms:3s")
        self.assertIn("; p95 3.1s (0.5:3) |", line)
        self.assertEqual(self.performance(line)["p95"], ("3.1s", "2", "0.5:3"))
        self.stop_agent(agent)

    def test_no_requests_for_some_time(self):
        agent = self.serve({**ANSWER, "ts": time.time() - 1800})
        self.check(0, "--critical", "silence=1h")
        line = self.check(2, "--critical", "silence=10m")
        self.assertAlmostEqual(float(self.performance(line)["silence"][0][:-1]), 1800, delta=60)
        self.publish(ANSWER)
        wait_for(lambda: self.stat("--check", "--critical", "silence=10m").returncode == 0,
                 "the request to be seen")
        self.stop_agent(agent)

    def test_an_agent_that_is_gone(self):
        agent = self.serve(ANSWER)
        self.check(0)
        agent.kill()
        agent.wait()
        wait_for(lambda: self.stat("--check").returncode == 1, "the heartbeat to be stale")
        self.assertIn("no agent is running; heartbeat", self.check(1))
        self.check(2, "--critical", "heartbeat=2s")
        self.check(0, "--warning", "heartbeat=1h")
        os.unlink(f"/dev/shm/{self.bus}.board")
        line = self.check(2, "--critical", "heartbeat=1h")
        self.assertEqual(self.performance(line)["heartbeat"], ("U", "3", "3600"))
        self.assertIn("heartbeat unknown (3600)", line)

    def test_no_bus_is_unknown(self):
        self.assertIn("no bus named", self.check(3, "--warning", "p95=1"))

    def test_wrong_usage_is_2_and_says_why(self):
        for options, words in (
                (["--check", "--warning", "p95"], ["--warning", "'p95'", "NAME=RANGE"]),
                (["--check", "--warning", "p96=1"], ["'p96=1'", "p99, ttft"]),
                (["--check", "--critical", "p95=x"], ["--critical", "'p95=x'", "p95=10s"]),
                (["--check", "--critical", "tps=5s"], ["'tps=5s'", "tps=10:"]),
                (["--check", "--critical", "tps=5:1"], ["ends before it starts"]),
                (["--check", "--critical", "tps="], ["'tps='"]),
                (["--check", "--min-requests", "-1"], ["--min-requests"]),
                (["--check", "--advise"], ["--check", "--advise"]),
                (["--critical", "p95=5"], ["--check"])):
            done = self.stat(*options)
            self.assertEqual((done.returncode, done.stdout), (2, ""), options)
            for word in words:
                self.assertIn(word, done.stderr, options)


if __name__ == "__main__":
    unittest.main(verbosity=2)
