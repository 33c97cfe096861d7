#!/usr/bin/env python3
"""Times the linear steps of montage/signal against SciPy and MNE: one core, same input, same numbers.

    python3 -m venv build/vectors-env && build/vectors-env/bin/pip install numpy scipy mne
    build/vectors-env/bin/python bench/eeg/compare_scipy.py build/release/bin/montage_signal_steps

Prints a line a step: our best CPU time, the peer's, the ratio, and the largest relative difference
of the results. Fails when a difference is over 1e-6.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
from scipy import signal

try:
    import mne
    mne.set_log_level("ERROR")
except ImportError:
    mne = None


def best(repeats, function):
    fastest, outcome = float("inf"), None
    for _ in range(repeats):
        start = time.process_time()
        outcome = function()
        fastest = min(fastest, time.process_time() - start)
    return fastest, outcome


def recording(channels, rate, seconds):
    rng = np.random.default_rng(7)
    t = np.arange(int(rate * seconds)) / rate
    noise = np.cumsum(rng.normal(size=(channels, t.size)), axis=1)
    noise = signal.sosfilt(signal.butter(1, 0.5, "highpass", fs=rate, output="sos"), noise)
    common = 20 * np.sin(2 * np.pi * 10.2 * t) + 3 * np.sin(2 * np.pi * 50 * t)
    return np.ascontiguousarray(noise + common)


def coherence_of_pairs(x, rate, segment):
    """Every pair from one set of segment spectra: the quickest form in NumPy that we know."""
    step = segment // 2
    frames = np.lib.stride_tricks.sliding_window_view(x, segment, axis=1)[:, ::step]
    frames = (frames - frames.mean(axis=2, keepdims=True)) * signal.get_window("hann", segment)
    spectra = np.fft.rfft(frames, axis=2).transpose(2, 0, 1)
    cross = spectra.conj() @ spectra.transpose(0, 2, 1)
    power = np.einsum("kii->ki", cross).real
    matrix = np.abs(cross) ** 2 / (power[:, :, None] * power[:, None, :])
    i, j = np.triu_indices(x.shape[0], 1)
    return matrix[:, i, j].T


def peers(x, rate, repeats):
    segment = int(4 * rate)
    band = signal.butter(4, [0.5, 45], "bandpass", fs=rate, output="sos")
    notch = signal.tf2sos(*signal.iirnotch(50, 30, fs=rate))
    steps = {
        "band_pass": {"scipy": lambda: signal.sosfiltfilt(band, x)},
        "notch": {"scipy": lambda: signal.sosfiltfilt(notch, x)},
        "psd": {"scipy": lambda: signal.welch(x, rate, nperseg=segment, noverlap=segment // 2)[1]},
        "resample": {"scipy": lambda: signal.resample_poly(x, 25, 32, axis=1)},
        "envelope": {"scipy": lambda: np.abs(signal.hilbert(x))},
        "coherence": {"numpy": lambda: coherence_of_pairs(x, rate, segment)},
    }
    if mne is not None:
        parameters = {"sos": band, "padlen": 27, "output": "sos", "ftype": "butter", "order": 4}
        steps["band_pass"]["mne"] = lambda: mne.filter.filter_data(x, rate, 0.5, 45, method="iir", iir_params=dict(parameters))
        steps["psd"]["mne"] = lambda: mne.time_frequency.psd_array_welch(
            x, rate, fmax=rate / 2, n_fft=segment, n_per_seg=segment, n_overlap=segment // 2, window="hann", remove_dc=True)[0]
    return {name: {peer: best(repeats, run) for peer, run in runs.items()} for name, runs in steps.items()}


def difference(ours, theirs):
    return float(np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs)))


def compare(program, channels, rate, seconds, repeats):
    x = recording(channels, rate, seconds)
    print(f"{seconds / 60:g} min x {channels} channels x {rate} Hz, one core, best of {repeats}")
    worst = 0.0
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory)
        x.tofile(path / "input.f64")
        text = subprocess.run([program, path / "input.f64", str(channels), str(rate), directory, str(repeats)],
                              check=True, capture_output=True, text=True).stdout
        times = {line.split()[0]: float(line.split()[1]) for line in text.splitlines()}
        for step, runs in peers(x, rate, repeats).items():
            ours = np.fromfile(path / f"{step}.f64")
            reference = next(iter(runs.values()))[1]
            error = difference(ours.reshape(reference.shape), reference)
            worst = max(worst, error)
            for peer, (seconds_taken, _) in runs.items():
                print(f"  {step:10} montage {times[step] * 1e3:9.1f} ms  {peer:5} {seconds_taken * 1e3:9.1f} ms"
                      f"  ratio {seconds_taken / times[step]:6.1f}  difference {error:.1e}")
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--large", action="store_true", help="also 10 min x 64 channels x 1 kHz")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    worst = compare(arguments.program, 19, 256, 1200, arguments.repeats)
    if arguments.large:
        worst = max(worst, compare(arguments.program, 64, 1000, 600, arguments.repeats))
    sys.exit(0 if worst < 1e-6 else "results differ")


if __name__ == "__main__":
    main()
