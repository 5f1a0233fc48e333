"""A whole hour of a real workload, and of a generated one, through four bots at full speed: the
files agree with what Python computes from the same input."""
import csv
import gzip
import io
import math
import os
import subprocess
import sys
import unittest
from collections import defaultdict
from datetime import datetime, timezone

from harness import BusTest, program

HERE = os.path.dirname(os.path.abspath(__file__))
TRACE = os.path.join(HERE, "..", "..", "..", "shared", "data",
                     "azure_llm_inference_2023_conv.csv.gz")
TRACE_REQUESTS, TRACE_PROMPT, TRACE_COMPLETION = 19366, 22361870, 4088665
BOTS = 4
# The formula of replay.c.
MODELS = [("openai/gpt-4-turbo", 450, 0.25, 50, 0.01, 0.03),
          ("anthropic/claude-3-opus", 700, 0.40, 32, 0.015, 0.075),
          ("meta-llama/llama-3-70b-instruct", 380, 0.30, 62, 0.0006, 0.0008),
          ("mistralai/mixtral-8x7b-instruct", 250, 0.15, 88, 0.0006, 0.0006)]


def expected_samples(workload):
    """Each request of the workload, by the formula, without orbus."""
    for i, row in enumerate(csv.DictReader(io.StringIO(workload))):
        stamp, _, fraction = row["TIMESTAMP"].partition(".")
        at = datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)
        arrival_ns = int(at.timestamp()) * 10**9 + int(fraction.ljust(9, "0")[:9])
        prompt, completion = int(row["ContextTokens"]), int(row["GeneratedTokens"])
        model, base, prefill, decode, usd_in, usd_out = MODELS[i // BOTS % 4]
        first = base + prompt * prefill
        sample = {"bot": f"bot-{i % BOTS}", "model": model, "prompt": prompt,
                  "completion": completion, "stream": i % 3 != 0, "status": "ok",
                  "cost": (prompt * usd_in + completion * usd_out) / 1000,
                  "response_ms": first + completion * 1000 / decode}
        sample["ttft_ms"] = first if sample["stream"] else None
        if i % 151 == 150:
            sample.update(status="timeout", response_ms=180000.0)
        elif i % 97 == 96:
            sample["status"] = "error"
        sample["ts"] = arrival_ns + int(sample["response_ms"] * 1e6)
        yield sample


class TraceTest(BusTest):
    def check_summary(self, summary, values, what):
        self.assertEqual(summary["count"], len(values), what)
        values = sorted(values)
        for key, exact in (("avg", math.fsum(values) / len(values)), ("min", values[0]),
                           ("max", values[-1])):
            self.assertTrue(math.isclose(summary[key], exact, rel_tol=1e-9),
                            f"{what} {key}: {summary[key]} for {exact}")
        for key, q in (("p50", .5), ("p95", .95), ("p99", .99)):
            exact = values[math.ceil(q * len(values)) - 1]
            self.assertLessEqual(abs(summary[key] / exact - 1), 0.011,
                                 f"{what} {key}: {summary[key]} for {exact}")

    def check_figures(self, document, samples, what):
        ok = [s for s in samples if s["status"] == "ok"]
        self.check_summary(document["response_times"], [s["response_ms"] for s in ok], what)
        first = [s["ttft_ms"] for s in ok if s["stream"]]
        self.check_summary(document["ttft"], first, what + " ttft")
        tps = [s["completion"] / (s["response_ms"] / 1000) for s in ok]
        self.check_summary(document["tps"], tps, what + " tps")

    def check_tokens(self, tokens, samples, what):
        prompt = sum(s["prompt"] for s in samples)
        completion = sum(s["completion"] for s in samples)
        self.assertEqual((tokens["prompt_tokens"], tokens["completion_tokens"],
                          tokens["total_tokens"]), (prompt, completion, prompt + completion), what)

    def check_group(self, group, samples, key, what):
        parts = defaultdict(list)
        for sample in samples:
            parts[sample[key]].append(sample)
        self.assertEqual(set(group), set(parts), what)
        for name, part in parts.items():
            figures = group[name]
            self.assertEqual(figures["requests"], len(part), f"{what} {name}")
            self.assertEqual(figures["errors"], sum(s["status"] != "ok" for s in part))
            self.check_tokens(figures["tokens"], part, f"{what} {name}")
            self.check_figures(figures, part, f"{what} {name}")
            self.assertTrue(math.isclose(figures["cost"], math.fsum(s["cost"] for s in part),
                                         rel_tol=1e-9), f"{what} {name} cost")

    def check_document(self, document, samples, what):
        requests = document["requests"]
        self.assertEqual(requests["total"], len(samples), what)
        for key, status in (("ok", "ok"), ("errors", "error"), ("timeouts", "timeout")):
            self.assertEqual(requests[key], sum(s["status"] == status for s in samples), what)
        self.assertEqual(document["lost_samples"], 0, what)
        self.assertEqual(document["rejected_samples"], 0, what)
        self.check_tokens(document["token_usage"], samples, what)
        self.check_figures(document, samples, what)
        decode = [s["completion"] / ((s["response_ms"] - s["ttft_ms"]) / 1000)
                  for s in samples if s["status"] == "ok" and s["stream"]]
        self.check_summary(document["decode_tps"], decode, what + " decode_tps")
        self.check_group(document["by_model"], samples, "model", what)
        self.check_group(document["by_bot"], samples, "bot", what)

    def replay_and_check(self, workload):
        samples = list(expected_samples(workload))
        # A lane holds everything, should the bots run one after the other and share it: however
        # busy the machine, nothing is overwritten.
        agent = self.start_agent("--utc", "--retention-days", 0, "--slots", 32768)
        done = subprocess.run([program("replay"), "--keep-ts", self.bus], input=workload,
                              text=True, env=self.environment(), check=False)
        self.assertEqual(done.returncode, 0)
        self.stop_agent(agent)
        periods = defaultdict(list)
        for sample in samples:
            end = datetime.fromtimestamp(sample["ts"] // 10**9, timezone.utc)
            periods[f"hourly_{end:%Y%m%d_%H}.json"].append(sample)
            periods[f"daily_{end:%Y%m%d}.json"].append(sample)
        self.assertEqual(sum(name.startswith("hourly") for name in periods), 2)
        for name, part in periods.items():
            document = self.load(name)
            self.assertIsNotNone(document, name)
            self.assertTrue(document["period"]["complete"], name)
            self.check_document(document, part, name)
        return samples, self.load("daily_20231116.json")

    def test_generated_workload(self):
        workload = subprocess.run(
            [sys.executable, os.path.join(HERE, "..", "support", "workload.py"), "--seed", "1"],
            stdout=subprocess.PIPE, text=True, check=True).stdout
        samples, day = self.replay_and_check(workload)
        self.assertEqual(day["requests"]["total"], len(samples))

    @unittest.skipUnless(os.path.exists(TRACE), "the trace is not here")
    def test_real_trace(self):
        with gzip.open(TRACE, "rt", encoding="ascii") as file:
            workload = file.read()
        _, day = self.replay_and_check(workload)
        self.assertEqual(day["requests"]["total"], TRACE_REQUESTS)
        self.assertEqual(day["token_usage"]["prompt_tokens"], TRACE_PROMPT)
        self.assertEqual(day["token_usage"]["completion_tokens"], TRACE_COMPLETION)


if __name__ == "__main__":
    unittest.main(verbosity=2)
