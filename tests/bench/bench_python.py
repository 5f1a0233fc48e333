"""What it costs a Python program to record one request: orbus, prometheus_client in multiprocess mode,
OpenTelemetry's SDK, statsd. By turns, in one process; a line of JSON each.

Each keeps what it can of model, duration, time to first token and tokens. Run by bench_bindings.
"""
import glob
import json
import os
import shutil
import socket
import tempfile
import time

FOLDER = tempfile.mkdtemp(prefix="orbus-bench-")
os.environ["PROMETHEUS_MULTIPROC_DIR"] = FOLDER  # before it is imported
import prometheus_client  # noqa: E402
import statsd  # noqa: E402
from opentelemetry.sdk.metrics import MeterProvider  # noqa: E402
from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: E402

import orbus  # noqa: E402

ROUNDS, BATCH = 31, 2000
MODEL = "openai/gpt-4o-mini"


def orbus_request(bus):
    def tell():
        with bus.request(model=MODEL, stream=True) as r:
            r.first_token()
            r.usage(prompt_tokens=225, completion_tokens=287)
    return tell


def prometheus_request():
    labels = ["model"]
    duration = prometheus_client.Histogram("response_seconds", "Response time", labels)
    ttft = prometheus_client.Histogram("ttft_seconds", "Time to first token", labels)
    tokens = [prometheus_client.Counter(n, n, labels) for n in ("prompt", "completion")]

    def tell():
        start = time.perf_counter()
        ttft.labels(MODEL).observe(time.perf_counter() - start)
        duration.labels(MODEL).observe(time.perf_counter() - start)
        tokens[0].labels(MODEL).inc(225)
        tokens[1].labels(MODEL).inc(287)
    return tell


def opentelemetry_request():
    meter = MeterProvider(metric_readers=[InMemoryMetricReader()]).get_meter("bench")
    duration, ttft = (meter.create_histogram(n) for n in ("duration", "ttft"))
    tokens = meter.create_counter("tokens")
    prompt, completion = ({"gen_ai.request.model": MODEL, "gen_ai.token.type": t}
                          for t in ("input", "output"))
    attributes = {"gen_ai.request.model": MODEL}

    def tell():
        start = time.perf_counter()
        ttft.record(time.perf_counter() - start, attributes)
        duration.record(time.perf_counter() - start, attributes)
        tokens.add(225, prompt)
        tokens.add(287, completion)
    return tell


def statsd_request(port):
    client = statsd.StatsClient("127.0.0.1", port)

    def tell():
        start = time.perf_counter()
        with client.pipeline() as packet:
            packet.timing("gpt.ttft", 1000 * (time.perf_counter() - start))
            packet.timing("gpt.response", 1000 * (time.perf_counter() - start))
            packet.incr("gpt.prompt", 225)
            packet.incr("gpt.completion", 287)
    return tell


def main():
    name = f"orbus-bench-{os.getpid()}"
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    peers = {
        "orbus": orbus_request(orbus.Producer(bot="acore", bus=name)),
        "prometheus_client, multiprocess": prometheus_request(),
        "OpenTelemetry SDK": opentelemetry_request(),
        "statsd, one packet": statsd_request(receiver.getsockname()[1]),
    }
    times = {peer: [] for peer in peers}
    for _ in range(ROUNDS):
        for peer, tell in peers.items():
            start = time.perf_counter_ns()
            for _ in range(BATCH):
                tell()
            times[peer].append((time.perf_counter_ns() - start) / BATCH)
    for peer, found in times.items():
        print(json.dumps({"peer": peer, "ns": sorted(found)[ROUNDS // 2]}))
    for path in glob.glob(f"/dev/shm/{name}*"):
        os.unlink(path)


if __name__ == "__main__":
    try:
        main()
    finally:
        shutil.rmtree(FOLDER)
