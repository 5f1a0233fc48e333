"""Writes docs/benchmarks.md and its plots from the figures of ./scripts/bench.

    report.py FIGURES DOCS
"""
import json
import os
import platform
import subprocess
import sys

import matplotlib
matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "orbus"  # the same figures give the same bytes
import matplotlib.pyplot as plt  # noqa: E402

CURVES = {
    "ring_slots": ("a publish", "slots of a lane"),
    "sample_bytes": ("a publish", "bytes of the sample, about"),
    "past": ("a publish", "samples published before"),
    "lanes": ("a reader's look where nothing is new", "lanes in use"),
    "models": ("the aggregation of a sample", "models"),
}
PACKAGES = ("liblttng-ust1", "libzmq5", "redis-server", "libboost-dev", "libck-dev", "libsqlite3-0",
            "libmsgpack-dev")


def lines(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def text(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return file.read().rstrip()


def duration(ns):
    return f"{ns:.0f} ns" if ns < 10_000 else f"{ns / 1000:.0f} µs"


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        cpu = next((line.split(":")[1].strip() for line in file if line.startswith("model name")),
                   platform.machine())
    return (f"{cpu}, {os.cpu_count()} cores, Linux {platform.release().split('-')[0]}, "
            f"{platform.libc_ver()[0]} {platform.libc_ver()[1]}")


def versions():
    found = []
    for package in PACKAGES:
        done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package],
                              capture_output=True, text=True, check=False)
        if done.returncode == 0:
            found.append(f"{package} {done.stdout.split(':')[-1].split('-')[0]}")
    return ", ".join(found)


def save(figure, docs, name):
    folder = os.path.join(docs, "benchmarks")
    os.makedirs(folder, exist_ok=True)
    figure.tight_layout()
    figure.savefig(os.path.join(folder, name), metadata={"Date": None})
    plt.close(figure)


def plot_peers(peers, docs):
    figure, axes = plt.subplots(figsize=(9, 5))
    names = [p["peer"] for p in peers][::-1]
    axes.barh(names, [p["p50_ns"] for p in peers][::-1], height=0.7,
              color=["#1f77b4" if n == "orbus" else "#b8c4d0" for n in names])
    axes.plot([p["p99_ns"] for p in peers][::-1], names, "k|", markersize=10, label="p99")
    axes.set_xscale("log")
    axes.set_xlabel("nanoseconds a sample: median (bar) and p99")
    axes.legend()
    save(figure, docs, "peers.svg")


def plot_curves(points, docs):
    figure, all_axes = plt.subplots(1, len(CURVES), figsize=(16, 3.2))
    for axes, (curve, (what, along)) in zip(all_axes, CURVES.items()):
        mine = [p for p in points if p["curve"] == curve]
        axes.plot([p["x"] for p in mine], [p["ns"] for p in mine], "o-")
        axes.set_xscale("log")
        axes.set_ylim(bottom=0)
        axes.set_title(what, fontsize=9)
        axes.set_xlabel(along)
    all_axes[0].set_ylabel("ns")
    save(figure, docs, "growth.svg")


def peers_table(peers):
    own = peers[0]
    rows = ["| | median, × orbus | mean, × orbus | median | p99 | p99.9 | mean | CPU |",
            "|---|---|---|---|---|---|---|---|"]
    for p in peers:
        rows.append(f"| {p['peer']} | {p['p50_ns'] / own['p50_ns']:.1f} | "
                    f"{p['mean_ns'] / own['mean_ns']:.1f} | " +
                    " | ".join(duration(p[f"{f}_ns"]) for f in ("p50", "p99", "p999", "mean",
                                                                "cpu")) + " |")
    return "\n".join(rows)


def producers_table(runs):
    rows = ["| producers | × one | published a second | read a second | lost | unaccounted |",
            "|---|---|---|---|---|---|"]
    for r in runs:
        rows.append(f"| {r['producers']} | {r['per_second'] / runs[0]['per_second']:.2f} | "
                    f"{r['per_second'] / 1e6:.1f} M | {r['read_per_second'] / 1e6:.1f} M | "
                    f"{r['lost']:,} | {r['balance']} |")
    return "\n".join(rows)


def growth_table(points):
    rows = ["| what | by | from | to | × |", "|---|---|---|---|---|"]
    for curve, (what, along) in CURVES.items():
        mine = [p for p in points if p["curve"] == curve]
        rows.append(f"| {what} | {along} | {mine[0]['x']:,}: {mine[0]['ns']:.0f} ns | "
                    f"{mine[-1]['x']:,}: {mine[-1]['ns']:.0f} ns | "
                    f"{mine[-1]['ns'] / mine[0]['ns']:.2f} |")
    return "\n".join(rows)


def main(folder, docs):
    peers, points = lines(folder, "transports"), lines(folder, "growth")
    plot_peers(peers, docs)
    plot_curves(points, docs)
    each = "\n".join(f"| {e['what']} | {e['ns']} ns |" for e in lines(folder, "each"))
    with open(os.path.join(docs, "benchmarks.md"), "w", encoding="utf-8") as out:
        out.write(f"""# Benchmarks

Written by `./scripts/bench`, which installs the peers, and measures all in one run; run it again for
your machine. Ratios are what to look at: they compare what was measured by turns.

{machine()}. {versions()}.

## Beside peers

What it costs a bot to hand on one request's sample: encoded (msgpack-c, or a line of text), stamped with
the time, and sent, with a reader attached where there is one. LTTng-UST has its own encoding and clock.
The median of single sends, less what reading the clock costs; the mean of many in a row; CPU is the
sender's, all its threads counted. A queue that is full drops (LTTng-UST, ck_ring, boost), blocks
(datagrams, POSIX queue), or grows (ZeroMQ); orbus overwrites and counts.

{peers_table(peers)}

![Nanoseconds a sample, by peer](benchmarks/peers.svg)

## The floor

```
{text(folder, 'floor')}
```

## Producers

Each in a process of its own, at full speed, with one reader.

{producers_table(lines(folder, 'producers'))}

## Each sample

A sample with twelve fields (`hot_paths`). CI limits the instructions of the first three
(`tests/integration/test_instructions.py`).

| | |
|---|---|
{each}

## As work grows

{growth_table(points)}

![Cost as work grows](benchmarks/growth.svg)
""")


if __name__ == "__main__":
    main(*sys.argv[1:])
