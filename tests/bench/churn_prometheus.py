"""The same churn as tests/fault/test_churn.py in Prometheus client_python's multiprocess mode, for
docs/reliability.md: what ten thousand short-lived processes leave behind.

    churn_prometheus.py [PROCESSES]      needs the module prometheus_client
"""
import os
import shutil
import sys
import tempfile
import time

FOLDER = tempfile.mkdtemp(prefix="orbus-prometheus-")
os.environ["PROMETHEUS_MULTIPROC_DIR"] = FOLDER
import prometheus_client  # noqa: E402
from prometheus_client import CollectorRegistry, Counter, Histogram, multiprocess  # noqa: E402

REQUESTS = Counter("requests", "Requests", ["model"])
RESPONSE = Histogram("response_seconds", "Response time", ["model"])


def live():
    REQUESTS.labels("openai/gpt-4").inc()
    RESPONSE.labels("openai/gpt-4").observe(1.5)
    os._exit(0)


def main():
    processes = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    started = time.perf_counter()
    for _ in range(processes):
        child = os.fork()
        if child == 0:
            live()
        os.waitpid(child, 0)
    took = time.perf_counter() - started
    files = [os.stat(os.path.join(FOLDER, name)) for name in os.listdir(FOLDER)]
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    started = time.perf_counter()
    prometheus_client.generate_latest(registry)
    scrape = time.perf_counter() - started
    print(f"{processes} processes in {took:.1f} s: {len(files)} files, "
          f"{sum(f.st_size for f in files) / 2**20:.0f} MiB apparent, "
          f"{sum(f.st_blocks for f in files) * 512 / 2**20:.0f} MiB on disk, "
          f"one scrape takes {1000 * scrape:.0f} ms")
    shutil.rmtree(FOLDER)


if __name__ == "__main__":
    main()
