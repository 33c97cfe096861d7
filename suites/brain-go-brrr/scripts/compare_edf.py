#!/usr/bin/env python3
"""Compares two EDF recordings with nothing but Python's standard library: compare_edf.py A B.

Prints as JSON the labels of both, and for each signal of the same place the correlation (Pearson's r, 0 when one of the two
is constant) and the largest difference of their digital values."""

import json
import math
import sys

from read_edf import read_samples


def correlation(a, b):
    n = len(a)
    mean_a, mean_b = sum(a) / n, sum(b) / n
    ab = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b))
    aa = sum((x - mean_a) ** 2 for x in a)
    bb = sum((y - mean_b) ** 2 for y in b)
    return ab / math.sqrt(aa * bb) if aa > 0 and bb > 0 else 0.0


def main():
    (labels_a, a), (labels_b, b) = read_samples(sys.argv[1]), read_samples(sys.argv[2])
    signals = {}
    for label, left, right in zip(labels_a, a, b):
        signals[label] = {"correlation": correlation(left, right),
                          "largest_difference": max(abs(x - y) for x, y in zip(left, right))}
    print(json.dumps({"first": labels_a, "second": labels_b, "signals": signals,
                      "same_length": [len(x) for x in a] == [len(x) for x in b]}))


main()
