"""orreport on the files of a real agent, against what Python computes of the same samples."""
import csv
import io
import json
import math
import os
import random
import re
import time
import unittest
import xml.etree.ElementTree
from datetime import datetime, timezone

from scipy import stats

from harness import BusTest, Clock, wait_for

HOUR = 3600
DAY = 24 * HOUR
# A percentile is off by half a bucket at most: 2^(1/64) - 1.
BUCKET_ERROR = 0.0110
MODELS = ["openai/gpt-4", "anthropic/claude-3-opus", "mistralai/mixtral"]
HOSTILE = '</script><script>document.title="stolen"</script><img src=x onerror=alert(1)>"\'&'


def rank(values, q):
    """The nearest-rank quantile."""
    return sorted(values)[max(math.ceil(q * len(values)) - 1, 0)]


def deviate(p, difference):
    """A two-sided p-value as a normal deviate with the sign of a difference."""
    return math.copysign(stats.norm.isf(p / 2), difference)


def utc(ts, form):
    return datetime.fromtimestamp(ts, timezone.utc).strftime(form)


def sample(rng, ts, model=None, slower=1.0):
    """A request as a bot would publish it."""
    status = rng.choices(["ok", "error", "timeout", "cancelled"], [90, 5, 3, 2])[0]
    stream = rng.random() < 0.7
    s = {"ts": round(ts, 3), "bot": f"bot-{rng.randrange(3)}", "model": model or rng.choice(MODELS),
         "provider": "P", "status": status, "stream": stream,
         "prompt_tokens": rng.randrange(10, 2000), "completion_tokens": rng.randrange(5, 800),
         "response_ms": round(rng.lognormvariate(8, 0.6) * slower, 3)}
    if stream:
        s["ttft_ms"] = round(s["response_ms"] * rng.uniform(0.05, 0.5), 3)
    if rng.random() < 0.8:
        s["cost_usd"] = round(rng.uniform(0.0001, 0.05), 6)
    if status in ("error", "timeout"):
        s["error_type"] = "rate_limited" if status == "error" else "timeout_total"
    return s


class Reports(BusTest):
    """What tests of orreport have in common."""

    @classmethod
    def setUpClass(cls):
        cls.rng = random.Random(7)

    def report(self, *options, status=0, zone="UTC", **env):
        done = self.run_tool("orreport", "--data-dir", self.data, *options,
                             env=self.environment(TZ=zone, **env))
        self.assertEqual(done.returncode, status, done.stderr)
        self.said = done.stderr
        return done.stdout

    def json_report(self, *options, **how):
        return json.loads(self.report("--json", *options, **how))

    def agent_writes(self, samples, *options):
        """Files of these samples, by a real agent."""
        for i in range(0, len(samples), 3000):
            self.publish(*samples[i:i + 3000])
            done = self.run_tool("oragent", "--bus", self.bus, "--data-dir", self.data, "--once",
                                 *options)
            self.assertEqual(done.returncode, 0, done.stderr)

    def some_days(self, count=1500, days=3):
        """Samples of the last whole days, and of today."""
        now = time.time()
        start = now - now % DAY - days * DAY
        return [sample(self.rng, self.rng.uniform(start, now - 1)) for _ in range(count)]

    def hostile_files(self):
        samples = self.some_days(200)
        for s in samples[:60]:
            s["model"] = HOSTILE
        for s in samples[60:90]:
            s["bot"] = "bot\u001b[31m\u202e\u2028"
            s["error_type"] = "<b>\u0007"
        self.agent_writes(samples)


class FoldersTest(Reports):
    """Several data folders, as of several hosts: their requests are added up, each once."""

    # What tells of the agents and the files, and not of the requests. The hours that are covered are
    # those of the folder that covers most.
    VOLATILE = {"files", "saved_at", "covered_hours", "requests_per_hour"}

    def strip(self, value):
        if isinstance(value, dict):
            return {k: self.strip(v) for k, v in value.items() if k not in self.VOLATILE}
        return [self.strip(v) for v in value] if isinstance(value, list) else value

    def write(self, folder, samples):
        """Files of the samples in a folder of its own, by an agent of a bus of its own."""
        data, bus = self.data, self.bus
        self.data, self.bus = os.path.join(self.folder, folder), f"{bus}-{folder}"
        if samples:
            self.agent_writes(samples, "--journal")
        else:
            os.makedirs(self.data)
        path, self.data, self.bus = self.data, data, bus
        return path

    def setUp(self):
        super().setUp()
        now = int(time.time())
        # Each day is of one host, of the other, of both, or of none.
        hosts = [(0, 1), (0,), (1,), (), (0, 1), (1,)]
        parts = [[], []]
        for day, on in enumerate(hosts):
            for _ in range(60 if on else 0):
                parts[self.rng.choice(on)].append(
                    sample(self.rng, now - day * DAY - self.rng.randrange(DAY)))
        self.a, self.b = self.write("a", parts[0]), self.write("b", parts[1])
        self.all = self.write("all", parts[0] + parts[1])
        self.count = len(parts[0]) + len(parts[1])

    def of(self, *folders, options=(), status=0):
        done = self.run_tool("orreport", *[w for f in folders for w in ("-d", f)], *options)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout

    def check_every_format(self):
        empty = self.write("empty", [])
        for options in (("-f", "csv"), ("-f", "csv", "--by", "model"), ("-f", "csv", "--slowest", 20),
                        ("-f", "csv", "--group-by", "stream"), ("--slowest", 20), ("--group-by", "status")):
            def shown(*folders, status=0):
                text = self.of(*folders, options=options, status=status)
                if options != ("-f", "csv"):
                    return text
                return [{k: v for k, v in row.items() if k != "files"} for row in csv.DictReader(io.StringIO(text))]
            one = shown(self.all)
            self.assertEqual(shown(self.a, self.b), one, options)
            # A folder without a journal is named, and the others are shown all the same.
            journal = "--slowest" in options or "--group-by" in options
            self.assertEqual(shown(empty, self.a, self.b, status=int(journal)), one, options)

    def test_two_are_what_one_of_all_requests_is(self):
        for options in (("--days", 3), ("--days", 10), ("--per", "hour", "--days", 10), ("--days", 5, "--utc"),
                        ("-c", "yesterday..today")):
            one = json.loads(self.of(self.all, options=(*options, "--json")))
            for folders in ((self.a, self.b), (self.b, self.a)):
                two = json.loads(self.of(*folders, options=(*options, "--json")))
                self.assertEqual(self.strip(two), self.strip(one), options)
        self.check_every_format()

    def test_the_same_one_again_counts_once_and_a_wrong_one_is_named(self):
        link = os.path.join(self.folder, "link")
        os.symlink(self.all, link)
        for again in (self.all, self.all + "/", link, os.path.relpath(self.all)):
            total = json.loads(self.of(self.all, again, options=("--json", "--days", 10)))["total"]
            self.assertEqual(total["requests"]["total"], self.count)
        done = self.run_tool("orreport", "-d", self.a, "-d", "/no/such/folder")
        self.assertEqual(done.returncode, 1)
        self.assertIn("orreport: /no/such/folder: No such file or directory", done.stderr)
        newest = max(name for name in os.listdir(self.b) if name.startswith("hourly_"))
        with open(os.path.join(self.b, newest), "w", encoding="utf-8") as file:
            file.write("{")
        done = self.run_tool("orreport", "-d", self.a, "-d", self.b, "--per", "hour")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{self.b}: {newest}", done.stderr)
        done = self.run_tool("orreport", "-d", self.a, "-d", self.b, "--from", "2020-01-01", "--to", "2020-01-02")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{self.a}, {self.b}: has no files of 2020-01-01 to 2020-01-02", done.stderr)


class ReportTest(Reports):
    # --- Exactness -------------------------------------------------------------------------------

    def assert_summary(self, found, values, where):
        self.assertEqual(found["count"], len(values), where)
        if not values:
            self.assertIsNone(found["p95"], where)
            return
        self.assertAlmostEqual(found["avg"], sum(values) / len(values), delta=1e-6, msg=where)
        self.assertAlmostEqual(found["min"], min(values), delta=1e-9, msg=where)
        self.assertAlmostEqual(found["max"], max(values), delta=1e-9, msg=where)
        for name, q in (("p50", .5), ("p95", .95), ("p99", .99)):
            true = rank(values, q)
            self.assertLessEqual(abs(found[name] / true - 1), BUCKET_ERROR, f"{where} {name}")

    def assert_figures(self, found, samples, where):
        """A period's document against its samples."""
        by_status = {s: sum(x["status"] == s for x in samples)
                     for s in ("ok", "error", "timeout", "cancelled")}
        self.assertEqual(found["requests"]["total"], len(samples), where)
        self.assertEqual(found["requests"]["ok"], by_status["ok"], where)
        self.assertEqual(found["errors"]["total_errors"],
                         by_status["error"] + by_status["timeout"], where)
        self.assertEqual(found["token_usage"]["total_tokens"],
                         sum(x["prompt_tokens"] + x["completion_tokens"] for x in samples), where)
        costs = [x["cost_usd"] for x in samples if "cost_usd" in x]
        if costs:
            self.assertAlmostEqual(found["cost_usd"], sum(costs), delta=1e-9, msg=where)
        ok = [x for x in samples if x["status"] == "ok"]
        self.assert_summary(found["response_times"], [x["response_ms"] for x in ok], where)
        self.assert_summary(found["ttft"], [x["ttft_ms"] for x in ok if "ttft_ms" in x], where)
        self.assert_summary(found["tps"], [x["completion_tokens"] * 1000 / x["response_ms"]
                                           for x in ok], where)

    def by_period(self, samples, form):
        periods = {}
        for s in samples:
            periods.setdefault(utc(s["ts"], form), []).append(s)
        return periods

    def test_days_and_hours_are_those_of_the_samples(self):
        samples = self.some_days()
        self.agent_writes(samples)
        for per, form, length in (("day", "%Y-%m-%dT00:00:00+00:00", 4), ("hour",
                                  "%Y-%m-%dT%H:00:00+00:00", 73)):
            with self.subTest(per=per):
                wanted = self.by_period(samples, form)
                report = self.json_report("--days", 4, "--per", per)
                self.assertGreaterEqual(len(report["periods"]), min(length, len(wanted)))
                for period in report["periods"]:
                    start = period["period"]["start"]
                    self.assert_figures(period, wanted.pop(start, []), start)
                self.assertEqual(wanted, {})
                self.assert_figures(report["total"], samples, "total")
                self.assertFalse(report["complete"])
        for model in MODELS:
            found = report["total"]["by_model"][model]
            self.assertEqual(found["requests"], sum(s["model"] == model for s in samples))
            self.assert_summary(found["response_times"],
                                [s["response_ms"] for s in samples
                                 if s["model"] == model and s["status"] == "ok"], model)

    def test_formats_say_the_same(self):
        samples = self.some_days(400)
        self.agent_writes(samples)
        report = self.json_report("--days", 4)
        rows = list(csv.DictReader(io.StringIO(self.report("--days", 4, "-f", "csv"))))
        self.assertEqual(len(rows), len(report["periods"]))
        for row, period in zip(rows, report["periods"]):
            self.assertEqual(row["start"], period["period"]["start"])
            self.assertEqual(int(row["requests"]), period["requests"]["total"])
            # A day that has only just begun may have none.
            for cell, figure in ((row["response_ms_p95"], period["response_times"]["p95"]),
                                 (row["cost_usd"], period["cost_usd"])):
                self.assertEqual(cell == "", figure is None)
                self.assertAlmostEqual(float(cell or 0), figure or 0)
        table = self.report("--days", 4)
        for line in table.splitlines():
            self.assertLessEqual(len(line), 80, line)
        total = report["total"]
        all_line = next(line for line in table.splitlines() if line.startswith("All")).split()
        self.assertEqual(all_line[2], f"{total['requests']['total']:,}")
        self.assertEqual(all_line[3], f"{total['response_times']['p50'] / 1000:.2f}")
        self.assertEqual(all_line[4], f"{total['response_times']['p95'] / 1000:.2f}")
        self.assertRegex(table, r"(?m)^Requests +[ ▁▂▃▄▅▆▇█]{4} +400$")
        self.assertIn("\nAdvice\n", table)
        self.assertIn("findings", report["advice"])
        by = self.report("--days", 4, "--by", "model")
        for model in MODELS:
            found = total["by_model"][model]
            self.assertRegex(by, rf"(?m)^{re.escape(model)} +{found['requests']} +"
                                 rf"{found['response_times']['avg'] / 1000:.2f}s \(")
        rows = csv.DictReader(io.StringIO(self.report("--days", 4, "--by", "bot", "-f", "csv")))
        self.assertEqual({r["bot"]: int(r["requests"]) for r in rows},
                         {b: f["requests"] for b, f in total["by_bot"].items()})

    # --- What covers what ------------------------------------------------------------------------

    def test_a_day_stands_in_for_hours_that_are_missing(self):
        samples = self.some_days(1200)
        self.agent_writes(samples)
        day = utc(time.time() - DAY, "%Y%m%d")
        hours = self.files(f"hourly_{day}_*.json")
        os.unlink(self.path(hours[3]))
        with open(self.path(hours[5]), "r+b") as file:
            file.truncate(2000)
        report = self.json_report("--days", 4, status=1)
        self.assertIn(hours[5], self.said)
        self.assertIn("cut short", self.said)
        self.assert_figures(report["total"], samples, "total")
        self.assertIn(f"daily_{day}.json", json.dumps(report["notes"]))
        # By the hour, what is left of the hours; the total is the day's.
        report = self.json_report("--days", 4, "--per", "hour", status=1)
        self.assert_figures(report["total"], samples, "total")
        self.assertLess(sum(p["requests"]["total"] for p in report["periods"]), len(samples))
        # Half of that day is in hourly files alone.
        noon = utc(time.time() - DAY, "%Y-%m-%dT12")
        report = self.json_report("--from", noon, "--to", noon, status=1)
        self.assert_figures(report["total"], [s for s in samples if
                                              utc(s["ts"], "%Y-%m-%dT%H") == noon], noon)
        # Without any hour, and without the day.
        for name in self.files(f"hourly_{day}_*.json"):
            os.unlink(self.path(name))
        self.assert_figures(self.json_report("--days", 4)["total"], samples, "day alone")
        os.unlink(self.path(f"daily_{day}.json"))
        self.assert_figures(self.json_report("--days", 4)["total"],
                            [s for s in samples if utc(s["ts"], "%Y%m%d") != day], "neither")

    def test_snapshots_of_other_lengths_add_up(self):
        now = time.time()
        samples = [sample(self.rng, now - now % DAY - DAY + self.rng.uniform(0, DAY))
                   for _ in range(500)]
        for part, every in ((samples[:200], "1h"), (samples[200:350], "2h"), (samples[350:], "6h")):
            self.agent_writes(part, "--snapshot-every", every)
        self.assert_figures(self.json_report("-n", 2)["total"], samples, "days")
        report = self.json_report("--from", "yesterday", "--to", "yesterday", "--per", "hour")
        self.assert_figures(report["total"], samples, "hours")
        self.assertEqual(sum(p["requests"]["total"] for p in report["periods"]), 500)
        self.assertEqual(len(report["periods"]), 24)

    def test_a_reader_in_another_time_zone_loses_nothing(self):
        samples = self.some_days(400)
        self.agent_writes(samples, "--utc")
        for zone in ("Asia/Kolkata", "America/Los_Angeles", "Pacific/Kiritimati"):
            for per in ("day", "hour"):
                report = self.json_report("--days", 6, "--per", per, zone=zone)
                self.assert_figures(report["total"], samples, f"{zone} {per}")
                self.assertEqual(sum(p["requests"]["total"] for p in report["periods"]), 400)

    def test_a_day_of_25_hours(self):
        self.clock = Clock(self.folder, datetime(2026, 10, 27, tzinfo=timezone.utc).timestamp(),
                           "Europe/Berlin")
        start = datetime(2026, 10, 24, 22, tzinfo=timezone.utc).timestamp()  # 00:00+02:00
        samples = [sample(self.rng, start + i * 900 + 1) for i in range(100)]
        self.agent_writes(samples)
        report = self.json_report("--from", "2026-10-25", "--to", "2026-10-25", "--per", "hour",
                                  zone="Europe/Berlin")
        self.assertEqual(len(report["periods"]), 24)
        counts = [p["requests"]["total"] for p in report["periods"]]
        self.assertEqual(counts, [4, 4, 8] + [4] * 21)
        self.assertEqual(report["periods"][2]["period"],
                         {"kind": "hourly", "start": "2026-10-25T02:00:00+02:00",
                          "end": "2026-10-25T03:00:00+01:00", "complete": True})
        report = self.json_report("--from", "2026-10-24", "--to", "2026-10-25",
                                  "--per", "day", zone="Europe/Berlin")
        self.assert_figures(report["total"], samples, "the day")
        self.assertEqual(report["total"]["covered_hours"], 25)

    def test_the_current_period_is_marked(self):
        self.agent_writes([sample(self.rng, time.time() - 1) for _ in range(30)])
        table = self.report("--days", 1)
        self.assertRegex(table, r"(?m)^\w{3} \d\d-\d\d \d\d:00 ?\* .*\n")
        self.assertIn("* not over yet", table)
        report = self.json_report("--days", 1)
        self.assertFalse(report["periods"][-1]["period"]["complete"])
        self.assertLessEqual(report["total"]["covered_hours"], 1.1)

    # --- Files that are not what they should be --------------------------------------------------

    def test_what_cannot_be_read_is_named_and_the_rest_shown(self):
        samples = self.some_days(300)
        self.agent_writes(samples)
        today = utc(time.time(), "%Y%m%d")
        day = utc(time.time() - 2 * DAY, "%Y%m%d")
        names = self.files(f"hourly_{day}_*.json")
        os.unlink(self.path(f"daily_{day}.json"))
        lost = []
        wrong = [(b"", "is empty"), (b"{}", "is not a file of statistics"),
                 (b'{"period": 1}', "is damaged"), (b"\xff\x00" * 300, "is damaged"),
                 (b"[1, 2", "cut short"), (b'{"response_times": {"count": "x"}}', "not a file")]
        for name, (content, _) in zip(names, wrong):
            lost.append(name)
            with open(self.path(name), "wb") as file:
                file.write(content)
        os.unlink(self.path(names[6]))
        os.mkfifo(self.path(names[6]))
        os.unlink(self.path(names[7]))
        os.mkdir(self.path(names[7]))
        lost += names[6:8]
        with open(self.path(names[8]), "r+", encoding="utf-8") as file:
            document = json.load(file)
            document["histograms"]["response_times"]["count"] += 1
            file.seek(0)
            json.dump(document, file)
            file.truncate()
        lost.append(names[8])
        # Of no concern: other names.
        for name in ("state", "hourly_20261124_08.json.bak", "notes.json", f"hourly_{today}_99.json"):
            with open(self.path(name), "w", encoding="ascii") as file:
                file.write("{")
        report = self.json_report("--days", 4, status=1)
        kept = [s for s in samples
                if utc(s["ts"], "hourly_%Y%m%d_%H.json") not in lost]
        self.assert_figures(report["total"], kept, "what is left")
        for (_, word), name in zip(wrong + [("", "not a regular file")] * 2 + [("", "do not add up")],
                                   lost):
            self.assertRegex(self.said, f"{name} .*{word}")
        self.assertEqual(len(self.said.splitlines()), len(lost), self.said)
        self.assertEqual(sum(n["wrong"] for n in report["notes"]), len(lost))

    def test_nothing_to_report(self):
        missing = os.path.join(self.folder, "missing")
        done = self.run_tool("orreport", "--data-dir", missing)
        self.assertEqual(done.returncode, 1)
        self.assertIn(missing, done.stderr)
        self.assertIn("--data-dir", done.stderr)
        os.mkdir(self.data)
        self.report(status=1)
        self.assertIn("start oragent", self.said)
        self.agent_writes([sample(self.rng, time.time() - 1)])
        self.report("--from", "2020-01-01", "--to", "2020-02-01", status=1)
        self.assertIn("only from", self.said)

    def test_wrong_usage_is_explained(self):
        for options, word in ((["--compare", "today"], "two periods"),
                              (["--compare", "today..tomorrow"], "'tomorrow' is no period"),
                              (["--compare", "yesterday", "2026-02-30"], "2026-02-30"),
                              (["--from", "soon"], "'soon' is no time"),
                              (["--from", "2026-11-20", "--to", "2026-11-19"], "after"),
                              (["--days", "3", "--from", "today"], "exclude"),
                              (["today"], "unexpected argument"),
                              (["--compare", "today..today", "--svg", "x.svg"], "--svg"),
                              (["--slowest", "3", "--group-by", "bot"], "exclude"),
                              (["--days", "0"], "from 1 to")):
            self.report(*options, status=2)
            self.assertIn(word, self.said)

    # --- Files of the earlier system -------------------------------------------------------------

    def seed_file(self, saved, uptime, count, avg, tokens, errors=None, kind="hourly"):
        """As the Python bot wrote it: totals since its start, no zone."""
        document = {"uptime_seconds": uptime, "uptime_formatted": "0:00:00",
                    "response_times": {"avg": avg, "min": 1234.5, "max": 8921.2, "p50": 3012.4,
                                       "p95": 6543.1, "p99": 7890.2, "count": count},
                    "token_usage": {"total_tokens": tokens, "prompt_tokens": tokens // 2,
                                    "completion_tokens": tokens - tokens // 2,
                                    "by_model": {"openai/gpt-4": tokens}},
                    "saved_at": utc(saved, "%Y-%m-%dT%H:%M:%S.123456"), "version": "1.0"}
        if errors is not None:
            document["errors"] = {"total_errors": errors, "by_type": {}, "recent_errors": []}
        os.makedirs(self.data, exist_ok=True)
        name = utc(saved, f"{kind}_%Y%m%d" + ("_%H" if kind == "hourly" else "") + ".json")
        with open(self.path(name), "w", encoding="ascii") as file:
            json.dump(document, file, indent=2)

    def test_files_of_the_earlier_system(self):
        now = time.time()
        start = now - now % DAY - 2 * DAY + 10 * HOUR
        # Totals since the bot's start: 100 requests in its first hour, then 50, then a restart.
        self.seed_file(start + HOUR, 3600, 100, 3000.0, 10000, errors=4)
        self.seed_file(start + 2 * HOUR, 7200, 150, 3200.0, 16000, errors=5)
        self.seed_file(start + 14 * HOUR - 1, 14 * HOUR - 1, 150, 3200.0, 16000, 5, kind="daily")
        self.seed_file(start + 17 * HOUR, 1800, 20, 1000.0, 500)
        report = self.json_report("--days", 3, "--per", "hour")
        found = {p["period"]["start"]: p["unmerged"] for p in report["periods"] if "unmerged" in p}
        first = utc(start, "%Y-%m-%dT%H:00:00+00:00")
        self.assertEqual(found[first]["ok"], 100)
        self.assertEqual(found[first]["response_ms_avg"], 3000)
        second = found[utc(start + HOUR, "%Y-%m-%dT%H:00:00+00:00")]
        self.assertEqual((second["ok"], second["errors"], second["total_tokens"]), (50, 1, 6000))
        self.assertAlmostEqual(second["response_ms_avg"], (150 * 3200 - 100 * 3000) / 50)
        total = report["total"]["unmerged"]
        self.assertEqual((total["files"], total["ok"], total["errors"]), (4, 170, 5))
        self.assertEqual(total["total_tokens"], 16500)
        self.assertIsNone(report["total"]["response_times"]["p95"])
        self.assertIn("no histograms", json.dumps(report["notes"]))
        # Beside files of an agent, percentiles are of those alone, and marked.
        samples = [sample(self.rng, start + 30 * 60 + i) for i in range(80)]
        self.agent_writes(samples)
        table = self.report("--days", 3)
        self.assertRegex(table, r"(?m)^\w{3} [\d-]+ +~ +235 ")
        self.assertIn("~ percentiles", table)
        self.assertIn("p50, p95, p99", " ".join(table.split()))
        report = self.json_report("--days", 3)
        self.assert_figures(report["total"], samples, "the agent's")

    # --- Comparison ------------------------------------------------------------------------------

    def test_a_comparison_is_that_of_the_samples(self):
        now = time.time()
        midnight = now - now % DAY
        a = [sample(self.rng, midnight - 2 * DAY + i * 100) for i in range(800)]
        b = [sample(self.rng, midnight - DAY + i * 100, slower=1.6) for i in range(800)]
        few = [sample(self.rng, midnight - 3 * DAY + i * 100) for i in range(12)]
        self.agent_writes(a + b + few)
        days = [utc(midnight - n * DAY, "%Y-%m-%d") for n in (2, 1, 3)]
        figures = self.json_report("--compare", days[0], days[1])["figures"]

        def failed(samples):
            return sum(s["status"] in ("error", "timeout") for s in samples)
        self.assertAlmostEqual(figures["error_rate"]["z"], deviate(
            stats.fisher_exact([[800 - failed(a), failed(a)], [800 - failed(b), failed(b)]])[1],
            failed(b) - failed(a)), places=6)
        x, y = ([s["response_ms"] for s in samples if s["status"] == "ok"] for samples in (a, b))
        self.assertAlmostEqual(figures["response_times.avg"]["a"], sum(x) / len(x), places=6)
        # The variance is that of the buckets; the two medians' shares are cut at a bucket's bound.
        welch = stats.ttest_ind(y, x, equal_var=False)
        self.assertLess(abs(figures["response_times.avg"]["z"] / deviate(*welch[::-1]) - 1), 0.02)
        cut = sorted(x + y)[(len(x) + len(y)) // 2]
        over = [[sum(v > cut for v in values), sum(v <= cut for v in values)] for values in (x, y)]
        median = deviate(stats.fisher_exact(over)[1], 1)
        self.assertLess(abs(figures["response_times.p50"]["z"] - median), 1)
        self.assertEqual(figures["response_times.avg"]["verdict"], "worse")
        self.assertEqual(figures["response_times.p50"]["verdict"], "worse")
        self.assertEqual(figures["tps.p50"]["verdict"], "worse")
        self.assertEqual(figures["requests.total"]["verdict"], "counted")
        # The same backwards, written otherwise.
        back = self.json_report("--compare", f"{days[1]}..{days[0]}")["figures"]
        self.assertEqual(back["response_times.avg"]["verdict"], "better")
        self.assertAlmostEqual(back["response_times.p50"]["z"],
                               -figures["response_times.p50"]["z"], places=6)
        few_figures = self.json_report("-c", f"{days[2]}..{days[1]}")["figures"]
        for key in ("response_times.avg", "response_times.p95"):
            self.assertEqual(few_figures[key]["verdict"], "too few", key)
        # 12 would be enough for an outage.
        self.assertEqual(few_figures["error_rate"]["verdict"], "no clear change")
        table = self.report("--compare", f"{days[0]}..{days[1]}", "--by", "model")
        self.assertRegex(table, r"Response avg +\S+s +\S+s +\+\d+\.\d % +worse")
        for model in MODELS:
            self.assertIn(f"\n{model}\n", table)
        for line in table.splitlines():
            self.assertLessEqual(len(line), 80, line)
        rows = list(csv.DictReader(io.StringIO(self.report("-c", f"{days[0]}..{days[1]}", "-f", "csv"))))
        self.assertEqual({r["figure"]: r["verdict"] for r in rows},
                         {k: f["verdict"] for k, f in figures.items()})
        both = self.json_report("-c", f"{days[2]}/{days[0]}..{days[1]}")
        self.assertEqual(both["figures"]["requests.total"]["a"], 812)
        self.report("-c", "2020-01-01..yesterday", status=1)
        self.assertIn("2020-01-01", self.said)

    def test_who_has_fallen_silent_is_named(self):
        """A model that had requests and has none; one with few of them, and one that goes on, are not."""
        now = time.time()
        midnight = now - now % DAY
        at = [midnight - 8 * DAY + i * 800 for i in range(8 * 108)]
        samples = [{**sample(self.rng, t), "model": "goes-on"} for t in at]
        samples += [{**sample(self.rng, t + 1), "model": "stops"} for t in at if t < midnight - 3 * DAY]
        samples += [{**sample(self.rng, at[0] + 5), "model": "once"}] * 3
        self.agent_writes(samples)
        first, last = (utc(midnight - n * DAY, "%Y-%m-%d") for n in (8, 1))
        advice = self.json_report("--from", first, "--to", last, "--per", "day")["advice"]
        silent = [f for f in advice["findings"] if f["rule"] == "silent"]
        self.assertEqual([f["subject"] for f in silent], ["stops"], advice)
        self.assertIn("none in its last part", silent[0]["evidence"])
        earlier = utc(midnight - 5 * DAY, "%Y-%m-%d")
        advice = self.json_report("--from", first, "--to", earlier, "--per", "day")["advice"]
        self.assertEqual([f for f in advice["findings"] if f["rule"] == "silent"], [])
        both = self.json_report("-c", f"{first}..{last}", "--by", "model")
        self.assertEqual(both["by_model"]["stops"]["requests"]["verdict"], "silent")
        self.assertEqual(both["by_model"]["goes-on"]["requests"]["verdict"], "counted")
        self.assertEqual(both["by_model"]["once"]["requests"]["verdict"], "counted")

    # --- Hostile names and pictures -------------------------------------------------------------

    def test_a_file_of_several_hours_counts_whole_or_not_at_all(self):
        start = int(time.time()) // DAY * DAY - DAY
        day = utc(start, "%Y-%m-%d")
        self.agent_writes([{"ts": start + HOUR * hour + 60 * n, "model": "m", "bot": "b"}
                           for hour in range(12) for n in range(10)], "--snapshot-every", "6h")

        def ask(first, last):
            report = self.json_report("--from", f"{day}T{first}", "--to", f"{day}T{last}")
            return report["total"]["requests"]["total"], " ".join(n["text"] for n in report["notes"])
        self.assertEqual(ask("00", "05"), (60, f"hourly_{day.replace('-', '')}_00.json covers "
                         f"{day} 00:00 to {day} 06:00: all of its requests are in the row of its "
                         "first hour"))
        total, notes = ask("00", "08")
        self.assertEqual(total, 60)
        self.assertIn(f"hourly_{day.replace('-', '')}_06.json covers {day} 06:00 to {day} 12:00, "
                      "more than was asked for: it was left out", notes)
        total, notes = ask("03", "11")
        self.assertEqual(total, 60)
        self.assertIn(f"hourly_{day.replace('-', '')}_00.json covers", notes)
        self.report("--from", f"{day}T02", "--to", f"{day}T03", status=1)
        self.assertIn("left out", self.said)

    def test_names_cannot_steer_a_terminal(self):
        self.hostile_files()
        for options in (["--by", "model"], ["--by", "bot"], [], ["-f", "csv", "--by", "bot"], ["--json"],
                        ["-c", "yesterday..yesterday", "--by", "bot"]):
            text = self.report("--days", 4, *options) if "-c" not in options else \
                self.report(*options)
            for character in "\u001b\u202e\u2028\u0007":
                self.assertNotIn(character, text, options)

    def test_a_picture(self):
        self.hostile_files()
        path = os.path.join(self.folder, "trend.svg")
        self.report("--days", 4, "--svg", path)
        tree = xml.etree.ElementTree.parse(path)
        texts = [t.text for t in tree.iter("{http://www.w3.org/2000/svg}text")]
        for title in ("Requests", "Response time", "Time to first token", "Tokens a second", "Cost"):
            self.assertIn(title, texts)
        self.report("--svg", os.path.join(self.folder, "missing", "x.svg"), status=1)
        self.assertIn("missing", self.said)

    # --- The journal -----------------------------------------------------------------------------

    def test_the_slowest_and_groups_are_found_in_the_journal(self):
        samples = self.some_days(500)
        for i, s in enumerate(samples):
            s["request_id"] = f"r{i}"
        self.agent_writes(samples, "--journal")
        # Hours that are over are compressed while the agent runs on.
        agent = self.start_agent("--journal")
        wait_for(lambda: len(self.files("requests_*.zst")) > 30, "compressed hours", 60)
        self.stop_agent(agent)
        wanted = sorted(samples, key=lambda s: -s["response_ms"])[:10]
        found = self.json_report("--days", 4, "--slowest", 10)
        self.assertEqual([f["request_id"] for f in found], [s["request_id"] for s in wanted])
        self.assertAlmostEqual(found[0]["response_ms"], wanted[0]["response_ms"])
        table = self.report("--days", 4, "--slowest", 3)
        self.assertRegex(table, rf"(?m)^  1\. {wanted[0]['response_ms'] / 1000:.2f}s  ")
        self.assertIn(f"id {wanted[2]['request_id']}", table)
        rows = list(csv.DictReader(io.StringIO(self.report("--days", 4, "--slowest", 4, "-f", "csv"))))
        self.assertEqual([r["request_id"] for r in rows], [s["request_id"] for s in wanted[:4]])
        groups = self.json_report("--days", 4, "--group-by", "stream")
        for key, stream in (("streamed", True), ("not streamed", False)):
            of = [s for s in samples if s["stream"] == stream]
            self.assertEqual(groups[key]["requests"], len(of))
            self.assert_summary(groups[key]["response_times"],
                                [s["response_ms"] for s in of if s["status"] == "ok"], key)
        self.assertRegex(self.report("--days", 4, "--group-by", "status"),
                         rf"(?m)^ok +{sum(s['status'] == 'ok' for s in samples)} ")
        # Only of the time that is asked for.
        groups = self.json_report("--from", "yesterday", "--to", "yesterday", "--group-by", "bot")
        day = utc(time.time() - DAY, "%Y%m%d")
        self.assertEqual(sum(g["requests"] for g in groups.values()),
                         sum(utc(s["ts"], "%Y%m%d") == day for s in samples))

    def test_without_a_journal_it_says_so(self):
        self.agent_writes([sample(self.rng, time.time() - 1)])
        self.report("--slowest", 10, status=1)
        self.assertIn("--journal", self.said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
