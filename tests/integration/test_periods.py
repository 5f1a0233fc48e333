"""One data folder, and agents of other zones, widths and clocks one after another: every sample stays in
the one hour and the one day that cover its time, and everything that reads the folder counts it once."""
import json
import os
import random
import shutil
import signal
import time
from datetime import datetime, timezone

from harness import Clock, main
from journal_case import JournalTest

ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Antarctica/Troll", "Pacific/Apia", "Europe/Berlin",
         "Pacific/Chatham", "Australia/Lord_Howe"]
HOUR = 3600


def seconds(text):
    """Seconds since the epoch of an RFC 3339 time."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def shown(at):
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class PeriodsTest(JournalTest):
    def setUp(self):
        super().setUp()
        self.published = []  # times, by number

    def set_clock(self, at, zone=None):
        at = seconds(at) if isinstance(at, str) else at
        if not self.clock:
            self.clock = Clock(self.folder, at)
        self.clock.set(at)
        self.clock.zone = zone or self.clock.zone

    def send(self, *times):
        """Publishes requests that ended at these times, or now."""
        samples = []
        for at in times or (self.clock.now(),):
            at = int(seconds(at) if isinstance(at, str) else at)
            samples.append({"bot": "b", "model": "m", "response_ms": 1000, "ts": at,
                            "request_id": f"r{len(self.published)}"})
            self.published.append(at)
        self.publish(*samples)

    def agent(self, *options):
        return self.start_journal(*options)

    def wait_counted_all(self):
        self.wait_counted(len(self.published))

    def periods(self, kind):
        """(start, end, requests, name) of all files of a kind, in the order of time."""
        found = []
        for name in self.files(f"{kind}_*.json"):
            document = self.load(name)
            period = document["period"]
            self.assertEqual(period["kind"], kind, name)
            found.append((seconds(period["start"]), seconds(period["end"]),
                          document["requests"]["total"], name))
        return sorted(found)

    def check_files(self):
        """The files of a kind do not overlap, and each holds just the samples of its time."""
        for kind in ("hourly", "daily"):
            periods = self.periods(kind)
            for before, after in zip(periods, periods[1:]):
                self.assertLessEqual(before[1], after[0], f"{before} {after}")
            for start, end, total, name in periods:
                wanted = sum(start <= at < end for at in self.published)
                self.assertEqual(total, wanted, f"{name}: {shown(start)} to {shown(end)}")
            self.assertEqual(sum(p[2] for p in periods), len(self.published), periods)
        days = self.periods("daily")
        for start, end, _, name in self.periods("hourly"):
            self.assertTrue(any(d[0] <= start and end <= d[1] for d in days), name)

    def check_journal(self):
        hours = {p[3][len("hourly_"):-len(".json")]: p for p in self.periods("hourly")}
        names = self.files("requests_*.ndjson") + self.files("requests_*.ndjson.zst")
        found = []
        for name in names:
            if name + ".zst" in names:
                continue
            start, end, _, _ = hours[name[len("requests_"):].split(".")[0]]
            for line in self.lines(name):
                self.assertTrue(start <= seconds(line["ts"]) < end, f"{name}: {line['ts']}")
                found.append(line["request_id"])
        self.assertEqual(sorted(found), sorted(f"r{n}" for n in range(len(self.published))))

    def check_tail(self):
        """All requests once, in the order of time."""
        done = self.run_tool("ortail", "-b", self.bus, "--data-dir", self.data, "--since",
                             shown(min(self.published)), "-1", "--format", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        wanted = sorted((at, f"r{n}") for n, at in enumerate(self.published))
        self.assertEqual(sorted((int(seconds(x["ts"])), x["request_id"]) for x in lines), wanted)
        times = [seconds(x["ts"]) for x in lines]
        self.assertEqual(times, sorted(times))

    def report(self, per, *more, zone="UTC", status=0):
        first, last = min(self.published) - 3 * 24 * HOUR, max(self.published) + 3 * 24 * HOUR
        done = self.run_tool("orreport", "--data-dir", self.data, "--json", "--per", per, "--from",
                             shown(first)[:10], "--to", shown(last)[:10], *more,
                             env=self.environment(TZ=zone))
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(done.stdout)

    def check_reports(self):
        for zone in ("UTC", "America/New_York", "Asia/Kolkata", "Antarctica/Troll"):
            for per in ("hour", "day"):
                report = self.report(per, zone=zone)
                self.assertEqual(report["total"]["requests"]["total"], len(self.published),
                                 f"{zone} {per}: {report.get('notes')}")
                self.assertEqual(sum(row["requests"]["total"] for row in report["periods"]),
                                 len(self.published), f"{zone} {per}")

    def check_all(self):
        self.check_files()
        self.check_journal()
        self.check_tail()
        self.check_reports()

    def test_from_utc_to_new_york(self):
        """Sixteen hours across a change: each hour has its own file, those of a taken label by the
        offset."""
        begin = seconds("2026-11-24T06:30:00Z")
        self.set_clock(begin, "UTC")
        agent = self.agent()
        for hour in range(16):
            self.set_clock(begin + hour * HOUR)
            if hour == 8:
                self.stop_agent(agent)
                self.set_clock(begin + hour * HOUR, "America/New_York")
                agent = self.agent()
            self.send()
            self.wait_counted_all()
        self.stop_agent(agent)
        names = [name for _, _, _, name in self.periods("hourly")]
        # At 14:30 UTC the hour goes on; then it is 10 o'clock again.
        self.assertEqual(names, [f"hourly_20261124_{h:02}.json" for h in range(6, 15)] +
                         [f"hourly_20261124_{h:02}-0500.json" for h in range(10, 15)] +
                         ["hourly_20261124_15.json", "hourly_20261124_16.json"])
        self.check_all()

    def test_to_india_and_back(self):
        """Half hours are cut to fit; the name is what clocks show now, if that is free."""
        self.set_clock("2026-11-24T14:20:00Z", "UTC")
        agent = self.agent()
        self.send()
        self.stop_agent(agent)
        self.set_clock("2026-11-24T15:10:00Z", "Asia/Kolkata")
        agent = self.agent()
        self.send()
        self.wait_file("hourly_20261124_20.json", lambda d: d["requests"]["total"] == 1)
        self.set_clock("2026-11-24T15:40:00Z")
        self.send()
        self.wait_file("hourly_20261124_21.json", lambda d: d["requests"]["total"] == 1)
        self.stop_agent(agent)
        self.set_clock("2026-11-24T15:50:00Z", "UTC")
        agent = self.agent()
        self.send()
        self.send("2026-11-24T16:20:00Z")  # by more than a minute in the future: counts as now
        self.published[-1] = int(seconds("2026-11-24T15:50:00Z"))
        self.set_clock("2026-11-24T16:45:00Z")
        self.send()
        self.wait_counted_all()
        self.stop_agent(agent)
        self.assertEqual([(shown(start)[11:16], shown(end)[11:16], name)
                          for start, end, _, name in self.periods("hourly")],
                         [("14:00", "15:00", "hourly_20261124_14.json"),
                          ("15:00", "15:30", "hourly_20261124_20.json"),
                          ("15:30", "16:30", "hourly_20261124_21.json"),
                          ("16:30", "17:00", "hourly_20261124_16.json")])
        self.check_files()
        self.check_reports()

    def test_two_hours_come_twice(self):
        """Troll goes from +02 to +00 at once: no hour is counted twice, also in reports."""
        begin = seconds("2026-10-24T21:05:00Z")
        self.set_clock(begin + 8 * HOUR, "Antarctica/Troll")
        agent = self.agent()
        self.send(*[begin + n * HOUR / 2 for n in range(16)])
        self.wait_counted_all()
        self.stop_agent(agent)
        self.check_all()
        hours = {name: (shown(start)[11:16], shown(end)[11:16], total)
                 for start, end, total, name in self.periods("hourly")}
        self.assertEqual(hours["hourly_20261025_01.json"], ("23:00", "00:00", 2))
        self.assertEqual(hours["hourly_20261025_02.json"], ("00:00", "03:00", 6))
        self.assertEqual(hours["hourly_20261025_03.json"], ("03:00", "04:00", 2))

    def test_a_day_stands_for_the_hours_in_its_time(self):
        """The day is not added to the hours in its time, for any date in their names."""
        self.set_clock("2026-11-24T17:20:00Z", "UTC")
        agent = self.agent()
        self.send()
        self.stop_agent(agent)
        self.set_clock("2026-11-24T18:20:00Z", "Asia/Tokyo")
        agent = self.agent()
        self.send()
        self.stop_agent(agent)
        self.assertEqual([p[3] for p in self.periods("hourly")],
                         ["hourly_20261124_17.json", "hourly_20261125_03.json"])
        self.assertEqual([p[3] for p in self.periods("daily")], ["daily_20261124.json"])
        self.check_reports()
        os.unlink(self.path("hourly_20261124_17.json"))
        for zone in ("UTC", "Asia/Tokyo", "America/New_York"):
            for per in ("hour", "day"):
                report = self.report(per, zone=zone)
                self.assertEqual(report["total"]["requests"]["total"], 2, f"{zone} {per}")

    def test_widths(self):
        """--snapshot-every from an hour to a day and back: the period that has begun goes on."""
        at = seconds("2026-11-24T01:40:00Z")
        for width in ("1h", "6h", "24h", "2h", "12h", "1h", "3h", "8h"):
            self.set_clock(at, "Europe/Berlin")
            agent = self.agent("--snapshot-every", width)
            self.send(at, at - 2 * HOUR, at - 5 * HOUR)
            self.stop_agent(agent)
            at += 5 * HOUR + 700
        self.check_all()

    def test_any_agents_one_after_another(self):
        """Random zones, widths, steps of time and late samples, with restarts and kills."""
        for run in range(3):
            draws = random.Random(100 + run)
            self.clock = None
            self.published = []
            shutil.rmtree(self.data, ignore_errors=True)
            self.bus = f"{self.bus}{run}"
            at = seconds("2026-10-24T10:00:00Z") + draws.randrange(3) * 170 * 24 * HOUR
            for _ in range(9):
                at += draws.randrange(600, 14 * HOUR)
                self.set_clock(at, draws.choice(ZONES))
                options = ["--snapshot-every", f"{draws.choice((1, 1, 1, 2, 6, 24))}h"]
                options += ["--utc"] * (draws.random() < 0.2)
                agent = self.agent(*options)
                self.send(at, *[at - draws.randrange(40 * HOUR) for _ in range(12)])
                time.sleep(draws.random() * 1.5)
                self.send(at, at - draws.randrange(3 * HOUR))
                if draws.random() < 0.5:
                    time.sleep(draws.random() / 2)
                    agent.send_signal(signal.SIGKILL)
                    agent.wait()
                else:
                    self.stop_agent(agent)
            agent = self.agent()
            self.stop_agent(agent)
            with self.subTest(run=run):
                self.check_all()

    def test_a_folder_without_its_checkpoint(self):
        """As an earlier version leaves it, or after damage: the contents of the files count."""
        self.set_clock("2026-11-24T14:20:00Z", "UTC")
        agent = self.agent()
        self.send("2026-11-24T10:10:00Z", "2026-11-24T11:10:00Z", "2026-11-24T14:20:00Z")
        self.wait_counted_all()
        self.stop_agent(agent)
        for name in ("state", "state.previous"):
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
        # Another bus: without a checkpoint, all that this one holds would be counted again.
        self.bus += "-2"
        self.set_clock("2026-11-24T15:20:00Z", "America/New_York")
        agent = self.start_agent("--checkpoint-every", "1s")
        self.send("2026-11-24T10:20:00Z", "2026-11-24T15:20:00Z", "2026-11-24T14:40:00Z")
        self.wait_counted_all()
        self.stop_agent(agent)
        self.check_files()
        self.assertIn("hourly_20261124_10-0500.json", self.files())
        self.check_reports()

    def test_a_file_from_elsewhere_is_left_alone(self):
        """One that was copied into the folder, of another time than its name means here."""
        self.set_clock("2026-11-24T14:20:00Z", "UTC")
        agent = self.agent()
        self.send()
        self.stop_agent(agent)
        with open(self.path("hourly_20261124_14.json"), encoding="utf-8") as file:
            text = file.read()
        other = (text.replace("2026-11-24T14:00:00+00:00", "2026-11-24T09:00:00+00:00")
                 .replace("2026-11-24T15:00:00+00:00", "2026-11-24T10:00:00+00:00"))
        self.assertNotEqual(text, other)
        with open(self.path("hourly_20261124_16.json"), "w", encoding="utf-8") as file:
            file.write(other)
        self.set_clock("2026-11-24T16:20:00Z")
        agent = self.agent()
        self.send()
        self.wait_file("hourly_20261124_16+0000.json", lambda d: d["requests"]["total"] == 1)
        log = self.stop_agent(agent)
        self.assertIn("is of another time", log)
        with open(self.path("hourly_20261124_16.json"), encoding="utf-8") as file:
            self.assertEqual(file.read(), other)
        # It is known from now on.
        self.set_clock("2026-11-24T16:30:00Z")
        agent = self.agent()
        self.send("2026-11-24T09:30:00Z")
        self.wait_file("hourly_20261124_16.json", lambda d: d["requests"]["total"] == 2)
        self.stop_agent(agent)

    def test_labels_with_offsets_expire(self):
        """Retention knows their names, of every zone."""
        os.makedirs(self.data, exist_ok=True)
        old = ["hourly_20261014_08-0500.json", "daily_20261014+0530.json",
               "hourly_20261014_08+0000_2.json", "requests_20261014_08-0500.ndjson.zst"]
        kept = ["hourly_20261120_08-0500.json", "hourly_20261014_08-05.json"]
        for name in old + kept:
            with open(self.path(name), "w", encoding="ascii") as file:
                file.write("{}")
        self.set_clock("2026-11-24T10:30:00Z")
        self.confirm_clock(self.clock.now())
        agent = self.agent("--retention-days", 30)
        deadline = time.monotonic() + 20
        while set(old) & set(os.listdir(self.data)) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.stop_agent(agent)
        self.assertEqual(set(old) & set(os.listdir(self.data)), set())
        self.assertLessEqual(set(kept), set(os.listdir(self.data)))


if __name__ == "__main__":
    main()
