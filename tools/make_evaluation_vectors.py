#!/usr/bin/env python3
"""Writes tests/data/evaluation/statistics.json: figures by SciPy and scikit-learn for the tests of montage/evaluation.

    python3 tools/make_evaluation_vectors.py        needs numpy, scipy and scikit-learn
"""

import json
import pathlib

import numpy as np
from scipy import stats
from sklearn import metrics

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests/data/evaluation/statistics.json"


def shares():
    for hits, trials in [(0, 10), (1, 10), (5, 10), (10, 10), (37, 40), (95, 100), (1, 1), (0, 1), (4321, 9876)]:
        for confidence in (0.9, 0.95, 0.99):
            test = stats.binomtest(hits, trials)
            exact = test.proportion_ci(confidence, "exact")
            wilson = test.proportion_ci(confidence, "wilson")
            yield {"hits": hits, "trials": trials, "confidence": confidence, "exact": [exact.low, exact.high],
                   "wilson": [wilson.low, wilson.high]}


def rates():
    for events, exposure in [(0, 1), (1, 2.5), (7, 3), (250, 24)]:
        low = stats.chi2.ppf(0.025, 2 * events) / 2 / exposure if events else 0.0
        yield {"events": events, "exposure": exposure,
               "interval": [low, stats.chi2.ppf(0.975, 2 * events + 2) / 2 / exposure]}


def delong(scores, labels):
    """The variance by its definition: all pairs."""
    positives, negatives = scores[labels], scores[~labels]
    over = (positives[:, None] > negatives[None, :]) + 0.5 * (positives[:, None] == negatives[None, :])
    return np.sqrt(over.mean(1).var(ddof=1) / len(positives) + over.mean(0).var(ddof=1) / len(negatives))


def curves():
    random = np.random.default_rng(7)
    for positives, negatives, shift, digits in [(5, 7, 1, 1), (30, 40, 0.8, 2), (200, 150, 2, 1), (12, 9, -0.5, 3)]:
        labels = np.array([True] * positives + [False] * negatives)
        scores = np.round(1 / (1 + np.exp(-(random.normal(size=len(labels)) + shift * labels))), digits)
        edges = np.minimum((scores * 10).astype(int), 9)
        error = sum(abs(labels[edges == k].mean() - scores[edges == k].mean()) * (edges == k).mean()
                    for k in range(10) if (edges == k).any())
        yield {"scores": scores.tolist(), "labels": labels.tolist(), "auc": metrics.roc_auc_score(labels, scores),
               "delong": delong(scores, labels), "brier": metrics.brier_score_loss(labels, scores), "ece": error}


def agreements():
    random = np.random.default_rng(11)
    for classes, items, right in [(2, 50, 0.8), (5, 900, 0.85), (5, 300, 0.2), (3, 12, 1.0)]:
        truth = random.integers(0, classes, items)
        found = np.where(random.uniform(size=items) < right, truth, random.integers(0, classes, items))
        yield {"classes": classes, "truth": truth.tolist(), "found": found.tolist(),
               "kappa": metrics.cohen_kappa_score(truth, found), "accuracy": metrics.accuracy_score(truth, found),
               "macro_f1": metrics.f1_score(truth, found, average="macro"),
               "f1": metrics.f1_score(truth, found, average=None).tolist()}


def main():
    OUT.parent.mkdir(parents=True, exist_ok=True)
    made = {"shares": list(shares()), "rates": list(rates()), "curves": list(curves()), "agreements": list(agreements()),
            "beta": [{"a": a, "b": b, "x": x, "cdf": stats.beta.cdf(x, a, b)}
                     for a, b, x in [(0.5, 0.5, 0.3), (2, 3, 0.9), (100, 20, 0.8), (4321, 5555, 0.44), (1, 40, 0.001)]],
            "normal": [{"p": p, "quantile": stats.norm.ppf(p)} for p in (1e-6, 0.01, 0.025, 0.5, 0.8, 0.975, 0.9999)]}
    OUT.write_text(json.dumps(made, separators=(",", ":")) + "\n")


main()
