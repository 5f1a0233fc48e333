"""oragent --alert: rules are read, evaluated, posted and shown; and read anew."""
import glob
import os
import signal
import time
import unittest

from alerting import ANSWER, FAILURE, AlertsTest
from harness import wait_for


class TellingTest(AlertsTest):
    def test_an_alert_is_logged_posted_and_shown(self):
        hook = self.hook()
        rule = "error_rate 1h > 10 % with at least 20 requests"
        agent = self.agent(f"webhook {hook.url}/hook?token=SECRET",
                           f"discord {hook.url}/discord/SECRET", rule, "p95 1h > 10s")
        self.publish(*[ANSWER] * 17, *[FAILURE] * 2)
        self.wait_state("p95 1h > 10s", "ok")
        self.wait_state(rule, "unknown")
        self.publish(FAILURE)
        wait_for(lambda: len(hook.posts) == 2, "both posts")
        posts = {post["path"]: post for post in hook.posts}
        plain = posts["/hook?token=SECRET"]
        self.assertEqual(plain["type"], "application/json")
        self.assertRegex(plain["agent"], r"^orbus/\d")
        for key, value in {"source": "orbus", "state": "firing", "rule": rule, "window": "1h",
                           "figure": "error_rate", "filter": None, "value": 15, "unit": "%",
                           "threshold": 10, "requests": 20, "bus": self.bus,
                           "message": "error_rate 1h is 15 %, over 10 %"}.items():
            self.assertEqual(plain["json"][key], value, key)
        discord = posts["/discord/SECRET"]["json"]
        self.assertEqual(discord["allowed_mentions"], {"parse": []})
        self.assertIn("error_rate 1h is 15 %", discord["embeds"][0]["description"])
        self.wait_state(rule, "firing")
        self.wait_delivered()
        output = self.run_tool("orstat", "--bus", self.bus).stdout
        self.assertIn("Alerts    1 of 2 raised\n", output)
        self.assertRegex(output, r"\n {10}error_rate 1h > 10 %.* 15 % \d\d:\d\d\n")
        self.assertTrue(all(len(line) <= 80 for line in output.splitlines()), output)
        done = self.run_tool("orstat", "--bus", self.bus, "--check", "--critical", "alerts=0",
                             "--warning", "error_rate=~:")
        self.assertEqual(done.returncode, 2, done.stdout)
        log = self.stop_agent(agent)
        self.assertIn("WARNING - alert: error_rate 1h is 15 %, over 10 %", log)
        # The contents of the URLs are nowhere except in the file of rules.
        self.assertNotIn("SECRET", log)
        for folder, _, names in os.walk(self.data):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(b"SECRET", file.read(), name)
        with open(f"/dev/shm/{self.bus}.board", "rb") as file:
            self.assertNotIn(b"SECRET", file.read())

    def test_exactly_the_limit_is_not_over_it(self):
        rule = "cost 1h > 0.3 USD"
        agent = self.agent(rule)
        check = ("orstat", "--bus", self.bus, "--check", "--critical", "cost=0.3", "--critical",
                 "alerts=~:", "--window", "1h")
        self.publish(*[{**ANSWER, "cost_usd": 0.1}] * 3)
        self.wait_figure(rule, value=0.3, state="ok")
        done = self.run_tool(*check)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.publish({**ANSWER, "cost_usd": 0.000000001})
        self.wait_state(rule, "firing")
        done = self.run_tool(*check)
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("; cost 0.300000001 (0.3)", done.stdout)
        self.assertIn("cost 1h is 0.300000001 USD, over 0.3 USD", self.stop_agent(agent))

    def test_rules_look_at_what_they_name(self):
        agent = self.agent("cost 1h > 5 USD model=anthropic/*", "cost 1h > 50 USD bot=acore",
                           "requests 1h > 5 bot=b*")
        self.publish(*[ANSWER] * 6, *[{**ANSWER, "model": "anthropic/c", "bot": "b2"}] * 6)
        self.wait_state("cost 1h > 5 USD model=anthropic/*", "firing")
        self.wait_state("requests 1h > 5 bot=b*", "firing")
        self.wait_state("cost 1h > 50 USD bot=acore", "ok")
        self.stop_agent(agent)

    def test_several_filters_look_at_what_fits_them_all(self):
        hook = self.hook()
        both = "cost 1h > 5 USD model=openai/* bot=b*"
        agent = self.agent(f"webhook {hook.url}", both, "requests 1h > 8 bot=acore provider=P operation=chat",
                           "requests 1h > 1 bot=acore model=anthropic/*")
        self.publish(*[{**ANSWER, "provider": "P"}] * 9, *[{**ANSWER, "bot": "b2"}] * 5,
                     *[{**ANSWER, "bot": "b2", "model": "anthropic/c"}] * 5)
        self.wait_told(hook, ("firing", "requests 1h > 8 bot=acore provider=P operation=chat"))
        self.wait_figure(both, value=5, requests=5, state="ok")
        self.publish({**ANSWER, "bot": "b3", "cost_usd": 0.000000001})
        self.wait_state(both, "firing")
        wait_for(lambda: len(hook.posts) == 2, "the second post")
        post = hook.posts[1]["json"]
        self.assertEqual(post["filter"], {"model": "openai/*", "bot": "b*"})
        self.assertEqual(post["message"],
                         "cost 1h model=openai/* bot=b* is 5.000000001 USD, over 5 USD")
        self.wait_state("requests 1h > 1 bot=acore model=anthropic/*", "ok")
        self.stop_agent(agent)

    def test_a_gauge_is_watched_by_bot(self):
        hook = self.hook()
        rule = "gauge discord_latency_ms 5m > 500 bot=acore"
        agent = self.agent(f"webhook {hook.url}", rule, "gauge_max discord_latency_ms 5m > 900",
                           "gauge_last balance 1h < -1.5")
        gauge = {"kind": "gauge", "bot": "acore", "name": "discord_latency_ms"}
        self.publish({**gauge, "value": 400}, {**gauge, "value": 600},
                     {**gauge, "bot": "b", "value": 900}, {**gauge, "name": "balance", "value": -1.5})
        self.wait_figure(rule, value=500, state="ok")
        self.wait_figure("gauge_max discord_latency_ms 5m > 900", value=900, state="ok")
        self.wait_figure("gauge_last balance 1h < -1.5", value=-1.5, state="ok")
        self.publish({**gauge, "value": 503})
        self.wait_told(hook, ("firing", rule))
        self.wait_delivered()
        post = hook.posts[0]["json"]
        self.assertEqual(post["message"],
                         "gauge discord_latency_ms 5m bot=acore is 501, over 500")
        for key, value in {"figure": "gauge", "gauge": "discord_latency_ms", "window": "5m", "value": 501,
                           "filter": {"bot": "acore"}, "values": 3, "requests": None, "unit": "",
                           "bot": None}.items():
            self.assertEqual(post[key], value, key)
        done = self.run_tool("orstat", "--bus", self.bus, "--check", "--warning", "error_rate=~:")
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn(f"; raised: {rule} |", done.stdout)
        self.publish({**gauge, "name": "balance", "value": -2})
        self.wait_state("gauge_last balance 1h < -1.5", "firing")
        self.assertRegex(self.run_tool("orstat", "--bus", self.bus).stdout,
                         r"\n {10}gauge_last balance 1h < -1.5 +-2 \d\d:\d\d\n")
        self.stop_agent(agent)

    def test_a_silent_bot_is_named(self):
        hook = self.hook()
        agent = self.agent(f"webhook {hook.url}", "silent 4s", "silent 3s bot=never")
        self.wait_told(hook, ("firing", "silent 3s bot=never"))
        self.assertRegex(hook.posts[0]["json"]["message"], r"^bot never has been silent for \d+s$")
        # A gauge is a sign of life too.
        self.publish({"kind": "gauge", "bot": "acore", "name": "x", "value": 1})
        self.wait_told(hook, ("firing", "silent 3s bot=never"), ("firing", "silent 4s"))
        post = hook.posts[1]["json"]
        self.assertRegex(post["message"], r"^bot acore has been silent for \d+s$")
        self.assertEqual((post["figure"], post["bot"], post["requests"]), ("silent_bot", "acore", None))
        self.wait_delivered()
        # An agent that takes over knows it from the ring, and tells nothing twice.
        agent.kill()
        agent.wait()
        agent = self.agent()
        self.wait_state("silent 4s", "firing")
        self.wait_state("silent 3s bot=never", "firing")
        self.wait_figure("silent 4s", bot="acore")
        done = self.run_tool("orstat", "--bus", self.bus, "--check")
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("raised: silent 4s, silent 3s bot=never", done.stdout)
        self.publish(ANSWER)
        self.wait_told(hook, ("firing", "silent 3s bot=never"), ("firing", "silent 4s"),
                       ("recovered", "silent 4s"))
        self.assertEqual(hook.posts[2]["json"]["message"], "bot acore is heard of again")
        self.publish({**ANSWER, "bot": "never"})
        self.wait_log(agent, "recovered: bot never is heard of again")
        self.stop_agent(agent)

    def test_a_silence_outlives_agent_and_bus(self):
        rule, both = "silent 3s", "requests today > 5 bot=acore model=openai/*"
        agent = self.agent(rule, both)
        self.publish(*[ANSWER] * 5)
        self.wait_state(rule, "firing")
        self.wait_figure(both, value=5, state="ok")
        self.stop_agent(agent)
        for path in glob.glob(f"/dev/shm/{self.bus}*"):
            os.unlink(path)
        agent = self.agent()
        self.wait_figure(rule, state="firing", bot="acore")
        self.wait_figure(both, value=5, state="ok")
        self.wait_state(rule, "firing")
        self.assertNotRegex(self.stop_agent(agent), "alert:|recovered:")

    def test_lost_samples_are_told(self):
        agent = self.agent("lost samples > 0")
        agent.send_signal(signal.SIGSTOP)
        self.publish(*[ANSWER] * 4200)
        agent.send_signal(signal.SIGCONT)
        self.assertIn("lost samples 1h is", self.wait_log(agent, "alert: "))
        self.stop_agent(agent)

    def test_silence_is_told_and_its_end(self):
        hook = self.hook()
        agent = self.agent(f"webhook {hook.url}", "no requests for 2s",
                           "no requests for 2s bot=other", "no requests for 1h")
        self.publish(ANSWER)
        wait_for(lambda: len(hook.posts) >= 2, "both to be told")
        self.publish(ANSWER)
        wait_for(lambda: ("recovered", "no requests for 2s") in hook.told(), "its end")
        self.wait_state("no requests for 2s bot=other", "firing")
        self.wait_state("no requests for 1h", "ok")
        self.assertIn("no requests of bot other for ", self.stop_agent(agent))

    def test_without_alerts_nothing_is_shown(self):
        agent = self.start_agent("--checkpoint-every", "1s")
        wait_for(lambda: "agent" in self.run_tool("orstat", "--bus", self.bus).stdout, "the board")
        self.assertEqual(self.board()["rules"], [])
        self.assertNotIn("Alerts", self.run_tool("orstat", "--bus", self.bus).stdout)
        agent.send_signal(signal.SIGHUP)
        self.publish(ANSWER)
        self.wait_file(time.strftime("daily_%Y%m%d.json", time.gmtime()),
                       lambda d: d["requests"]["total"] == 1)
        self.stop_agent(agent)


class FileTest(AlertsTest):
    def refused(self, *options, **environment):
        done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, *options,
                             env=self.environment(**environment))
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertFalse(os.path.exists(self.data))
        return done.stderr

    def test_a_bad_file_refuses_the_start(self):
        self.write_rules("cost today > 5", "", "p96 5m > 10s")
        self.assertIn(f"{self.file}:3: 'p96' begins no rule: begin with cost, ",
                      self.refused("--alert", self.file))
        self.assertIn(f"{self.file}x: No such file", self.refused("--alert", self.file + "x"))
        self.assertIn("Is a directory", self.refused("--alert", self.folder))
        self.assertIn("--once", self.refused("--alert", self.file, "--once"))

    def test_only_webhooks_want_libcurl(self):
        libraries = os.path.join(self.folder, "libraries")
        os.mkdir(libraries)
        for name in ("libcurl.so.4", "libcurl-gnutls.so.4"):
            with open(os.path.join(libraries, name), "wb"):
                pass  # found first, and no library
        self.write_rules("webhook https://hooks.example.org/orbus", "cost today > 5")
        self.assertIn(f"{self.file}:1: 'webhook' posts by libcurl, which is not there: install",
                      self.refused("--alert", self.file, LD_LIBRARY_PATH=libraries))
        agent = self.agent("cost today > 5", env=self.environment(LD_LIBRARY_PATH=libraries))
        with open(f"/proc/{agent.pid}/maps", encoding="ascii") as maps:
            self.assertNotIn("libcurl", maps.read())
        self.stop_agent(agent)

    def test_others_should_not_read_it(self):
        self.write_rules("webhook http://127.0.0.1:1/SECRET", "cost today > 5")
        os.chmod(self.file, 0o644)
        agent = self.agent()
        self.wait_log(agent, "others may read it: chmod 600")
        self.stop_agent(agent)

    def test_the_file_is_read_anew_and_a_bad_one_is_not_taken(self):
        first, second = self.hook(), self.hook()
        agent = self.agent(f"webhook {first.url}", "cost 1h > 5 USD", "requests 1h > 100")
        self.publish(*[ANSWER] * 6)
        self.wait_told(first, ("firing", "cost 1h > 5 USD"))
        self.write_rules(f"webhook {second.url}", "cost 1h > 5 USD", "requests 1h > 5")
        agent.send_signal(signal.SIGHUP)
        # An alert that was posted is not posted again; a new rule's is, and to the targets of the new file.
        self.wait_told(second, ("firing", "requests 1h > 5"))
        self.wait_state("requests 1h > 5", "firing")
        self.assertEqual(self.states(), {"cost 1h > 5 USD": "firing", "requests 1h > 5": "firing"})
        self.write_rules("cost 1h > 7", "cost 1h < nothing")
        agent.send_signal(signal.SIGHUP)
        self.wait_log(agent, f"{self.file}:2: 'nothing' is no number")
        self.wait_log(agent, "stay in force")
        self.publish(*[ANSWER] * 10)
        wait_for(lambda: len(self.states()) == 2, "both rules to be there still")
        self.wait_delivered()
        self.stop_agent(agent)
        self.assertEqual((len(first.posts), len(second.posts)), (1, 1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
