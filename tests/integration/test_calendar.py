"""Rollover, retention and restart under a moved clock."""
import json
import os
import signal
import time
from datetime import datetime

from harness import BusTest, Clock, main, wait_for


def seconds(text):
    """Seconds since the epoch of an RFC 3339 time."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class ClockTest(BusTest):
    def set_clock(self, at, zone="UTC"):
        if self.clock:
            self.clock.set(seconds(at))
        else:
            self.clock = Clock(self.folder, seconds(at), zone)

    def agent(self, *options):
        return self.start_agent("--checkpoint-every", "1s", *options)

    def one(self, at=None, count=1):
        """Publishes requests that ended at a time, or now by the moved clock."""
        ts = seconds(at) if at else self.clock.now()
        self.publish(*[{"bot": "b", "model": "m", "response_ms": 1000, "prompt_tokens": 1,
                        "ts": ts}] * count)

    def expect(self, name, total, complete=None, timeout=20):
        def right(document):
            return (document["requests"]["total"] == total and
                    complete in (None, document["period"]["complete"]))
        try:
            return self.wait_file(name, right, timeout)
        except AssertionError as error:
            found = self.load(name)
            raise AssertionError(f"{error}: {found and found['requests']}, "
                                 f"{found and found['period']}") from None

    def test_an_hour_ends(self):
        self.set_clock("2026-11-24T09:59:00Z")
        agent = self.agent()
        self.one()
        self.expect("hourly_20261124_09.json", 1, complete=False)
        self.set_clock("2026-11-24T09:59:58Z")
        self.expect("hourly_20261124_09.json", 1, complete=True)
        self.expect("hourly_20261124_10.json", 0, complete=False)
        self.one("2026-11-24T10:00:00Z", 2)
        document = self.expect("hourly_20261124_10.json", 2, complete=False)
        self.assertEqual(document["lifetime"]["requests"]["total"], 3)
        self.expect("daily_20261124.json", 3, complete=False)
        self.stop_agent(agent)

    def test_midnight_ends_hour_day_month_and_year(self):
        self.set_clock("2026-12-31T23:59:57Z")
        agent = self.agent()
        self.one(count=3)
        self.expect("daily_20261231.json", 3, complete=True)
        self.expect("hourly_20261231_23.json", 3, complete=True)
        self.expect("daily_20270101.json", 0, complete=False)
        self.expect("hourly_20270101_00.json", 0, complete=False)
        self.stop_agent(agent)

    def test_a_leap_day_is_a_day(self):
        self.set_clock("2028-02-28T23:59:58Z")
        agent = self.agent()
        self.expect("daily_20280228.json", 0, complete=True)
        self.one("2028-02-29T00:00:00Z")
        self.expect("daily_20280229.json", 1, complete=False)
        self.set_clock("2028-02-29T23:59:59Z")
        self.expect("daily_20280229.json", 1, complete=True)
        self.expect("daily_20280301.json", 0, complete=False)
        self.stop_agent(agent)

    def test_the_repeated_hour_is_one_file(self):
        self.set_clock("2026-10-25T02:30:00+02:00", "Europe/Berlin")
        agent = self.agent()
        self.one()
        self.expect("hourly_20261025_02.json", 1, complete=False)
        self.set_clock("2026-10-25T02:30:00+01:00")
        self.one(count=2)
        document = self.expect("hourly_20261025_02.json", 3, complete=False)
        self.assertEqual(document["period"]["start"], "2026-10-25T02:00:00+02:00")
        self.assertEqual(document["period"]["end"], "2026-10-25T03:00:00+01:00")
        self.set_clock("2026-10-25T02:59:59+01:00")
        self.expect("hourly_20261025_02.json", 3, complete=True)
        self.expect("daily_20261025.json", 3, complete=False)
        self.stop_agent(agent)

    def test_the_skipped_hour_has_no_file(self):
        self.set_clock("2026-03-29T01:59:58+01:00", "Europe/Berlin")
        agent = self.agent()
        self.one()
        self.expect("hourly_20260329_01.json", 1, complete=True)
        self.one()
        self.expect("hourly_20260329_03.json", 1, complete=False)
        self.assertIsNone(self.load("hourly_20260329_02.json"))
        self.stop_agent(agent)

    def test_a_clock_set_back_loses_nothing(self):
        self.set_clock("2026-11-24T10:00:30Z")
        agent = self.agent()
        self.one(count=2)
        self.expect("hourly_20261124_10.json", 2)
        self.set_clock("2026-11-24T09:30:00Z")
        self.one(count=3)
        self.expect("hourly_20261124_09.json", 3, complete=False)
        self.expect("daily_20261124.json", 5)
        self.set_clock("2026-11-24T10:01:00Z")
        self.expect("hourly_20261124_09.json", 3, complete=True)
        self.one()
        self.expect("hourly_20261124_10.json", 3)
        self.stop_agent(agent)

    def test_a_late_sample_joins_its_finished_hour(self):
        self.set_clock("2026-11-24T10:59:58Z")
        agent = self.agent()
        self.one()
        self.expect("hourly_20261124_10.json", 1, complete=True)
        self.one("2026-11-24T10:15:00Z")
        self.expect("hourly_20261124_10.json", 2, complete=True)
        # Another agent has only the file to go by.
        self.stop_agent(agent)
        self.set_clock("2026-11-26T08:00:00Z")
        agent = self.agent()
        self.one("2026-11-24T10:16:00Z")
        document = self.expect("hourly_20261124_10.json", 3, complete=True)
        self.assertEqual(document["response_times"]["count"], 3)
        self.assertEqual(document["by_model"]["m"]["response_times"]["p50"], 1000)
        self.expect("daily_20261124.json", 3, complete=True)
        self.stop_agent(agent)

    def test_an_agent_that_is_down_over_midnight_finishes_the_day(self):
        self.set_clock("2026-11-24T23:50:00Z")
        agent = self.agent()
        self.one(count=2)
        self.expect("daily_20261124.json", 2, complete=False)
        agent.send_signal(signal.SIGKILL)
        agent.wait()
        self.one("2026-11-24T23:55:00Z", 5)
        self.set_clock("2026-11-25T03:10:00Z")
        self.one(count=7)
        agent = self.agent()
        self.expect("daily_20261124.json", 7, complete=True)
        self.expect("hourly_20261124_23.json", 7, complete=True)
        self.expect("daily_20261125.json", 7, complete=False)
        document = self.expect("hourly_20261125_03.json", 7, complete=False)
        self.assertEqual(document["lifetime"]["requests"]["total"], 14)
        self.assertEqual(document["lost_samples"], 0)
        self.stop_agent(agent)

    def test_snapshots_of_two_hours(self):
        self.set_clock("2026-11-24T09:59:58Z")
        agent = self.agent("--snapshot-every", "2h")
        self.one()
        document = self.expect("hourly_20261124_08.json", 1, complete=True)
        self.assertEqual(document["period"]["start"], "2026-11-24T08:00:00+00:00")
        self.expect("hourly_20261124_10.json", 0, complete=False)
        self.stop_agent(agent)

    def test_another_length_of_snapshots_loses_nothing(self):
        self.set_clock("2026-11-24T09:30:00Z")
        agent = self.agent()
        self.one(count=2)
        self.stop_agent(agent)
        self.one()
        agent = self.agent("--snapshot-every", "2h")
        # The hour that has begun goes on; the two hours that follow it are the next period.
        self.expect("hourly_20261124_09.json", 3)
        self.expect("daily_20261124.json", 3)
        self.assertIsNone(self.load("hourly_20261124_08.json"))
        self.set_clock("2026-11-24T09:59:58Z")
        document = self.expect("hourly_20261124_10.json", 0, complete=False)
        self.assertEqual(document["period"]["end"], "2026-11-24T12:00:00+00:00")
        self.assertNotIn("quarantined", self.stop_agent(agent))

    def test_samples_from_the_future_and_the_far_past(self):
        self.set_clock("2026-11-24T10:30:00Z")
        agent = self.agent()
        self.one("2026-11-24T10:30:50Z")
        self.one("2026-11-24T15:00:00Z")
        self.one("2026-09-01T00:00:00Z")
        document = self.wait_file("hourly_20261124_10.json", lambda d: d["rejected_samples"])
        self.assertEqual(document["requests"]["total"], 2)
        self.assertEqual(document["skewed_samples"], 1)
        self.assertEqual(document["rejected_samples"], 1)
        wanted = ["daily_20261124.json", "hourly_20261124_10.json"]
        wait_for(lambda: self.files() == wanted, f"{wanted} and nothing else")
        self.stop_agent(agent)

    def test_the_future_is_not_now_again_at_each_start(self):
        """A restarted agent shows it at the time that it was given, and alerts are not raised anew."""
        self.set_clock("2026-11-24T10:30:00Z")
        rules = os.path.join(self.folder, "alerts.conf")
        with open(rules, "w", encoding="utf-8") as out:
            out.write("requests 1m > 0\n")
        os.chmod(rules, 0o600)

        def shown(window):
            done = self.run_tool("orstat", "--bus", self.bus, "--json", "--window", window)
            document = json.loads(done.stdout)
            return document["source"] == "agent" and document["requests"]["total"]

        agent = self.agent("--alert", rules)
        self.one("2026-11-24T15:00:00Z")
        self.assertIn("requests 1m is 1", self.wait_log(agent, "alert: "))
        self.expect("hourly_20261124_10.json", 1)
        for number, at in enumerate(("10:34:00", "10:50:00", "11:20:00", "15:10:00")):
            if number % 2:
                agent.kill()
                agent.wait()
            else:
                self.stop_agent(agent)
            self.set_clock(f"2026-11-24T{at}Z")
            agent = self.agent("--alert", rules)
            wait_for(lambda: shown("1m") is not False, "the board")
            self.assertEqual(shown("1m"), 0, at)
            self.assertEqual(shown("5m"), int(at < "10:35"), at)
            self.assertEqual(shown("1h"), int(at < "11:30"), at)
            self.expect("daily_20261124.json", 1)
            log = self.stop_agent(agent)
            self.assertNotIn("over 0", log)
            agent = self.agent("--alert", rules)
        self.stop_agent(agent)

    def test_retention_takes_only_what_is_ours(self):
        os.mkdir(self.data)
        old = ["hourly_20261014_08.json", "daily_20261024.json", "daily_20261023.json",
               "metrics_20261001_120000.json"]
        kept = ["daily_20261025.json", "hourly_20261120_08.json"]
        foreign = ["report.json", "hourly_20261014_08.json.bak", "daily_20261399.json",
                   "hourly_notes.json", "daily_2026101.json", "Daily_20261014.json"]
        for name in old + kept + foreign:
            with open(self.path(name), "w", encoding="ascii") as file:
                file.write("{}")
        target = os.path.join(self.folder, "elsewhere.json")
        with open(target, "w", encoding="ascii") as file:
            file.write("mine")
        os.symlink(target, self.path("daily_20261001.json"))
        os.mkdir(self.path("daily_20261002.json"))
        foreign += ["daily_20261001.json", "daily_20261002.json"]
        self.set_clock("2026-11-24T10:30:00Z")
        self.confirm_clock(self.clock.now())
        agent = self.agent("--retention-days", 30)
        wait_for(lambda: not set(old) & set(os.listdir(self.data)), "the old files to go")
        self.stop_agent(agent)
        self.assertLessEqual(set(kept + foreign), set(os.listdir(self.data)))
        self.assertTrue(os.path.exists(target))
        # 0 keeps everything; files that expire while the agent runs are removed at midnight.
        self.set_clock("2026-12-23T23:59:58Z")
        agent = self.agent("--retention-days", 0)
        self.expect("daily_20261223.json", 0, complete=True)
        self.assertIn("daily_20261025.json", os.listdir(self.data))
        self.stop_agent(agent)
        self.set_clock("2026-11-24T23:59:58Z")
        self.confirm_clock(self.clock.now())
        agent = self.agent("--retention-days", 30)
        time.sleep(0.5)
        self.assertIn("daily_20261025.json", os.listdir(self.data))
        wait_for(lambda: "daily_20261025.json" not in os.listdir(self.data), "midnight")
        self.stop_agent(agent)

    def test_trends_show_the_last_day(self):
        self.set_clock("2026-11-24T07:59:00Z")
        agent = self.agent()
        for hour, count in ((7, 10), (8, 20), (9, 30)):
            self.set_clock(f"2026-11-24T{hour:02}:30:00Z")
            self.publish({"kind": "count", "name": "messages_processed", "value": count,
                          "ts": self.clock.now()})
            wait_for(lambda h=hour: (self.load(f"hourly_20261124_{h:02}.json") or {}).get(
                "hourly_trends", {}).get("current_hour_messages"), "the hour's messages")
        trends = self.load("hourly_20261124_09.json")["hourly_trends"]
        self.assertEqual(trends["messages_per_hour"], [10, 20])
        self.assertEqual(trends["errors_per_hour"], [0, 0])
        self.assertEqual(trends["current_hour_messages"], 30)
        self.stop_agent(agent)


if __name__ == "__main__":
    main()
