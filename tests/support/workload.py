#!/usr/bin/env python3
"""Prints a generated workload: TIMESTAMP,ContextTokens,GeneratedTokens, one request a line.

A seeded model with the shape of one hour of a production conversation service, as published for
the Azure LLM inference trace 2023 (Patel et al., "Splitwise", ISCA 2024): 5.5 requests a second on
the average, in bursts (the time between two has a coefficient of variation of 1.1) under a swell
that peaks in mid-hour; prompts and completions follow the published quantiles, between which the
logarithm is interpolated. It knows no single request of the trace.
"""
import argparse
import datetime
import math
import random

START = datetime.datetime(2023, 11, 16, 18, 15, 46, tzinfo=datetime.timezone.utc)
MEAN_GAP_S = 0.1808
PROMPT = [(0, 2), (.01, 29), (.05, 181), (.1, 207), (.25, 396), (.5, 1020), (.75, 1189),
          (.9, 2735), (.95, 4083), (.99, 4142), (1, 14050)]
COMPLETION = [(0, 7), (.01, 16), (.05, 41), (.1, 54), (.25, 85), (.5, 129), (.75, 395),
              (.9, 424), (.95, 451), (.99, 601), (1, 1000)]


def draw(rng, quantiles):
    """A whole number from the distribution that has these quantiles."""
    u = rng.random()
    for (p, low), (q, high) in zip(quantiles, quantiles[1:]):
        if u <= q:
            share = (u - p) / (q - p)
            return round(math.exp(math.log(low) + share * (math.log(high) - math.log(low))))
    return quantiles[-1][1]


def gap(rng, at_s, length_s):
    """Seconds to the next arrival: two exponentials mixed, under the swell of the hour."""
    swell = 1 + 0.4 * math.sin(math.pi * at_s / length_s) ** 2 - 0.2
    mean = MEAN_GAP_S / swell * (0.84 if rng.random() < 0.8 else 1.64)
    return rng.expovariate(1 / mean)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--requests", type=int, default=19366)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    length_s = options.requests * MEAN_GAP_S
    at_s = 0.0
    print("TIMESTAMP,ContextTokens,GeneratedTokens")
    for _ in range(options.requests):
        at = START + datetime.timedelta(seconds=at_s)
        print(f"{at:%Y-%m-%d %H:%M:%S.%f}0,{draw(rng, PROMPT)},{draw(rng, COMPLETION)}")
        at_s += gap(rng, at_s, length_s)


if __name__ == "__main__":
    main()
