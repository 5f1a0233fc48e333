"""What publishing costs from Python: PYTHONPATH=build/release/bindings/python python3 tests/bench/bench_python.py"""
import asyncio
import glob
import os
import time
import timeit

import orbus

N = 10_000  # few at a time and often: the least is what it takes on a quiet core
ROUNDS = 100
BUS = f"orbus-bench-{os.getpid()}"


def report(what, seconds):
    print(f"{what:40} {seconds / N * 1e6:.2f} us")


def main():
    bus = orbus.Producer("bench", BUS)

    def request():
        with bus.request(model="openai/gpt-4", stream=True) as r:
            r.first_token()
            r.usage(prompt_tokens=225, completion_tokens=287)

    async def requests():
        for _ in range(N):
            async with bus.request(model="openai/gpt-4", stream=True) as r:
                r.first_token()
                r.usage(prompt_tokens=225, completion_tokens=287)

    def run_async():
        started = time.perf_counter()
        asyncio.run(requests())
        return time.perf_counter() - started
    report("a request, begin and end", min(timeit.repeat(request, number=N, repeat=ROUNDS)))
    report("the same in async with", min(run_async() for _ in range(ROUNDS)))
    report("a count", min(timeit.repeat(lambda: bus.count("n"), number=N, repeat=ROUNDS)))
    report("a gauge", min(timeit.repeat(lambda: bus.gauge("g", 1.5), number=N, repeat=ROUNDS)))
    bus.close()
    for path in glob.glob(f"/dev/shm/{BUS}*"):
        os.unlink(path)


if __name__ == "__main__":
    main()
