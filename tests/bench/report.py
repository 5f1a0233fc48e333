"""Writes docs/benchmarks.md and its plots from the figures of ./scripts/bench.

    report.py FIGURES DOCS
"""
import json
import os
import platform
import re
import subprocess
import sys

import goals
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
CHURN = {
    "orstat_ms": ("orstat, exec to exit", "ms"),
    "agent_mib": ("the agent's own memory", "MiB"),
    "ring_mib": ("the ring", "MiB"),
}
PACKAGES = ("liblttng-ust1", "libzmq5", "redis-server", "libboost-dev", "libck-dev", "libsqlite3-0",
            "libmsgpack-dev")


def lines(folder, name):
    """A section's figures; none where it was left out."""
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def duration(ns):
    if ns >= 1e6:
        return f"{ns / 1e6:.1f} ms"
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
    crate = os.path.join(os.path.dirname(__file__), "peers", "iceoryx2", "Cargo.toml")
    with open(crate, encoding="utf-8") as file:
        found.append("iceoryx2 " + re.search(r'^iceoryx2 = "=(.*)"', file.read(), re.M).group(1))
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


def share(p, key):
    return f"{100 * p[key]:.1f} %" if key in p else "–"


def latency_table(peers):
    rows = ["| | latency p50 | latency p99 | lost at 1,000 a second | lost at full speed |",
            "|---|---|---|---|---|"]
    for p in peers:
        if "lost" not in p:
            continue
        times = [duration(p[f"latency_{f}_ns"]) if f"latency_{f}_ns" in p else "–"
                 for f in ("p50", "p99")]
        rows.append(f"| {p['peer']} | {times[0]} | {times[1]} | {share(p, 'latency_lost')} | "
                    f"{share(p, 'lost')} |")
    return "\n".join(rows)


def floor_table(lines_of_floor):
    rows = ["| a reader | publish ÷ (clock + encode) | publish | clock | encode | copy | "
            "one by one: p50 | p99 | p99.9 |", "|---|---|---|---|---|---|---|---|---|"]
    for f in lines_of_floor:
        if "reader" in f:
            rows.append(f"| {f['reader']} | {f['publish'] / (f['clock'] + f['encode']):.2f} | " +
                        " | ".join(f"{f[k]:.0f} ns" for k in ("publish", "clock", "encode", "copy",
                                                              "p50", "p99", "p999")) + " |")
    return "\n".join(rows)


def flood_table(runs):
    rows = ["| slots a lane | seconds | published a second | lost | unaccounted | agent's CPU |",
            "|---|---|---|---|---|---|"]
    for r in runs:
        rows.append(f"| {r['slots']:,} | {r['seconds']} | {r['per_second'] / 1e6:.1f} M | "
                    f"{r['lost']:,} | {r['unaccounted']} | {100 * r['cpu']:.0f} % |")
    return "\n".join(rows)


def exec_table(runs):
    rows = ["| exec to exit | median | p99 |", "|---|---|---|"]
    for r in runs:
        rows.append(f"| `{r['program']}` | {r['p50_ms']:.2f} ms | {r['p99_ms']:.2f} ms |")
    return "\n".join(rows)


def store_table(runs):
    rows = ["| operation | files | io_uring ÷ plain, time | system calls | | time | | "
            "the caller's part | |", "|---|---|---|---|---|---|---|---|---|",
            "| | | | io_uring | plain | io_uring | plain | io_uring | plain |"]
    for uring in (r for r in runs if r["io"] == "uring"):
        plain = next(r for r in runs if r["io"] == "posix" and
                     (r["operation"], r["files"]) == (uring["operation"], uring["files"]))
        rows.append(f"| {uring['operation']} | {uring['files']:,} | "
                    f"{uring['us'] / plain['us']:.2f} | {uring['calls']:.1f} | {plain['calls']:.1f} | " +
                    " | ".join(duration(1000 * r[k]) for k in ("us", "caller_us")
                               for r in (uring, plain)) + " |")
    return "\n".join(rows)


def churn_table(points):
    xs = sorted({p["x"] for p in points})
    rows = ["| producers that came and went | " + " | ".join(f"{x:,}" for x in xs) + " |",
            "|---|" + "---|" * len(xs)]
    for curve, (what, unit) in CHURN.items():
        found = {p["x"]: p["y"] for p in points if p["curve"] == curve}
        rows.append(f"| {what}, {unit} | " + " | ".join(f"{found[x]:.1f}" for x in xs) + " |")
    return "\n".join(rows)


def bindings_table(runs, language):
    if not runs:
        return f"{language}: left out; its binding is not built here."
    rows = [f"| {language}, one request | × orbus | |", "|---|---|---|"]
    for r in runs:
        rows.append(f"| {r['peer']} | {r['ns'] / runs[0]['ns']:.1f} | {duration(r['ns'])} |")
    return "\n".join(rows)


def producers_table(runs):
    rows = ["| producers | a reader | × one | published a second | read a second | lost | unaccounted |",
            "|---|---|---|---|---|---|---|"]
    for along, how in ((True, "reads along"), (False, "waits for the end")):
        those = [r for r in runs if r["reads_along"] == along]
        for r in those:
            read = f"{r['read_per_second'] / 1e6:.1f} M" if along else "–"
            rows.append(f"| {r['producers']} | {how} | {r['per_second'] / those[0]['per_second']:.2f} | "
                        f"{r['per_second'] / 1e6:.1f} M | {read} | {r['lost']:,} | {r['balance']} |")
    return "\n".join(rows)


def growth_table(points):
    rows = ["| what | by | from | to | × |", "|---|---|---|---|---|"]
    for curve, (what, along) in CURVES.items():
        mine = [p for p in points if p["curve"] == curve]
        rows.append(f"| {what} | {along} | {mine[0]['x']:,}: {mine[0]['ns']:.0f} ns | "
                    f"{mine[-1]['x']:,}: {mine[-1]['ns']:.0f} ns | "
                    f"{mine[-1]['ns'] / mine[0]['ns']:.2f} |")
    return "\n".join(rows)


def with_tool_names(runs):
    """A program's path as a person calls it."""
    for i, r in enumerate(runs):
        r["program"] = (os.path.basename(r["program"]), "orstat --version", "/bin/true")[min(i, 2)]
    return runs


def main(folder, docs):
    sections = {name: lines(folder, name) for name in os.listdir(folder)}
    peers, points, agent = sections["transports"], sections["growth"], sections["agent"]
    with_tool_names([r for r in agent if r["what"] == "exec"])
    figures = goals.Figures(sections)
    plot_peers(peers, docs)
    plot_curves(points, docs)
    each = "\n".join(f"| {e['what']} | {e['ns']} ns |" for e in sections["each"])
    capacity = figures.all("agent", what="capacity")[0]
    line = figures.find("floor", "line")
    discarded = figures.find("lttng", "discarded")
    tail = figures.all("agent", what="ortail")[0]
    with open(os.path.join(docs, "benchmarks.md"), "w", encoding="utf-8") as out:
        out.write(f"""# Benchmarks

Written by `./scripts/bench`, which installs the peers, and measures all in one run; run it again for
your machine. Ratios are what to look at: they compare what was measured by turns.

{machine()}. {versions()}.

## Goals

{goals.table(figures)}

What stands in the way of those that were missed is said in
[architecture.md](architecture.md#what-limits-the-speed).

## Beside peers

What it costs a bot to hand on one request's sample: encoded (msgpack-c, or a line of text), stamped with
the time, and sent, with a reader attached where there is one. LTTng-UST has its own encoding and clock.
The median of single sends, less what reading the clock costs; the mean of many in a row; CPU is the
sender's, all its threads counted. A queue that is full drops (ck_ring, boost, LTTng-UST), blocks
(datagrams, POSIX queue), or grows (ZeroMQ); orbus and iceoryx2 overwrite the oldest, and orbus counts it.

{peers_table(peers)}

![Nanoseconds a sample, by peer](benchmarks/peers.svg)

Latency: from the stamp to a reader in another process, at a thousand samples a second. It waits in the
kernel where the peer has that; orbus's looks every 5 ms, so that no bot pays for waking it; ck_ring's and
iceoryx2's look every millisecond. Lost at full speed: of what was sent as fast as it goes.

{latency_table(peers)}

LTTng-UST discarded {'an unknown number' if discarded is None else f'{discarded:,}'} of all its events.

## The floor

Nanoseconds of an operation in batches of a thousand; `copy` is of 128 bytes with a release store.
{f"A cache line's way from one core to the other takes {line:.0f} ns." if line else ""}

{floor_table(sections["floor"])}

## Producers

Each in a process of its own, at full speed. A reader that reads along is one more process, which takes all
of a core that it can get.

{producers_table(sections["producers"])}

## Each sample

A sample with twelve fields (`hot_paths`). CI limits the instructions of the three
(`tests/integration/test_instructions.py`).

| | |
|---|---|
{each}

The agent as a whole, process and all, took {capacity["ns"]:.0f} ns a sample of 64 models and 16 bots:
draining, validating, aggregating.

## The agent under a flood

Four producers at 500,000 a second each, in bursts of a millisecond, on {os.cpu_count()} cores. A lane of 4,096 slots is
lapped in 8 ms at that rate; `oragent --slots` makes it longer.

{flood_table(figures.all("agent", what="flood"))}

The pauses of the drain while a disk hangs (`fsfreeze` on a disk in a file, five times for a second, under
2,000 samples a second of 64 models and 16 bots) are from one sleep of the agent's thread to the next, as
strace sees them, which itself slows the thread down: an upper bound.

## The tools

{exec_table(figures.all("agent", what="exec"))}

`ortail` at 1,000 a second: {tail["p50_ms"]:.1f} ms from publish to output at the median, {tail["p99_ms"]:.1f} ms at p99,
{100 * tail["cpu"]:.2f} % of a core.

## Storing

By io_uring and by plain system calls in a thread, among so many files; a retention removes them all, and
its figures are of one of them. The caller is the agent's thread, which drains the ring meanwhile.

{store_table(sections["store"])}

## As work grows

{growth_table(points)}

![Cost as work grows](benchmarks/growth.svg)

{churn_table(figures.all("agent", what="curve"))}

## From other languages

Nanoseconds of one request, told with its duration, its time to the first token and its tokens, by turns in
one process.

{bindings_table(sections["python"], "Python")}

{bindings_table(sections["node"], "Node")}
""")


if __name__ == "__main__":
    main(*sys.argv[1:])
