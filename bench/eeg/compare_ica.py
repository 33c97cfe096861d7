#!/usr/bin/env python3
"""Times independent component analysis of montage/signal against MNE: one core, same recording, same components.

    python3 -m venv build/venv-eeg && build/venv-eeg/bin/pip install numpy scipy mne scikit-learn
    build/venv-eeg/bin/python bench/eeg/compare_ica.py build/release/bin/montage_ica_steps

Prints a line a method: our best CPU time, MNE's, the ratio, how both ended, and how far the components agree: the
smallest absolute correlation of a component with its counterpart, and the Amari distance of the unmixings (0 equal,
1 unrelated). FastICA of MNE is timed at its default tolerance, where it stops far from its fixed point, and compared
at 1e-10. Fails when a component of MNE has no counterpart.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import warnings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import mne
import numpy as np
from scipy import optimize, signal

mne.set_log_level("ERROR")
RATE = 256
LEAST_CORRELATION = 0.999


def topographies(channels, count, rng):
    """Fields of `count` sources below the scalp at electrodes spread evenly over the upper half of a sphere."""
    k = np.arange(channels) + 0.5
    height = 1 - 0.9 * k / channels
    turn = np.pi * (1 + 5 ** 0.5) * k
    radius = np.sqrt(1 - height ** 2)
    electrodes = np.c_[radius * np.cos(turn), radius * np.sin(turn), height]
    directions = rng.normal(size=(count, 3))
    directions[:, 2] = np.abs(directions[:, 2])
    places = 0.7 * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    moments = rng.normal(size=(count, 3)) + 2 * places
    offset = electrodes[:, None, :] - places[None]
    return (offset * moments).sum(axis=2) / np.linalg.norm(offset, axis=2) ** 3


def activities(count, seconds, rng):
    """Blinks, glances, muscle, mains, heart, then rhythms and noise whose strength waxes and wanes as the EEG's does."""
    n = RATE * seconds
    t = np.arange(n) / RATE

    def events(rate_hz, shape):
        train = np.zeros(n)
        train[rng.choice(n, int(rate_hz * seconds), replace=False)] = rng.uniform(0.6, 1.2, int(rate_hz * seconds))
        return np.convolve(train, shape)[:n]

    def strength(slow_s):
        b, a = signal.butter(1, 1 / slow_s, fs=RATE)
        slow = signal.lfilter(b, a, rng.normal(size=n))
        return np.exp(0.7 * slow / slow.std())

    def band(low, high):
        sos = signal.butter(2, [low, high], "bandpass", fs=RATE, output="sos")
        return signal.sosfilt(sos, rng.normal(size=n))

    blink = events(0.25, np.hanning(int(0.3 * RATE)))
    glance = events(0.3, np.ones(int(0.8 * RATE))) - events(0.3, np.ones(int(0.8 * RATE)))
    heart = np.convolve((np.arange(n) % int(0.85 * RATE) == 0).astype(float), np.hanning(9))[:n]
    rows = [blink, glance, band(25, 100) * (strength(1) > 1.6), band(25, 100) * (strength(2) > 2),
            np.sin(2 * np.pi * 50 * t), heart]
    while len(rows) < count:
        low = rng.choice([1, 4, 8, 9, 15])
        rows.append(band(low, low * rng.uniform(1.5, 3)) * strength(rng.uniform(0.3, 2)))
    x = np.array(rows[:count])
    return (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)


def recording(channels, seconds):
    """Microvolts, [channel][sample]."""
    rng = np.random.default_rng(11)
    sources = activities(channels - 2, seconds, rng)
    fields = topographies(channels, channels - 2, rng)
    fields *= 15 / np.linalg.norm(fields, axis=0) * channels ** 0.5
    fields[:, :2] *= 2.5
    return np.ascontiguousarray(fields @ sources + rng.normal(size=(channels, sources.shape[1])))


def fit_with_mne(x, method, components, **parameters):
    ica = mne.preprocessing.ICA(components, method=method, random_state=42, max_iter="auto", fit_params=parameters)
    raw = mne.io.RawArray(x * 1e-6, mne.create_info(x.shape[0], RATE, "eeg"))
    start = time.process_time()
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        ica.fit(raw)
    taken = time.process_time() - start
    converged = not any("converge" in str(note.message).lower() for note in notes)
    unmixing = ica.unmixing_matrix_ @ ica.pca_components_[:components] / ica.pre_whitener_.T
    return taken, unmixing, ica.n_iter_, converged


def agreement(ours, theirs, x):
    """Smallest correlation of matched sources, and the Amari distance (Amari, Cichocki, Yang 1996), both in [0, 1]."""
    a, b = ours @ x, theirs @ x
    k = len(a)
    correlation = np.abs(np.corrcoef(a, b)[:k, k:])
    rows, columns = optimize.linear_sum_assignment(-correlation)
    product = np.abs(ours @ np.linalg.pinv(theirs))
    spread = (product.sum(1) / product.max(1) - 1).sum() + (product.sum(0) / product.max(0) - 1).sum()
    return correlation[rows, columns].min(), spread / (2 * k * (k - 1))


def compare(program, channels, seconds, components, repeats):
    x = recording(channels, seconds)
    x -= x.mean(axis=1, keepdims=True)
    print(f"{seconds / 60:g} min x {channels} channels x {RATE} Hz, {components} components, one core, best of {repeats}; "
          "MNE once")
    worst = 1.0
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory)
        x.tofile(path / "input.f64")
        text = subprocess.run([program, path / "input.f64", str(channels), str(components), directory, str(repeats)],
                              check=True, capture_output=True, text=True).stdout
        ours = {line.split()[0]: line.split()[1:] for line in text.splitlines()}
        for name, method, parameters in (("fast_ica", "fastica", {}), ("extended_infomax", "infomax", {"extended": True})):
            taken, unmixing, iterations, converged = fit_with_mne(x, method, components, **parameters)
            if method == "fastica":
                unmixing = fit_with_mne(x, method, components, tol=1e-10)[1]
            mine = np.fromfile(path / f"{name}.f64").reshape(components, channels)
            correlation, amari = agreement(mine, unmixing, x)
            worst = min(worst, correlation)
            seconds_taken, *end = ours[name]
            print(f"  {name:16} montage {float(seconds_taken) * 1e3:8.1f} ms  mne {taken * 1e3:9.1f} ms"
                  f"  ratio {taken / float(seconds_taken):6.1f}  least correlation {correlation:.5f}  amari {amari:.1e}")
            print(f"  {'':16} montage {' '.join(end)}   mne converged={int(converged)} iterations={iterations}")
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--large", action="store_true", help="also 20 min x 64 channels, 30 components")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    worst = min(compare(arguments.program, channels, seconds, 15, arguments.repeats)
                for channels, seconds in ((19, 1200), (64, 600)))
    if arguments.large:
        worst = min(worst, compare(arguments.program, 64, 1200, 30, arguments.repeats))
    sys.exit(0 if worst > LEAST_CORRELATION else "components differ")


if __name__ == "__main__":
    main()
