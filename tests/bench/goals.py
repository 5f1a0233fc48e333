"""The goals of orbus's speed, each beside what was measured."""


class Figures:
    """The results of one run of ./scripts/bench, by section. A figure that is missing is None."""

    def __init__(self, sections):
        self.sections = sections

    def find(self, section, key, **where):
        for line in self.sections.get(section, []):
            if all(line.get(k) == v for k, v in where.items()) and key in line:
                return line[key]
        return None

    def all(self, section, **where):
        return [line for line in self.sections.get(section, [])
                if all(line.get(k) == v for k, v in where.items())]

    def peer(self, name, key):
        return self.find("transports", key, peer=name)


def ratio(a, b):
    return a / b if a is not None and b else None


def least(values):
    """The smallest, None where any is missing."""
    values = list(values)
    return min(values) if values and None not in values else None


def against(f, key, peers):
    """How many times orbus's figure the smallest of these peers' is."""
    return ratio(least(f.peer(p, key) for p in peers), f.peer("orbus", key))


def publish(f):
    reader = {"reader": "drains every millisecond"}
    floor = [f.find("floor", k, **reader) for k in ("clock", "encode")]
    single = f.find("floor", "p50", **reader)
    yield ("publish, a reader attached: median ÷ (encode + clock)", "≤", 1.5, "×",
           ratio(single, sum(floor) if None not in floor else None))
    yield "the same: p99.9", "<", 2000, "ns", f.find("floor", "p999", **reader)
    lttng, iceoryx, zeromq = ["LTTng-UST tracepoint"], ["iceoryx2 publish-subscribe"], [
        "ZeroMQ PUSH/PULL, ipc", "ZeroMQ PUB/SUB, ipc"]
    for what, key in (("median", "p50_ns"), ("mean", "mean_ns")):
        yield f"LTTng-UST's {what} ÷ orbus's", "≥", 2, "×", against(f, key, lttng)
        yield f"iceoryx2's {what} ÷ orbus's", "≥", 1, "×", against(f, key, iceoryx)
    yield "ZeroMQ's mean ÷ orbus's", "≥", 4, "×", against(f, "mean_ns", zeromq)
    yield "the kernel's datagrams and queues, mean ÷ orbus's", "≥", 20, "×", against(
        f, "mean_ns", ["Unix datagram", "statsd line by UDP", "POSIX message queue"])
    yield "boost's message queue, mean ÷ orbus's", "≥", 20, "×", against(
        f, "mean_ns", ["boost::interprocess::message_queue"])
    yield "Redis's and SQLite's mean ÷ orbus's", "≥", 100, "×", against(
        f, "mean_ns", ["Redis XADD", "SQLite WAL insert"])
    yield "Redis's, pipelined by 100, mean ÷ orbus's", "≥", 100, "×", against(
        f, "mean_ns", ["Redis XADD, pipelined by 100"])
    for along, how in ((False, "a core each"), (True, "and a reader's process on the same cores")):
        yield f"two producers ÷ one, {how}", "≥", 1.9, "×", ratio(
            f.find("producers", "per_second", producers=2, reads_along=along),
            f.find("producers", "per_second", producers=1, reads_along=along))


def percent(share):
    return None if share is None else 100 * share


def agent(f):
    capacity = f.find("agent", "per_core_second", what="capacity")
    yield ("agent: samples a second of one core", "≥", 3, "M",
           ratio(capacity, 1e6))
    lossless = [r for r in f.all("agent", what="flood") if r["seconds"] == 60 and not r["lost"]]
    lost = 0 if lossless else least(
        r["lost"] for r in f.all("agent", what="flood"))
    slots = f", lanes of {lossless[0]['slots']:,}" if lossless else ""
    yield f"lost of four producers' 500,000 a second for a minute{slots}", "≤", 0, "", lost
    yield "agent at 100 samples a second", "≤", 0.3, "% of a core", percent(
        f.find("agent", "cpu", what="quiet"))
    yield "idle agent: wake-ups a second", "≤", 2, "", f.find(
        "agent", "wakeups_per_second", what="idle")
    for past, when in ((0, "at first"), (3600, "after an hour")):
        yield f"agent's own memory, 64 models and 16 bots, {when}", "≤", 16, "MiB", ratio(
            f.find("agent", "own_kib", what="memory", past=past), 1024)
    for io, name in (("uring", "io_uring"), ("posix", "plain system calls")):
        yield f"the drain's longest pause while the disk hangs, {name}", "≤", 10, "ms", f.find(
            "agent", "longest_ms", what="hang", io=io)


def tools(f):
    yield "orstat from exec to exit, 64 models and 16 bots", "≤", 3, "ms", f.find(
        "agent", "p50_ms", what="exec", program="orstat")
    yield "lost by ortail at 200,000 a second", "≤", 0, "", f.find(
        "agent", "lost", what="ortail_flood")
    yield "publish to ortail's output at 1,000 a second, p99", "≤", 10, "ms", f.find(
        "agent", "p99_ms", what="ortail")
    yield "ortail at 1,000 a second", "≤", 1, "% of a core", percent(
        f.find("agent", "cpu", what="ortail"))
    yield "a publish that ortail follows ÷ one that it does not", "≤", 1.1, "×", ratio(
        f.find("agent", "publish_followed_ns", what="ortail"),
        f.find("agent", "publish_alone_ns", what="ortail"))


def is_reached(sign, target, value):
    return value >= target if sign == "≥" else value < target if sign == "<" else value <= target


def table(f):
    rows = ["| goal | | measured | |", "|---|---|---|---|"]
    for section in (publish, agent, tools):
        for what, sign, target, unit, value in section(f):
            measured, verdict = "not measured", "–"
            if value is not None:
                digits = 0 if value >= 1000 or value == int(value) else 2
                measured = f"{value:,.{digits}f} {unit}".strip()
                verdict = "reached" if is_reached(sign, target, value) else "**missed**"
            rows.append(f"| {what} | {sign} {target:,} {unit} | {measured} | {verdict} |")
    return "\n".join(rows)
