"""The verdicts of `orreport --compare` are calibrated.

    test_verdicts.py [--pairs N]      with N, draws N pairs a row and prints the table

Thousands of pairs of samples are drawn, the same in every run. Where nothing has changed, at most 1.5 %
of the pairs are called better or worse. Where something has, a change is seen as often as by scipy's
exact tests of the raw values, within 3 points. No verdict goes against its figure's sign, and none is
of a change that is smaller than the histograms' resolution.
"""
import argparse
import os
import subprocess
import sys
import unittest

import numpy
from scipy import stats

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import program  # noqa: E402

LEVEL, ALLOWED, RESOLUTION, POWER_SLACK = 0.01, 0.015, 0.022, 0.03
FIGURES = ("avg", "p50", "p95", "p99", "errors")
QUANTILES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}

DISTRIBUTIONS = {
    "normal": lambda rng, n: numpy.maximum(rng.normal(500, 100, n), 1),
    "log-normal 0.5": lambda rng, n: numpy.exp(rng.normal(8, 0.5, n)),
    "log-normal 1": lambda rng, n: numpy.exp(rng.normal(8, 1, n)),
    "Pareto 2.5": lambda rng, n: 1000 * (1 + rng.pareto(2.5, n)),
    "Pareto 1.5": lambda rng, n: 1000 * (1 + rng.pareto(1.5, n)),
    "exponential": lambda rng, n: 1 + rng.exponential(900, n),
    "two points": lambda rng, n: numpy.where(rng.random(n) < 0.1, 5000.0, 500.0),
    "constant": lambda rng, n: numpy.full(n, 507.0),
    "within a bucket": lambda rng, n: rng.normal(506.7, 1, n),
}
SIZES = ((20, 20), (30, 30), (30, 2000), (20, 20000), (100, 150), (100, 1000), (200, 200), (300, 6000),
         (2000, 2000), (20000, 20000))
FAILING = (0.001, 0.02, 0.3)

# Distribution, sizes, factor of the second sample, and the figure whose change is looked for.
CHANGES = (
    ("normal", (30, 30), 1.15, "avg"), ("normal", (200, 200), 1.07, "avg"),
    ("normal", (30, 2000), 1.12, "avg"), ("normal", (2000, 30), 1.12, "avg"),
    ("log-normal 0.5", (200, 200), 1.20, "avg"), ("log-normal 1", (2000, 2000), 1.13, "avg"),
    ("exponential", (300, 400), 1.25, "avg"),
    ("normal", (200, 200), 1.08, "p50"), ("log-normal 0.5", (30, 30), 1.6, "p50"),
    ("log-normal 0.5", (200, 200), 1.20, "p50"), ("log-normal 0.5", (100, 1000), 1.25, "p50"),
    ("log-normal 1", (2000, 2000), 1.15, "p50"), ("Pareto 2.5", (200, 200), 1.12, "p50"),
    ("log-normal 0.5", (400, 400), 1.4, "p95"), ("log-normal 1", (2000, 2000), 1.35, "p95"),
    ("Pareto 2.5", (2000, 2000), 1.25, "p95"), ("exponential", (300, 3000), 1.4, "p95"),
    ("log-normal 0.5", (2000, 2000), 1.25, "p99"), ("Pareto 2.5", (4000, 4000), 1.4, "p99"),
)
RATES = (((20, 0.1), (20, 0.8)), ((30, 0.02), (2000, 0.2)), ((1000, 0.01), (1000, 0.03)),
         ((20000, 0.001), (2000, 0.004)), ((5000, 0.2), (5000, 0.225)),
         ((20, 0.05), (20000, 0.40)), ((30, 0.1), (30, 0.5)), ((100, 0.05), (150, 0.22)),
         ((100, 0.02), (1000, 0.12)), ((200, 0.1), (200, 0.22)), ((300, 0.05), (6000, 0.10)),
         ((2000, 0.02), (2000, 0.035)), ((20000, 0.05), (20000, 0.057)))

# Distributions whose quantiles move with any factor.
CONTINUOUS = ("normal", "log-normal 0.5", "log-normal 1", "Pareto 2.5", "Pareto 1.5", "exponential")
# A factor at which a test at the level sees some 60 % is this many standard errors.
EFFECT, LEAST_FACTOR, STEPS = 2.85, 1.08, 0.05


def judge(pairs):
    """The verdicts of pairs, each ((values, failed), (values, failed)): a dict by figure of
    (verdict, change, z) a pair."""
    frames = []
    for (a, failed_a), (b, failed_b) in pairs:
        frames += [numpy.array([len(a), len(b), failed_a, failed_b], "<u8").tobytes(),
                   a.astype("<f8").tobytes(), b.astype("<f8").tobytes()]
    out = subprocess.run([program("verdicts")], input=b"".join(frames), capture_output=True, check=True)
    rows = []
    for line in out.stdout.decode().splitlines():
        cells = [cell.split(",") for cell in line.rstrip(";").split(";")]
        rows.append({figure: (verdict, float(change), float(z))
                     for figure, (verdict, change, z) in zip(FIGURES, cells)})
    if len(rows) != len(pairs):
        raise AssertionError("verdicts ended early")
    return rows


def draw(rng, distribution, sizes, pairs, factor=1.0, failing=(0.0, 0.0)):
    of = DISTRIBUTIONS[distribution]
    for _ in range(pairs):
        yield tuple((of(rng, n) * f, int(rng.binomial(n, share)))
                    for n, f, share in zip(sizes, (1.0, factor), failing))


def in_batches(pairs, values):
    """Bounds what lies in memory and in a pipe."""
    batch = []
    for pair in pairs:
        batch.append(pair)
        if len(batch) * values > 2_000_000:
            yield batch
            batch = []
    if batch:
        yield batch


def exact(pair, figure):
    """Whether scipy's test of the raw values is significant at the level."""
    (a, failed_a), (b, failed_b) = pair
    if figure == "avg":
        return stats.ttest_ind(a, b, equal_var=False).pvalue < LEVEL
    if figure == "errors":
        table = [[failed_a, len(a)], [failed_b, len(b)]]
    else:
        both = numpy.sort(numpy.concatenate([a, b]))
        cut = both[int(numpy.ceil(QUANTILES[figure] * len(both))) - 1]
        table = [[(a > cut).sum(), (a <= cut).sum()], [(b > cut).sum(), (b <= cut).sum()]]
    return stats.fisher_exact(table)[1] < LEVEL


def factor_of(distribution, sizes, figure):
    """By how much a quantile must grow to be worth the look: by the normal approximation, whose
    standard error takes the density around the quantile."""
    q = QUANTILES[figure]
    values = numpy.log(DISTRIBUTIONS[distribution](numpy.random.default_rng(7), 400_000))
    width = min(q, 1 - q) / 4
    low, high = numpy.quantile(values, [q - width, q + width])
    error = numpy.sqrt(q * (1 - q) * (1 / sizes[0] + 1 / sizes[1])) * (high - low) / (2 * width)
    return max(float(numpy.exp(EFFECT * error)), LEAST_FACTOR)


# Models that advice compares: how many, and requests of each; and how much slower the first one is
# where it is.
RIVALS = ((2, 20), (2, 100), (2, 1000), (8, 20), (8, 100), (8, 1000), (30, 40))
SLOWER = (("normal", 2, 20, 2.0), ("log-normal 0.5", 2, 20, 2.5), ("log-normal 0.5", 8, 100, 1.7),
          ("log-normal 1", 2, 100, 2.2), ("log-normal 1", 8, 1000, 1.6), ("exponential", 2, 100, 2.2),
          ("Pareto 2.5", 8, 100, 1.7), ("Pareto 1.5", 2, 1000, 1.8))


def advise(cases):
    """Of cases, each a list of arrays of times by model: whether a faster one than the first is named,
    by response time, first token and tokens per second."""
    frames = []
    for models in cases:
        frames.append(numpy.array([len(models)], "<u8").tobytes())
        for values in models:
            frames += [numpy.array([len(values)], "<u8").tobytes(), values.astype("<f8").tobytes()]
    out = subprocess.run([program("advices")], input=b"".join(frames), capture_output=True, check=True)
    rows = [[name != "-" for name in line.split()] for line in out.stdout.decode().splitlines()]
    if len(rows) != len(cases):
        raise AssertionError("advices ended early")
    return rows


def advice_cell(distribution, models, n, pairs, factor=1.0):
    """The shares of cases in which a faster model is named. All are slow, or nothing would be said."""
    rng = numpy.random.default_rng([3000, models, n, list(DISTRIBUTIONS).index(distribution)])
    of = DISTRIBUTIONS[distribution]
    scale = 30_000 / float(numpy.median(of(numpy.random.default_rng(7), 1000)))
    rows = []
    for batch in in_batches(([of(rng, n) * scale * (factor if i == 0 else 1) for i in range(models)]
                             for _ in range(pairs)), models * n):
        rows += advise(batch)
    return [sum(column) / len(rows) for column in zip(*rows)]


# What advice compares with a threshold: the rule, its place in a line of `advices --thresholds`, the
# least severity, the threshold (seconds, or a share), and whether it is the average or the p95.
THRESHOLDS = (("slow_responses, average", 0, 1, 5.0, "avg"), ("slow_responses, p95", 0, 2, 10.0, "p95"),
              ("timeouts", 1, 2, 0.02, None), ("rate_limited", 2, 2, 0.01, None),
              ("errors", 3, 2, 0.05, None))
TRUE_PARTS = (0.5, 0.8, 1.25, 2.0)


def threshold_cell(rule, part, n, cases=1000):
    """The share of cases of n requests in which a rule speaks, the true figure being that part of its
    threshold. Times are log-normal, sigma 0.5."""
    _, place, severity, threshold, figure = rule
    rng = numpy.random.default_rng([4000, THRESHOLDS.index(rule), n, int(100 * part)])
    sigma, frames = 0.5, []
    middle = {"avg": numpy.exp(-sigma ** 2 / 2), "p95": numpy.exp(-1.6449 * sigma)}.get(figure)
    for _ in range(cases):
        counts = [n, 0, 0, 0]
        if figure is None:
            counts[place] = int(rng.binomial(n, min(part * threshold, 1)))
            counts[0] = n - counts[place]
            values = numpy.full(counts[0], 500.0)
        else:
            values = 1000 * part * threshold * middle * numpy.exp(rng.normal(0, sigma, n))
        frames += [numpy.array(counts, "<u8").tobytes(), values.astype("<f8").tobytes()]
    out = subprocess.run([program("advices"), "--thresholds"], input=b"".join(frames),
                         capture_output=True, check=True)
    lines = [[int(word) for word in line.split()] for line in out.stdout.decode().splitlines()]
    if len(lines) != cases:
        raise AssertionError("advices ended early")
    return sum(line[place] >= severity for line in lines) / cases


class ThresholdTest(unittest.TestCase):
    """How sure a finding is whose figure is compared with a threshold."""

    def test_half_of_a_threshold_is_seldom_told_and_twice_is(self):
        for rule in THRESHOLDS:
            with self.subTest(rule=rule[0]):
                self.assertLessEqual(threshold_cell(rule, 0.5, 20), 0.03)
                self.assertLessEqual(threshold_cell(rule, 0.5, 2000, 200), 0.015)
                self.assertGreaterEqual(threshold_cell(rule, 2.0, 2000, 200), 0.98)


class AdviceTest(unittest.TestCase):
    """A model is named as faster where one is, and not because one of several looks so by chance."""
    pairs = 150

    def run_null(self):
        for distribution in DISTRIBUTIONS:
            for models, n in RIVALS:
                pairs = max(60, min(self.pairs, self.pairs * 1600 // (models * n)))
                yield distribution, models, n, pairs, advice_cell(distribution, models, n, pairs)

    def run_slower(self):
        for distribution, models, n, factor in SLOWER:
            yield distribution, models, n, factor, advice_cell(distribution, models, n, 200, factor)

    def test_no_model_is_called_faster_that_is_not(self):
        sums = {}
        for distribution, models, n, pairs, shares in self.run_null():
            total = sums.setdefault(distribution, [0, 0, 0, 0])
            total[0] += pairs
            for i, share in enumerate(shares):
                total[1 + i] += share * pairs
                noise = 3 * (ALLOWED * (1 - ALLOWED) / pairs) ** 0.5
                self.assertLessEqual(share, ALLOWED + noise, (distribution, models, n, i))
        for distribution, (pairs, *named) in sums.items():
            for count in named:
                self.assertLessEqual(count / pairs, ALLOWED, distribution)

    def test_a_model_that_is_faster_is_named(self):
        for distribution, models, n, factor, shares in self.run_slower():
            for share in shares:
                self.assertGreater(share, 0.6, (distribution, models, n, factor))


class Count:
    """The verdicts on one figure over many pairs."""

    def __init__(self):
        self.pairs = self.called = self.few = 0

    def add(self, verdict):
        self.pairs += 1
        self.called += verdict in ("better", "worse")
        self.few += verdict == "too few"

    def share(self):
        return self.called / self.pairs


class VerdictsTest(unittest.TestCase):
    pairs = 400

    def sound(self, figure, row):
        """A verdict is of what the figures show, and of more than their resolution."""
        verdict, change, z = row[figure]
        if verdict not in ("better", "worse"):
            return
        self.assertEqual(change > 0, verdict == "worse", (figure, row[figure]))
        self.assertEqual(change > 0, z > 0, (figure, row[figure]))
        if figure != "errors":
            self.assertGreaterEqual(abs(change), RESOLUTION, (figure, row[figure]))

    def run_null(self):
        """By distribution, sizes and figure: the verdicts where nothing has changed."""
        cells = {}
        for number, distribution in enumerate(DISTRIBUTIONS):
            for sizes in SIZES:
                rng = numpy.random.default_rng([number, *sizes])
                # As many of the large ones as take as long.
                pairs = max(60, min(self.pairs, self.pairs * 6000 // sum(sizes)))
                failing = FAILING[number % len(FAILING)]
                drawn = draw(rng, distribution, sizes, pairs, failing=(failing, failing))
                for batch in in_batches(drawn, sum(sizes)):
                    for row in judge(batch):
                        for figure in FIGURES:
                            self.sound(figure, row)
                            cells.setdefault((distribution, sizes, figure), Count()).add(row[figure][0])
        return cells

    def test_what_has_not_changed_is_not_called_changed(self):
        cells = self.run_null()
        for figure in FIGURES:
            for distribution in DISTRIBUTIONS:
                of = [c for key, c in cells.items() if key[0] == distribution and key[2] == figure]
                called, pairs = sum(c.called for c in of), sum(c.pairs for c in of)
                self.assertLessEqual(called / pairs, ALLOWED, (distribution, figure))
        for key, cell in cells.items():
            # Of so few pairs a cell by itself may be off by chance: three standard deviations.
            noise = 3 * (ALLOWED * (1 - ALLOWED) / cell.pairs) ** 0.5
            self.assertLessEqual(cell.share(), ALLOWED + noise, key)

    def run_changes(self):
        rows = []
        cases = [(d, s, f, (0, 0), figure) for d, s, f, figure in CHANGES]
        cases += [("constant", (a[0], b[0]), 1.0, (a[1], b[1]), "errors") for a, b in RATES]
        for number, (distribution, sizes, factor, failing, figure) in enumerate(cases):
            rng = numpy.random.default_rng([1000 + number])
            seen, reference = Count(), 0
            for batch in in_batches(draw(rng, distribution, sizes, self.pairs, factor, failing),
                                    sum(sizes)):
                for pair, row in zip(batch, judge(batch)):
                    self.sound(figure, row)
                    seen.add(row[figure][0])
                    reference += exact(pair, figure)
            change = factor if figure != "errors" else failing
            rows.append((distribution, sizes, change, figure, seen, reference / self.pairs))
        return rows

    def run_grid(self, pairs):
        """Each quantile of each distribution at each n: (distribution, sizes, factor, figure, seen,
        scipy's)."""
        for number, distribution in enumerate(CONTINUOUS):
            for sizes in SIZES:
                for figure, q in QUANTILES.items():
                    rng = numpy.random.default_rng([2000 + number, *sizes, int(100 * q)])
                    factor = factor_of(distribution, sizes, figure)
                    count = max(30, min(pairs, pairs * 4000 // sum(sizes)))
                    seen, reference = Count(), 0
                    for batch in in_batches(draw(rng, distribution, sizes, count, factor), sum(sizes)):
                        for pair, row in zip(batch, judge(batch)):
                            self.sound(figure, row)
                            seen.add(row[figure][0])
                            reference += exact(pair, figure)
                    yield distribution, sizes, factor, figure, seen, reference / count

    def test_quantiles_are_told_apart_at_every_n(self):
        """As often as by scipy over all n of a distribution. In each cell, only as far as chance allows, since its
        pairs are few, and as the steps of exact tests allow: with few values beyond the cut, one value more or
        less moves the share by several points, and the two cuts differ by a part of a bucket."""
        sums = {}
        for distribution, sizes, factor, figure, seen, reference in self.run_grid(60):
            noise = STEPS + 3 * (0.25 * 0.3 / seen.pairs) ** 0.5
            with self.subTest(distribution=distribution, sizes=sizes, factor=factor, figure=figure):
                self.assertGreaterEqual(seen.share(), reference - POWER_SLACK - noise)
            total = sums.setdefault((distribution, figure), [0, 0, 0])
            total[0] += seen.pairs
            total[1] += seen.called
            total[2] += reference * seen.pairs
        for key, (pairs, called, reference) in sums.items():
            with self.subTest(key=key):
                self.assertGreaterEqual(called / pairs, reference / pairs - POWER_SLACK)

    def test_a_change_is_seen_as_often_as_by_the_exact_tests(self):
        for distribution, sizes, change, figure, seen, reference in self.run_changes():
            with self.subTest(distribution=distribution, sizes=sizes, change=change, figure=figure):
                self.assertGreater(reference, 0.3, "a case that tells nothing")
                self.assertGreaterEqual(seen.share(), reference - POWER_SLACK)


def print_tables(pairs):
    test = VerdictsTest()
    test.pairs = pairs
    cells = test.run_null()
    print("Nothing has changed: called better or worse over all n, in %\n")
    print("| distribution | pairs | " + " | ".join(FIGURES) + " |")
    print("|---|---|" + "---|" * len(FIGURES))
    for distribution in DISTRIBUTIONS:
        of = {figure: [cells[distribution, sizes, figure] for sizes in SIZES] for figure in FIGURES}
        print(f"| {distribution} | {sum(c.pairs for c in of['avg']):,} | " + " | ".join(
            f"{100 * sum(c.called for c in of[f]) / sum(c.pairs for c in of[f]):.2f}"
            for f in FIGURES) + " |")
    print("\nThe same by n (too few)\n")
    print("| distribution | n | " + " | ".join(FIGURES) + " |")
    print("|---|---|" + "---|" * len(FIGURES))
    for distribution in DISTRIBUTIONS:
        for sizes in SIZES:
            of = [cells[distribution, sizes, figure] for figure in FIGURES]
            print(f"| {distribution} | {sizes[0]}, {sizes[1]} | " + " | ".join(
                f"{100 * c.share():.2f}" + (f" ({100 * c.few / c.pairs:.0f})" if c.few else "")
                for c in of) + " |")
    advice = AdviceTest()
    advice.pairs = pairs
    print("\nAdvice: a faster model is named where none is, over 2 to 30 models and all n, in %\n")
    print("| distribution | cases | slow_responses | slow_first_token | low_tps |\n|---|---|---|---|---|")
    rows = list(advice.run_null())
    for distribution in DISTRIBUTIONS:
        of = [(cases, shares) for d, _, _, cases, shares in rows if d == distribution]
        total = sum(cases for cases, _ in of)
        print(f"| {distribution} | {total:,} | " + " | ".join(
            f"{100 * sum(cases * shares[i] for cases, shares in of) / total:.2f}"
            for i in range(3)) + " |")
    print("\nAdvice: the first of several models is slower by a factor: a faster one is named, in %\n")
    print("| distribution | models | n each | factor | slow_responses | slow_first_token | low_tps |\n"
          "|---|---|---|---|---|---|---|")
    for distribution, models, n, factor, shares in advice.run_slower():
        print(f"| {distribution} | {models} | {n} | {factor} | " +
              " | ".join(f"{100 * share:.0f}" for share in shares) + " |")
    print("\nAdvice by threshold: told where the true figure is so many times the threshold, in %\n")
    print("| rule | n | " + " | ".join(str(part) for part in TRUE_PARTS) + " |")
    print("|---|---|" + "---|" * len(TRUE_PARTS))
    for rule in THRESHOLDS:
        for n in (20, 150, 2000):
            print(f"| {rule[0]} | {n:,} | " + " | ".join(
                f"{100 * threshold_cell(rule, part, n):.1f}" for part in TRUE_PARTS) + " |")
    print("\nSomething has: seen, beside scipy's test of the raw values, in %\n")
    print("| distribution | n | change | figure | seen | scipy |\n|---|---|---|---|---|---|")
    for distribution, sizes, change, figure, seen, reference in test.run_changes():
        print(f"| {distribution} | {sizes[0]}, {sizes[1]} | {change} | {figure} | "
              f"{100 * seen.share():.1f} | {100 * reference:.1f} |")
    print("\nA quantile of every distribution has grown, at every n: by how much; seen / scipy, in %\n")
    print("| distribution | n | p50 | p95 | p99 |\n|---|---|---|---|---|")
    grid = {}
    for distribution, sizes, factor, figure, seen, reference in test.run_grid(min(pairs, 300)):
        grid.setdefault((distribution, sizes), []).append(
            f"{factor:.2f}: {100 * seen.share():.0f} / {100 * reference:.0f}")
    for (distribution, sizes), cells_of in grid.items():
        print(f"| {distribution} | {sizes[0]}, {sizes[1]} | {' | '.join(cells_of)} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--pairs", type=int)
    known, rest = parser.parse_known_args()
    if known.pairs:
        print_tables(known.pairs)
    else:
        unittest.main(argv=[sys.argv[0], *rest])
