"""Alerts under a moved clock: budgets of a day, and when an alert is over."""
import glob
import json
import os
import unittest
from datetime import datetime

from alerting import ANSWER, AlertsTest
from harness import SANITIZER, Clock, main


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

    def spend(self, usd, at=None):
        self.publish({**ANSWER, "cost_usd": usd, "ts": seconds(at) if at else self.clock.now()})

    def daily_cost(self, *days):
        """What the daily files say of these days."""
        files = [self.load(f"daily_{day}.json") for day in days]
        return round(sum(file["cost_usd"] or 0 for file in files if file), 9)

    def test_a_budget_of_a_month_goes_by_the_daily_files(self):
        month, seven, week = "cost month > 5 USD", "cost 7d > 8 USD", "cost week > 4 USD bot=acore model=openai/*"
        self.set_clock("2026-10-29T12:00:00+00:00")  # a Thursday
        hook = self.hook()
        agent = self.agent(f"webhook {hook.url}", month, seven, week)
        self.spend(2.5)
        self.wait_figure(month, value=2.5, state="ok")
        # Exactly the limit, the next day.
        self.set_clock("2026-10-30T12:00:00+00:00")
        self.spend(2.5)
        self.wait_figure(month, value=5, state="ok")
        self.wait_told(hook, ("firing", week))
        self.wait_delivered()
        # What it came to is not the agent's own knowledge.
        agent.kill()
        agent.wait()
        agent = self.agent()
        self.wait_figure(month, value=5, state="ok")
        # The last second of the month; a late sample changes a day that is over.
        self.set_clock("2026-10-31T23:59:30+00:00")
        self.spend(0.25, "2026-10-29T13:00:00+00:00")
        self.wait_told(hook, ("firing", week), ("firing", month))
        self.wait_figure(month, value=5.25, requests=3)
        self.wait_delivered()
        # The agent is down at midnight: a new month, in the same week.
        self.stop_agent(agent)
        self.assertEqual(self.daily_cost("20261029", "20261030", "20261031"), 5.25)
        self.set_clock("2026-11-01T00:00:05+00:00")
        agent = self.agent()
        self.wait_told(hook, ("firing", week), ("firing", month), ("recovered", month))
        self.assertEqual(hook.posts[2]["json"]["message"],
                         "cost month begins anew with the month (limit 5 USD)")
        self.wait_figure(month, value=0, state="ok")
        self.wait_figure(week, value=5.25, state="firing")
        self.wait_figure(seven, value=5.25, state="ok")
        # The week ends on Sunday, the seven days go on.
        self.spend(2.75)
        self.wait_figure(seven, value=8, state="ok")
        self.set_clock("2026-11-02T00:00:05+00:00")
        self.wait_told(hook, ("firing", week), ("firing", month), ("recovered", month),
                       ("recovered", week))
        self.spend(0.000000001)
        self.wait_state(seven, "firing")
        self.wait_figure(week, value=0.000000001, state="ok")
        self.wait_figure(month, value=2.750000001, state="ok")
        # A clock that was set back shows October again, whose budget has been told of.
        self.wait_delivered()
        self.set_clock("2026-10-31T12:00:00+00:00")
        self.wait_figure(month, value=5.25, state="ok")
        self.set_clock("2026-11-05T00:00:00+00:00")
        self.wait_figure(seven, value=5.250000001)
        self.assertEqual([told for told in hook.told() if told == ("firing", month)],
                         [("firing", month)])
        self.stop_agent(agent)

    def test_a_budget_goes_by_files_that_others_wrote(self):
        rule = "cost 30d > 100 USD"
        self.set_clock("2026-11-20T12:00:00+00:00")
        agent = self.agent(rule)
        for day in range(1, 20):
            self.spend(1.1, f"2026-11-{day:02}T12:00:00+00:00")
        self.wait_figure(rule, value=20.9, requests=19)
        self.stop_agent(agent)
        # The files are all that is left; one is lost, one was edited, and one is damaged.
        for path in glob.glob(f"/dev/shm/{self.bus}*") + [
                self.path(name) for name in os.listdir(self.data) if not name.startswith("daily_")]:
            os.unlink(path)
        document, period = self.load("daily_20261105.json"), self.load("daily_20261106.json")["period"]
        os.unlink(self.path("daily_20261104.json"))
        with open(self.path("daily_20261106.json"), "w", encoding="utf-8") as file:
            json.dump({**document, "cost_usd": 2.2, "period": period}, file)
        with open(self.path("daily_20261107.json"), "w", encoding="utf-8") as file:
            file.write('{"requests": ')
        agent = self.agent()
        self.wait_log(agent, "daily_20261107.json is damaged or not ours: in alerts over several days "
                             "it counts as nothing")
        self.wait_figure(rule, value=19.8, requests=17)
        self.stop_agent(agent)

    def test_too_short_a_retention_is_said(self):
        self.set_clock("2026-11-20T12:00:00+00:00")
        self.write_rules("cost month > 5 USD", "cost 7d > 5 USD")
        agent = self.start_agent("--alert", self.file, "--retention-days", "10")
        self.wait_log(agent, "'cost month > 5 USD' looks 30 days back, and --retention-days 10 keeps fewer")
        self.assertNotIn("cost 7d", self.stop_agent(agent))

    def test_little_is_no_wonder_at_the_start(self):
        self.set_clock("2026-11-24T12:00:00+00:00")
        agent = self.agent("requests 1h < 5")
        self.answer(1)
        self.wait_state("requests 1h < 5", "unknown")
        self.assertNotIn("alert:", self.stop_agent(agent))


if __name__ == "__main__":
    main()
