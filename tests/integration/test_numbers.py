"""What is written can be read: figures on the bounds of every form, texts beyond their limit, through
a real agent, its checkpoint and files, killed and started again, and through the tools."""
import csv
import io
import json
import os
import time
import unittest

from harness import BusTest, wait_for

# What a restart may not change. (`lifetime` and windows of the agent itself are others' to compare.)
KEYS = ("requests", "response_times", "ttft", "tps", "decode_tps", "token_usage", "cost_usd", "errors",
        "active_stats", "cache_stats", "service_metrics", "by_model", "by_bot", "by_provider",
        "gauges", "counts", "histograms", "distinct", "lost_samples", "rejected_samples")
INT64_MAX = 2**63 - 1
TICK = "of_the_test"


def hour_name():
    return time.strftime("hourly_%Y%m%d_%H.json", time.gmtime())


def day_name():
    return time.strftime("daily_%Y%m%d.json", time.gmtime())


def request(model="m", response_ms=3450, **more):
    return {"bot": "acore", "model": model, "response_ms": response_ms, **more}


class NumbersTest(BusTest):
    def start_fast(self, *options, env=None):
        return self.start_agent("--checkpoint-every", "1s", *options, env=env)

    def whole(self, total):
        """The hour's and the day's file once they have that many requests."""
        def counted(document):
            return document["requests"]["total"] == total
        return (self.wait_file(hour_name(), counted), self.wait_file(day_name(), counted))

    def restart_and_compare(self, agent, total, *options):
        """Kills the agent, and stops the next one in order: nothing changes, nothing is set aside."""
        before = self.whole(total)
        agent.kill()
        agent.wait()
        for _ in range(2):
            agent = self.start_fast(*options)
            # A sample of another kind, so that the files are written again from what was restored.
            self.publish({"kind": "count", "name": TICK, "value": 1, "bot": "acore"})
            written = before[0]["saved_at"]
            self.wait_file(hour_name(), lambda d, at=written: d["saved_at"] > at)
            self.stop_agent(agent)
            for old, new in zip(before, self.whole(total)):
                for key in KEYS:
                    for document in (old, new):
                        if key in ("counts", "service_metrics"):
                            document[key].pop(TICK, None)
                    self.assertEqual(json.dumps(old[key]), json.dumps(new[key]), key)
        self.assertEqual(self.files("*set-aside*"), [])
        done = self.run_tool("orreport", "--data-dir", self.data, "--utc", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["total"]["requests"]["total"], total)
        self.assertEqual(done.stderr, "")
        return before[0]

    def test_a_power_of_two_destroys_nothing(self):
        agent = self.start_fast()
        self.publish(*[request() for _ in range(250)], request(response_ms=0.0009765625),
                     request(response_ms=1024000, completion_tokens=1),
                     request(response_ms=5e-324), request(response_ms=2**32))
        hour = self.restart_and_compare(agent, 254)
        self.assertEqual(hour["lost_samples"], 0)
        self.assertEqual(hour["histograms"]["tps"]["offset"], -320)

    def test_names_of_any_length_leave_files_that_are_read(self):
        shape = ("--slot-bytes", "65536", "--slots", "256")
        agent = self.start_fast(*shape)
        samples = [request(model=f"{i:03}" + "m" * 59_000) for i in range(40)]
        samples += [request(bot=f"{i:03}" + "\u00e9" * 20_000, provider="p" * 40_000) for i in range(40)]
        samples += [request(model="x" * n) for n in (254, 255, 256, 4095, 4096, 4097)]
        samples += [{"kind": "count", "name": "c" * (n - 11) + "_cache_hits", "value": 2}
                    for n in (255, 504, 506, 511, 512)]
        samples += [request(model="\x01" * 255, status="error", error_type="\u0001" * 300,
                            error_message="\u20ac" * 100)]
        self.publish(*samples)
        hour = self.restart_and_compare(agent, 87, *shape)
        for names in (hour["by_model"], hour["by_bot"], hour["by_provider"], hour["counts"]):
            for name in names:
                self.assertLessEqual(len(name.encode()), 255)
        self.assertEqual(len(hour["by_model"]), 40 + 1 + 2 + 1)
        self.assertEqual(hour["by_model"]["x" * 255]["requests"], 5)
        self.assertEqual(sum(hour["counts"].values()), 10)
        self.assertLess(os.stat(self.path(hour_name())).st_size, 64 << 20)

    def test_numbers_at_their_ends_stay_what_they_are(self):
        agent = self.start_fast()
        self.publish(request(prompt_tokens=INT64_MAX, completion_tokens=INT64_MAX, cost_usd=1e308),
                     request(prompt_tokens=5, response_ms=1e308, cost_usd=1e308),
                     request(response_ms=1e308), request(response_ms=1000 / 3, cost_usd=0.1),
                     {"kind": "gauge", "name": "temperature", "value": -273.15, "bot": "acore"},
                     {"kind": "gauge", "name": "temperature", "value": 0.1, "bot": "acore"},
                     {"kind": "gauge", "name": "temperature", "value": 0.2, "bot": "acore"},
                     {"kind": "count", "name": "never", "value": 0, "bot": "acore"},
                     {"kind": "count", "name": "rag_cache_misses", "value": 0, "bot": "acore"})
        hour = self.restart_and_compare(agent, 4)
        self.assertEqual(hour["token_usage"]["total_tokens"], INT64_MAX)
        self.assertEqual(hour["response_times"]["max"], 1e300)
        self.assertEqual(hour["cost_usd"], 1e22)
        self.assertEqual(hour["service_metrics"], {"never": 0})
        self.assertEqual(hour["counts"], {"never": 0, "rag_cache_misses": 0})
        gauge = hour["gauges"]["temperature"]
        self.assertEqual(gauge["min"], -273.15)
        self.assertEqual(gauge["sum"], -272.85)
        self.assertEqual(gauge["avg"], -90.95)

    def test_the_tools_show_numbers_at_their_ends(self):
        agent = self.start_fast()
        self.publish(request(prompt_tokens=INT64_MAX, completion_tokens=INT64_MAX, response_ms=1e308,
                             cost_usd=1e308),
                     {"kind": "gauge", "name": "temperature", "value": -273.15, "bot": "acore"})
        self.whole(1)
        wait_for(lambda: "1 request" in self.run_tool("orstat", "--bus", self.bus).stdout or
                 json.loads(self.run_tool("orstat", "--bus", self.bus, "--json").stdout)
                 ["requests"]["total"] == 1, "the board")
        for tool in (("orstat", "--bus", self.bus), ("orstat", "--bus", self.bus, "--by", "model"),
                     ("ortail", "--bus", self.bus, "-n", "9", "-1"),
                     ("ortail", "--bus", self.bus, "-n", "9", "-1", "--format", "table"),
                     ("orreport", "--data-dir", self.data, "--utc"),
                     ("orreport", "--data-dir", self.data, "--utc", "--by", "model")):
            done = self.run_tool(*tool)
            self.assertEqual(done.returncode, 0, (tool, done.stderr))
            self.assertNotRegex(done.stdout, r"[0-9]{22}", tool)
        shown = self.run_tool("orstat", "--bus", self.bus).stdout
        self.assertIn("9,223,372,036,854,775,807", shown)
        self.assertIn("-273.15", shown)
        self.stop_agent(agent)

    def test_csv_has_no_formulas(self):
        agent = self.start_fast()
        self.publish(request(model="=cmd|' /C calc'!A0", bot="@SUM(A1)", provider="-2+3,4"))
        self.whole(1)
        for tool in (("ortail", "--bus", self.bus, "-n", "9", "-1", "--format", "csv"),
                     ("orreport", "--data-dir", self.data, "--utc", "--by", "model", "--format",
                      "csv")):
            done = self.run_tool(*tool)
            self.assertEqual(done.returncode, 0, done.stderr)
            fields = [field for row in csv.reader(io.StringIO(done.stdout)) for field in row]
            self.assertIn("'=cmd|' /C calc'!A0", fields)
            self.assertEqual([f for f in fields if f[:1] in ("=", "+", "@", "-")], [])
        self.stop_agent(agent)

    def test_a_sample_of_a_clock_that_is_not_set_is_rejected(self):
        for zone in ("America/New_York", "UTC"):
            env = self.environment(TZ=zone)
            agent = self.start_fast("--retention-days", "0", env=env)
            for ts in ("1970-01-01T00:00:00.000000001Z", "1970-01-01T00:00:01Z",
                       "1970-01-01T23:59:59Z"):
                self.publish(request(ts=ts))
            self.publish(request(ts="2554-07-21T00:00:00Z"), request())

            def counted():
                days = [self.load(name) for name in self.files("daily_2*.json")]
                return next((d for d in days if d and d["requests"]["total"] == 2 and
                             d["rejected_samples"] == 3), None)
            day = wait_for(counted, "the day's file")
            self.assertEqual(day["skewed_samples"], 1)
            log = self.stop_agent(agent)
            self.assertNotIn("memory", log)
            self.assertEqual(self.files("hourly_19*") + self.files("daily_19*"), [])
            self.tearDown()
            self.setUp()


if __name__ == "__main__":
    unittest.main()
