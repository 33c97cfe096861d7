#!/usr/bin/env python3
"""Times the linear steps of montage/signal against SciPy, MNE and NumPy: one core, same input, same numbers.

    python3 -m venv build/vectors-env && build/vectors-env/bin/pip install numpy scipy mne
    build/vectors-env/bin/python bench/eeg/compare_scipy.py build/release/bin/montage_signal_steps [--step NAME] [--corpus NAME]

Ours and the peers run in turn, each once a round, after a round that is not counted; processor time of the process, that
of the kernel included. A line a step and peer: the medians of both, their ratio, the ratio of the best of both, and the
largest difference of the results over the largest value. Fails when a difference is over 1e-6.
"""
import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # NumPy finds its best kernels by itself
    os.environ.pop(name, None)

import mne  # noqa: E402
import numpy as np  # noqa: E402
from scipy import signal  # noqa: E402

mne.set_log_level("ERROR")

CORPORA = {"clinical": (19, 256, 1200), "research": (64, 1000, 600)}  # channels, Hz, seconds
PAIRS_TIMED = 30  # of scipy.signal.coherence, whose time grows with the pairs alone


def recording(channels, rate, seconds):
    """Drifting noise with an alpha rhythm and mains hum, microvolts."""
    rng = np.random.default_rng(7)
    t = np.arange(int(rate * seconds)) / rate
    noise = np.cumsum(rng.normal(size=(channels, t.size)), axis=1)
    noise = signal.sosfilt(signal.butter(1, 0.5, "highpass", fs=rate, output="sos"), noise)
    common = 20 * np.sin(2 * np.pi * 10.2 * t) + 3 * np.sin(2 * np.pi * 50 * t)
    return np.ascontiguousarray(noise + common)


def frequencies(rate, segment, low=1, high=100):
    hz = np.fft.rfftfreq(segment, 1 / rate)
    return slice(int(np.searchsorted(hz, low)), int(np.searchsorted(hz, high, side="right")))


def coherence_of_pairs(x, rate, segment):
    """Every pair from one set of segment spectra, only the asked bins: the quickest form in NumPy that we know."""
    frames = np.lib.stride_tricks.sliding_window_view(x, segment, axis=1)[:, ::segment // 2]
    frames = (frames - frames.mean(axis=2, keepdims=True)) * signal.get_window("hann", segment)
    spectra = np.ascontiguousarray(np.fft.rfft(frames, axis=2)[:, :, frequencies(rate, segment)].transpose(2, 0, 1))
    cross = spectra.conj() @ spectra.transpose(0, 2, 1)
    power = np.einsum("kii->ki", cross).real
    matrix = np.abs(cross) ** 2 / (power[:, :, None] * power[:, None, :])
    i, j = np.triu_indices(x.shape[0], 1)
    return matrix[:, i, j].T


def some_pairs(x, rate, segment):
    """scipy.signal.coherence of the first pairs, one call a pair."""
    i, j = np.triu_indices(x.shape[0], 1)
    wanted = frequencies(rate, segment)
    return np.array([signal.coherence(x[a], x[b], rate, nperseg=segment, noverlap=segment // 2)[1][wanted]
                     for a, b in zip(i[:PAIRS_TIMED], j[:PAIRS_TIMED])])


class Peer:
    """A function that does a step, and how many times its work the whole step is."""

    def __init__(self, run, factor=1.0):
        self.run, self.factor = run, factor


def peers(x, rate):
    """{step: {peer: Peer}}; the names of the steps are those of signal_steps.cc."""
    segment = int(4 * rate)
    band = signal.butter(4, [0.5, 45], "bandpass", fs=rate, output="sos")
    notch = signal.tf2sos(*signal.iirnotch(50, 30, fs=rate))
    iir = {"sos": band, "padlen": 27, "output": "sos", "ftype": "butter", "order": 4}
    welch = {"n_fft": segment, "n_per_seg": segment, "n_overlap": segment // 2, "window": "hann", "remove_dc": True}
    pairs = x.shape[0] * (x.shape[0] - 1) // 2
    return {
        "band_pass": {"scipy": Peer(lambda: signal.sosfiltfilt(band, x)),
                      "mne": Peer(lambda: mne.filter.filter_data(x, rate, 0.5, 45, method="iir", iir_params=dict(iir)))},
        "band_pass_fir": {"mne": Peer(lambda: mne.filter.filter_data(x, rate, 0.5, 45))},
        "notch": {"scipy": Peer(lambda: signal.sosfiltfilt(notch, x))},
        "psd": {"scipy": Peer(lambda: signal.welch(x, rate, nperseg=segment, noverlap=segment // 2)[1]),
                "mne": Peer(lambda: mne.time_frequency.psd_array_welch(x, rate, fmax=rate / 2, **welch)[0])},
        "coherence": {"scipy": Peer(lambda: some_pairs(x, rate, segment), pairs / PAIRS_TIMED),
                      "numpy": Peer(lambda: coherence_of_pairs(x, rate, segment))},
        "resample": {"scipy": Peer(lambda: signal.resample_poly(x, 25, 32, axis=1))},
        "envelope": {"scipy": Peer(lambda: np.abs(signal.hilbert(x)))},
    }


class Steps:
    """Our program, waiting for the name of a step."""

    def __init__(self, program, x, rate, folder):
        self.folder = pathlib.Path(folder)
        x.tofile(self.folder / "input.f64")
        self.process = subprocess.Popen([program, self.folder / "input.f64", str(x.shape[0]), str(rate), folder],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, step):
        self.process.stdin.write(step + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def outcome(self, step, like):
        """Rows as the peer's; when it did only the first ones, so many."""
        values = np.fromfile(self.folder / f"{step}.f64")
        return values[:like.size].reshape(like.shape)

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(60) == 0


def timed(function):
    start = time.process_time()
    outcome = function()
    return time.process_time() - start, outcome


def compare(program, corpus, only, rounds):
    channels, rate, seconds = CORPORA[corpus]
    x = recording(channels, rate, seconds)
    print(f"{corpus}: {seconds / 60:g} min x {channels} channels x {rate} Hz, processor time, median of {rounds} rounds in turn")
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        steps = Steps(program, x, rate, folder)
        for step, candidates in peers(x, rate).items():
            if only and step not in only:
                continue
            ours, theirs, results = [], {name: [] for name in candidates}, {}
            for number in range(rounds + 1):
                seconds_taken = steps.run(step)
                if number > 0:
                    ours.append(seconds_taken)
                for name, peer in candidates.items():
                    seconds_taken, results[name] = timed(peer.run)
                    if number > 0:
                        theirs[name].append(seconds_taken * peer.factor)
            for name, reference in results.items():
                error = float(np.max(np.abs(steps.outcome(step, reference) - reference)) / np.max(np.abs(reference)))
                worst = max(worst, error)
                mine, other = statistics.median(ours), statistics.median(theirs[name])
                print(f"  {step:13} montage {mine * 1e3:9.1f} ms  {name:5} {other * 1e3:9.1f} ms"
                      f"  ratio {other / mine:6.1f}  of the best {min(theirs[name]) / min(ours):6.1f}  difference {error:.1e}",
                      flush=True)
        steps.close()
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--corpus", choices=CORPORA, action="append", help="default: all")
    parser.add_argument("--step", action="append", help="default: all")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    worst = max(compare(arguments.program, corpus, arguments.step, arguments.rounds)
                for corpus in arguments.corpus or CORPORA)
    sys.exit(0 if worst < 1e-6 else "results differ")


if __name__ == "__main__":
    main()
