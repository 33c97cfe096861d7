#!/usr/bin/env python3
"""Writes tests/data/signal/dynamics.json: short signals and what antropy makes of them.

    python3 -m venv build/vectors-env && build/vectors-env/bin/pip install numpy antropy
    build/vectors-env/bin/python tools/make_dynamics_vectors.py

Sample and approximate entropy are also computed here by their definitions; the script fails when
antropy disagrees on a signal without differences of exactly r.
"""
import json
import pathlib

import antropy
import numpy as np

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "signal"
RNG = np.random.default_rng(20000606)


def within(x, m, starts, r):
    """Matrix: do the templates of m samples at two starts differ by at most r everywhere."""
    t = np.lib.stride_tricks.sliding_window_view(x, m)[:starts]
    return np.abs(t[:, None, :] - t[None, :, :]).max(axis=2) <= r


def sample_entropy(x, m, tolerance):
    r, starts = tolerance * x.std(), x.size - m
    pairs = [np.triu(within(x, length, starts, r), 1).sum() for length in (m, m + 1)]
    return -np.log(pairs[1] / pairs[0]) if pairs[1] else None


def approximate_entropy(x, m, tolerance):
    r = tolerance * x.std()
    phi = [np.log(within(x, k, x.size - k + 1, r).mean(axis=1)).mean() for k in (m, m + 1)]
    return phi[0] - phi[1]


def signals():
    t = np.arange(400) / 128.0
    rhythm = 20 * np.sin(2 * np.pi * 10.2 * t) + 8 * np.sin(2 * np.pi * 1.1 * t)
    logistic = [0.37]
    for _ in range(299):
        logistic.append(3.9 * logistic[-1] * (1 - logistic[-1]))
    yield "eeg", np.round(rhythm + RNG.normal(0, 6, t.size), 3)
    yield "noise", np.round(RNG.normal(0, 10, 350), 3)
    yield "walk", np.round(np.cumsum(RNG.normal(0, 3, 300)) + 100, 3)
    yield "logistic", np.round(logistic, 6)
    yield "ties", np.round(RNG.normal(0, 1.5, 200)) + 0.0  # no negative zeros
    yield "short", np.round(RNG.normal(0, 1, 60), 3)


def case(name, x):
    entry = {"name": name, "x": x.tolist(), "permutation": [], "svd": [], "matching": []}
    for order, delay in [(2, 1), (3, 1), (3, 5), (4, 2), (5, 1), (6, 3), (7, 1)]:
        options = {"order": order, "delay": delay}
        entry["permutation"].append(options | {"value": float(antropy.perm_entropy(x, order, delay, normalize=True))})
        entry["svd"].append(options | {"value": float(antropy.svd_entropy(x, order, delay, normalize=True))})
    for m, tolerance in [(1, 0.2), (2, 0.2), (2, 0.15), (3, 0.25)]:
        sample, approximate = sample_entropy(x, m, tolerance), approximate_entropy(x, m, tolerance)
        if name != "ties":
            peer = antropy.sample_entropy(x, m, float(tolerance * x.std()))
            assert sample is None and not np.isfinite(peer) or abs(sample - peer) < 1e-12, (name, m, sample, peer)
        if m > 1:  # antropy's own lower limit
            assert abs(approximate - antropy.app_entropy(x, m, float(tolerance * x.std()))) < 1e-12, (name, m)
        entry["matching"].append({"length": m, "tolerance": tolerance, "sample": sample, "approximate": approximate})
    entry["higuchi"] = [{"largest": k, "value": float(antropy.higuchi_fd(x, k))} for k in (5, 10, 20)]
    entry["petrosian"] = float(antropy.petrosian_fd(x))
    entry["katz"] = float(antropy.katz_fd(x))
    entry["dfa"] = float(antropy.detrended_fluctuation(x))
    bits = (x > np.median(x)).astype(int)
    entry["words"] = int(antropy.lziv_complexity(bits))
    entry["lempel_ziv"] = float(antropy.lziv_complexity(bits, normalize=True))
    entry["nonlinear_energy"] = float((x[1:-1] ** 2 - x[:-2] * x[2:]).mean())
    return entry


if __name__ == "__main__":
    sequences = []
    for n in [1, 2, 3, 5, 8, 13, 21, 34, 55, 89]:
        for probability in (0.5, 0.1):
            bits = (RNG.random(n) < probability).astype(int)
            sequences.append({"bits": "".join(map(str, bits)), "words": int(antropy.lziv_complexity(bits))})
    content = {"cases": [case(name, x) for name, x in signals()], "sequences": sequences,
               "made_with": f"numpy {np.__version__}, antropy {antropy.__version__}"}
    text = json.dumps(content, separators=(",", ":"))
    (OUT / "dynamics.json").write_text(text + "\n", encoding="ascii")
    print(len(text))
