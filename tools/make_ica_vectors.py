#!/usr/bin/env python3
"""Writes tests/data/signal/ica.json: what scikit-learn, MNE and python-picard find in mixtures that the test makes again.

Run in a virtual environment:
    python3 -m venv build/vectors-env && build/vectors-env/bin/pip install numpy scipy scikit-learn mne python-picard
    build/vectors-env/bin/python tools/make_ica_vectors.py
"""
import json
import pathlib
import warnings

import mne
import numpy as np
import picard
import sklearn
from picard._core_picard import core_picard
from picard.densities import Tanh
from sklearn.decomposition import fastica

mne.set_log_level("ERROR")
OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "signal" / "ica.json"


def numbers(values):
    return [float(f"{v:.13g}") for v in np.asarray(values, dtype=float).ravel()]


def uniforms(seed, count):
    """splitmix64 (Steele, Lea, Flood 2014), 53 bits: integer arithmetic, so that C++ makes the same numbers."""
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(float) * 2.0 ** -53


def source(kind, u):
    """Kinds in turn: Laplace, uniform, exponential (skewed), arcsine (two-peaked), sparse, logistic."""
    if kind == 0:
        return -np.sign(u - 0.5) * np.log1p(-2 * np.abs(u - 0.5))
    if kind == 1:
        return u - 0.5
    if kind == 2:
        return -np.log1p(-u)
    if kind == 3:
        return np.sin(2 * np.pi * u)
    if kind == 4:
        return np.maximum(np.abs(u - 0.5) - 0.4, 0) * np.sign(u - 0.5) * 20
    return np.log1p(-u) - np.log(np.maximum(u, 1e-300))


def mixture(case):
    sources = np.array([source(k % 6, uniforms(case["seed"] + 1000 * k, case["samples"])) for k in range(case["sources"])])
    mixing = 20 * (uniforms(case["seed"] + 500, case["channels"] * case["sources"]) - 0.5)
    x = mixing.reshape(case["channels"], case["sources"]) @ sources
    x += 30 * (np.arange(case["channels"]) - 2.0)[:, None]
    return x - x.mean(axis=0) if case["average_reference"] else x


def solve(case):
    x = mixture(case)
    x = x - x.mean(axis=1, keepdims=True)
    values, vectors = np.linalg.eigh(x @ x.T / x.shape[1])
    values, vectors = values[::-1], vectors[:, ::-1]
    rank = int((values > 1e-12 * values[0]).sum())
    k = case["components"] or rank
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
    sphere = (vectors[:, :k] / np.sqrt(values[:k])).T
    z = sphere @ x
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, w, _ = fastica(z.T, whiten=False, fun="logcosh", w_init=np.eye(k), tol=1e-14, max_iter=2000, return_X_mean=False)
    _, likely, ended = core_picard(z, Tanh(), ortho=False, extended=True, tol=1e-9, max_iter=2000)
    assert ended["converged"], ended
    infomax = mne.preprocessing.infomax(z.T, extended=True, random_state=3, max_iter=500)
    return {"rank": rank, "eigenvalues": numbers(values), "sphere_norms": numbers(np.linalg.norm(sphere, axis=1)),
            "fast_ica": numbers(w @ sphere), "likelihood": numbers(likely @ sphere), "infomax": numbers(infomax @ sphere)}


CASES = [
    {"seed": 1, "channels": 6, "sources": 6, "samples": 5000, "components": 0, "average_reference": False},
    {"seed": 20000, "channels": 12, "sources": 12, "samples": 40000, "components": 0, "average_reference": False},
    {"seed": 40000, "channels": 9, "sources": 8, "samples": 9001, "components": 0, "average_reference": True},
    {"seed": 60000, "channels": 16, "sources": 6, "samples": 3001, "components": 6, "average_reference": False},
]


if __name__ == "__main__":
    content = {"cases": [case | solve(case) for case in CASES],
               "made_with": f"numpy {np.__version__}, scikit-learn {sklearn.__version__}, mne {mne.__version__}, "
                            f"python-picard {picard.__version__}"}
    text = json.dumps(content, separators=(",", ":"))
    OUT.write_text(text + "\n", encoding="ascii")
    print(OUT.name, len(text))
