"""Alerts under a moved clock: budgets of a day, and when an alert is over."""
import unittest
from datetime import datetime

from alerting import ANSWER, AlertsTest
from harness import SANITIZER, Clock


def seconds(text):
    """Seconds since the epoch of an RFC 3339 time."""
    return datetime.fromisoformat(text).timestamp()


@unittest.skipIf(SANITIZER, "what a sanitizer could see, test_alerts.py shows it")
class ClockTest(AlertsTest):
    def set_clock(self, at):
        if self.clock:
            self.clock.set(seconds(at))
        else:
            self.clock = Clock(self.folder, seconds(at))

    def answer(self, n):
        self.publish(*[{**ANSWER, "ts": self.clock.now()}] * n)

    def test_a_budget_is_told_once_a_day(self):
        rule = "cost today > 5 USD"
        self.set_clock("2026-11-24T12:00:00+00:00")
        hook = self.hook()
        agent = self.agent(f"webhook {hook.url}", rule)
        self.answer(6)
        self.wait_told(hook, ("firing", rule))
        self.wait_delivered()
        agent.kill()
        agent.wait()
        agent = self.agent()
        self.answer(6)
        self.wait_figure(rule, value=12)
        self.set_clock("2026-11-24T23:58:00+00:00")
        self.answer(1)
        self.wait_figure(rule, value=13)
        self.assertEqual(len(hook.posts), 1)
        self.set_clock("2026-11-25T00:00:01+00:00")
        self.wait_told(hook, ("firing", rule), ("recovered", rule))
        self.assertIn("begins anew with the day", hook.posts[1]["json"]["message"])
        self.answer(6)
        self.wait_told(hook, ("firing", rule), ("recovered", rule), ("firing", rule))
        # The agent was down at midnight.
        self.wait_delivered()
        self.stop_agent(agent)
        self.set_clock("2026-11-26T08:00:00+00:00")
        agent = self.agent()
        self.wait_told(hook, ("firing", rule), ("recovered", rule), ("firing", rule),
                       ("recovered", rule))
        self.assertEqual(len({post["json"]["id"] for post in hook.posts}), 4)
        self.stop_agent(agent)

    def test_an_alert_is_over_when_its_figure_was_back_for_a_minute(self):
        rule = "p95 1m > 2s"
        self.set_clock("2026-11-24T12:00:00+00:00")
        hook = self.hook()
        agent = self.agent(f"webhook {hook.url}", rule)
        slow = {**ANSWER, "response_ms": 3000}
        self.publish({**slow, "ts": self.clock.now()})
        self.wait_told(hook, ("firing", rule))
        # Just below the limit is not yet back; well below it is not back for long enough yet.
        for at, ms in (("12:02:00", 1950), ("12:03:05", 1950), ("12:05:00", 1000)):
            self.set_clock(f"2026-11-24T{at}+00:00")
            self.publish({**ANSWER, "response_ms": ms, "ts": self.clock.now()})
            self.wait_figure(rule, requests=1, value=ms / 1000, state="firing")
        self.set_clock("2026-11-24T12:06:10+00:00")
        self.wait_told(hook, ("firing", rule), ("recovered", rule))
        # It may be raised again at once, and is over for want of requests too.
        self.publish({**slow, "ts": self.clock.now()})
        self.wait_told(hook, ("firing", rule), ("recovered", rule), ("firing", rule))
        self.set_clock("2026-11-24T12:10:00+00:00")
        self.wait_figure(rule, value=None)
        self.set_clock("2026-11-24T12:11:05+00:00")
        self.wait_told(hook, ("firing", rule), ("recovered", rule), ("firing", rule),
                       ("recovered", rule))
        self.assertIn("nothing to be judged by", hook.posts[3]["json"]["message"])
        self.stop_agent(agent)

    def test_a_rule_of_the_day_is_not_raised_twice_a_day(self):
        rule = "error_rate today > 50 %"
        self.set_clock("2026-11-24T12:00:00+00:00")
        agent = self.agent(rule)
        failure = {**ANSWER, "status": "error"}
        self.publish({**failure, "ts": self.clock.now()})
        self.wait_state(rule, "firing")
        self.answer(9)
        self.wait_figure(rule, value=10)
        self.set_clock("2026-11-24T12:02:00+00:00")
        self.wait_state(rule, "ok")
        self.publish(*[{**failure, "ts": self.clock.now()}] * 30)
        self.wait_figure(rule, value=77.5, state="ok")
        self.set_clock("2026-11-25T00:01:00+00:00")
        self.publish({**failure, "ts": self.clock.now()})
        self.wait_state(rule, "firing")
        self.assertEqual(self.stop_agent(agent).count("alert:"), 2)

    def test_little_is_no_wonder_at_the_start(self):
        self.set_clock("2026-11-24T12:00:00+00:00")
        agent = self.agent("requests 1h < 5")
        self.answer(1)
        self.wait_state("requests 1h < 5", "unknown")
        self.assertNotIn("alert:", self.stop_agent(agent))


if __name__ == "__main__":
    unittest.main(verbosity=2)
