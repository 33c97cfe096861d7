#!/usr/bin/env python3
"""Writes tests/data/signal/connectivity.json: channels and the couplings of all their pairs.

    python3 -m venv build/vectors-env && build/vectors-env/bin/pip install numpy scipy mne-connectivity
    build/vectors-env/bin/python tools/make_connectivity_vectors.py

Phase measures are computed by their definitions from scipy's filter and Hilbert transform; the
correlations of envelopes must also be those of mne_connectivity.envelope_correlation.
"""
import json
import pathlib

import mne_connectivity
import numpy as np
import scipy
from scipy import signal

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "signal"
RNG = np.random.default_rng(20111001)
RATE = 128.0


def channels():
    """A rhythm, the same later, a mixture of both, and noise."""
    n = 700
    noise = RNG.normal(0, 5, (4, n))
    sos = signal.butter(2, [8, 13], "bandpass", fs=RATE, output="sos")
    source = signal.sosfilt(sos, RNG.normal(0, 40, n + 20))
    x = noise
    x[0] += source[20:]
    x[1] += source[17:-3]
    x[2] += 0.6 * source[20:] + 0.4 * source[16:-4]
    return np.round(x, 2)


def pairs(matrix):
    return [float(matrix[i, j]) for i, j in zip(*np.triu_indices(matrix.shape[0], 1))]


def epochs(x, band, order, epoch, margin):
    sos = signal.butter(order, band, "bandpass", fs=RATE, output="sos")
    for first in range(0, x.shape[1] - epoch + 1, epoch):
        start, end = max(0, first - margin), min(x.shape[1], first + epoch + margin)
        z = signal.hilbert(signal.sosfiltfilt(sos, x[:, start:end], axis=1), axis=1)
        yield z[:, first - start:first - start + epoch]


def measures(z):
    u = z / np.abs(z)
    s = np.imag(u[:, None] * u[None].conj())
    cross = np.imag(z[:, None] * z[None].conj())
    magnitude = np.abs(cross).sum(axis=2)
    np.fill_diagonal(magnitude, 1)
    return (np.abs((u[:, None] * u[None].conj()).mean(axis=2)), np.abs(np.sign(s).mean(axis=2)),
            np.abs(cross.sum(axis=2)) / magnitude, cross.mean(axis=2))


def case(x, band, order, epoch, margin):
    analytic = list(epochs(x, band, order, epoch, margin))
    locking, lag, weighted, cross = (np.array(m) for m in zip(*map(measures, analytic)))
    square = (cross ** 2).sum(axis=0)
    bottom = np.abs(cross).sum(axis=0) ** 2 - square
    np.fill_diagonal(bottom, 1)
    debiased = (cross.sum(axis=0) ** 2 - square) / bottom if len(analytic) > 1 else np.zeros_like(bottom)
    plain = np.mean([np.corrcoef(np.abs(z)) for z in analytic], axis=0)

    def peer(orthogonalize):
        result = mne_connectivity.envelope_correlation(analytic, orthogonalize=orthogonalize, verbose="error")
        return result.get_data("dense").mean(axis=0)[:, :, 0]

    triangle = np.tril_indices(4, -1)
    assert np.allclose(peer(False)[triangle], plain[triangle], atol=1e-12)
    orthogonal = peer("pairwise")
    orthogonal = np.maximum(orthogonal, orthogonal.T)
    return {"band": band, "order": order, "epoch": epoch, "margin": margin, "epochs": len(analytic),
            "phase_locking": pairs(locking.mean(axis=0)), "phase_lag": pairs(lag.mean(axis=0)),
            "weighted_phase_lag": pairs(weighted.mean(axis=0)), "debiased": pairs(debiased),
            "envelope": pairs(plain), "orthogonal": pairs(orthogonal)}


if __name__ == "__main__":
    x = channels()
    options = [([8, 13], 4, 700, 0), ([8, 13], 4, 230, 100), ([4, 8], 2, 175, 64), ([13, 30], 3, 101, 40)]
    content = {"rate": RATE, "x": x.tolist(), "cases": [case(x, *o) for o in options],
               "made_with": f"numpy {np.__version__}, scipy {scipy.__version__}, "
                            f"mne-connectivity {mne_connectivity.__version__}"}
    text = json.dumps(content, separators=(",", ":"))
    (OUT / "connectivity.json").write_text(text + "\n", encoding="ascii")
    print(len(text))
    print(content["cases"][0], content["cases"][1])
