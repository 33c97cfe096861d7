#!/usr/bin/env python3
"""Writes tests/data/signal/*.json: inputs and what NumPy and SciPy make of them.

Run in a virtual environment with numpy, scipy and mne:
    python3 -m venv build/vectors-env && build/vectors-env/bin/pip install numpy scipy mne
    build/vectors-env/bin/python tools/make_signal_vectors.py
"""
import json
import pathlib

import numpy as np
import scipy
from scipy import integrate, signal, special, stats

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "signal"
RNG = np.random.default_rng(20240229)


def numbers(values):
    return [float(f"{v:.13g}") for v in np.asarray(values, dtype=float).ravel()]


def write(name, content):
    content["made_with"] = f"numpy {np.__version__}, scipy {scipy.__version__}"
    text = json.dumps(content, separators=(",", ":"))
    (OUT / f"{name}.json").write_text(text + "\n", encoding="ascii")
    print(name, len(text))


def eeg(n, rate, offset=0.0):
    """A rhythm, line noise, a slow drift and noise, with few digits so that the text is short."""
    t = np.arange(n) / rate
    x = 20 * np.sin(2 * np.pi * 10.2 * t + 0.3) + 4 * np.sin(2 * np.pi * 50 * t) + 15 * np.sin(2 * np.pi * 0.35 * t)
    return np.round(x + RNG.normal(0, 6, n) + offset, 3)


def fft_vectors():
    cases = []
    for n in [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 30, 31, 32, 49, 60, 64, 97, 100, 125, 128, 202, 211, 256]:
        x = np.round(RNG.normal(0, 10, n), 3)
        y = np.fft.rfft(x)
        cases.append({"x": numbers(x), "real": numbers(y.real), "imaginary": numbers(y.imag)})
    hilbert = []
    for n in [1, 2, 5, 8, 63, 150]:
        x = eeg(n, 100.0)
        hilbert.append({"x": numbers(x), "envelope": numbers(np.abs(signal.hilbert(x)))})
    write("fft", {"rfft": cases, "hilbert": hilbert})


def filter_vectors():
    x = eeg(400, 256.0, 30.0)
    designs = [
        ("low", 1, [40], 256), ("low", 4, [45], 256), ("low", 5, [30], 250), ("low", 8, [45], 256),
        ("high", 1, [1], 256), ("high", 2, [0.5], 256), ("high", 3, [0.5], 256), ("high", 4, [20], 256),
        ("band", 1, [8, 13], 256), ("band", 2, [0.5, 45], 256), ("band", 3, [0.3, 35], 100),
        ("band", 4, [0.5, 100], 256), ("band", 4, [8, 13], 1000), ("band", 5, [1, 40], 256),
        ("stop", 1, [49, 51], 256), ("stop", 2, [48, 52], 256), ("stop", 3, [59, 61], 500), ("stop", 4, [49, 51], 256),
    ]
    kinds = {"low": "lowpass", "high": "highpass", "band": "bandpass", "stop": "bandstop"}
    cases = []
    for kind, order, edges, rate in designs:
        sos = signal.butter(order, edges if len(edges) > 1 else edges[0], kinds[kind], fs=rate, output="sos")
        case = {"kind": kind, "order": order, "edges": edges, "rate": rate,
                "gain_hz": [0.7, 9.0, 33.0], "gain": numbers(np.abs(signal.sosfreqz(sos, [0.7, 9.0, 33.0], fs=rate)[1]))}
        case["sosfilt"] = numbers(signal.sosfilt(sos, x[:150]))
        case["sosfiltfilt"] = numbers(signal.sosfiltfilt(sos, x[:200]))
        taps = 2 * sos.shape[0] + 1 - min((sos[:, 2] == 0).sum(), (sos[:, 5] == 0).sum())
        case["padding"] = int(3 * taps)
        cases.append(case)
    notches = []
    for hz, quality, rate in [(50, 30, 256), (60, 30, 500), (50, 5, 128)]:
        b, a = signal.iirnotch(hz, quality, fs=rate)
        sos = signal.tf2sos(b, a)
        zi = signal.sosfilt_zi(sos)
        notches.append({"hz": hz, "quality": quality, "rate": rate,
                        "sosfilt": numbers(signal.sosfilt(sos, x[:100])),
                        "settled": numbers(signal.sosfilt(sos, x[:100], zi=zi * x[0])[0]),
                        "sosfiltfilt": numbers(signal.sosfiltfilt(sos, x[:100]))})
    sos = signal.butter(2, [0.5, 45], "bandpass", fs=256, output="sos")
    settled = numbers(signal.sosfilt(sos, x[:100], zi=signal.sosfilt_zi(sos) * x[0])[0])
    fir = []
    for taps, kind, edges, window in [(33, "low", [30], "hamming"), (64, "low", [0.8], "hann"), (65, "high", [20], "hamming"),
                                      (81, "band", [8, 13], "hamming"), (51, "stop", [45, 55], "hann"), (41, "low", [25], "kaiser")]:
        scipy_window = ("kaiser", 5.0) if window == "kaiser" else window
        h = signal.firwin(taps, edges if len(edges) > 1 else edges[0], window=scipy_window, pass_zero=kinds[kind], fs=256)
        fir.append({"taps": taps, "kind": kind, "edges": edges, "window": window, "h": numbers(h)})
    resampled = []
    for n, up, down in [(200, 1, 2), (200, 2, 1), (101, 25, 32), (150, 64, 125), (7, 3, 2), (1, 5, 3), (99, 1, 7), (60, 4, 6), (20, 3, 3)]:
        resampled.append({"n": n, "up": up, "down": down, "y": numbers(signal.resample_poly(x[:n], up, down))})
    write("filter", {"x": numbers(x), "butterworth": cases, "notch": notches, "settled": settled, "fir": fir, "resample": resampled})


def spectrum_vectors():
    x = eeg(1100, 256.0, 12.0)
    y = np.round(0.5 * np.roll(x, 3) + RNG.normal(0, 5, 1100), 3)
    cases = []
    for n, segment, overlap, rate in [(1100, 256, 128, 256.0), (1100, 200, 50, 256.0), (601, 125, 62, 250.0), (500, 97, 48, 100.0),
                                      (90, 256, 128, 256.0), (33, 64, 32, 128.0), (300, 256, 0, 200.0), (2, 8, 4, 10.0)]:
        short = n < segment
        f, p = signal.welch(x[:n], rate, nperseg=n if short else segment, noverlap=0 if short else overlap)
        cases.append({"n": n, "segment": segment, "overlap": overlap, "rate": rate, "step": float(f[1]), "density": numbers(p)})
    cross = []
    for n, segment, overlap in [(1100, 128, 64), (700, 105, 35)]:
        _, c = signal.coherence(x[:n], y[:n], 256.0, nperseg=segment, noverlap=overlap)
        _, s = signal.csd(x[:n], y[:n], 256.0, nperseg=segment, noverlap=overlap)
        cross.append({"n": n, "segment": segment, "overlap": overlap, "coherence": numbers(c), "real": numbers(s.real), "imaginary": numbers(s.imag)})
    simpson = [{"y": numbers(x[:n]), "step": 0.25, "integral": float(integrate.simpson(x[:n], dx=0.25))} for n in [2, 3, 4, 5, 6, 9, 20]]
    f, p = signal.welch(x, 256.0, nperseg=512, noverlap=256)
    bands = []
    for low, high in [(0.5, 4), (4, 8), (8, 13), (13, 30), (30, 45), (0.5, 45), (9.9, 10.1)]:
        inside = (f >= low) & (f <= high)
        power = float(integrate.simpson(p[inside], dx=f[1])) if inside.sum() > 1 else 0.0
        bands.append({"low": low, "high": high, "power": power})
    inside = (f >= 0.5) & (f <= 45)
    q = p[inside] / p[inside].sum()
    cumulative = integrate.cumulative_trapezoid(p[inside], dx=f[1], initial=0)
    edge = float(np.interp(0.95 * cumulative[-1], cumulative, f[inside]))
    measures = {"entropy": float(stats.entropy(q) / np.log(q.size)), "edge95": edge,
                "centroid": float((p[inside] * f[inside]).sum() / p[inside].sum())}
    write("spectrum", {"x": numbers(x), "y": numbers(y), "welch": cases, "cross": cross, "simpson": simpson, "bands": bands, "measures": measures})


def statistics_vectors():
    cases = []
    for n in [3, 10, 77, 200]:
        x = eeg(n, 128.0, 5.0)
        d, dd = np.diff(x), np.diff(x, 2)
        mobility = np.sqrt(d.var() / x.var())
        positive = x >= x.mean()
        cases.append({"x": numbers(x), "mean": float(x.mean()), "variance": float(x.var()), "skewness": float(stats.skew(x)),
                      "kurtosis": float(stats.kurtosis(x)), "rms": float(np.sqrt((x ** 2).mean())), "peak_to_peak": float(np.ptp(x)),
                      "median": float(np.median(x)), "robust": float(1.4826 * np.median(np.abs(x - np.median(x)))),
                      "percentile95": float(np.percentile(x, 95)), "line_length": float(np.abs(d).sum()),
                      "zero_crossings": int((positive[1:] != positive[:-1]).sum()), "mobility": float(mobility),
                      "complexity": float(np.sqrt(dd.var() / d.var()) / mobility),
                      "detrend_constant": numbers(signal.detrend(x, type="constant")), "detrend_linear": numbers(signal.detrend(x))})
    a, b = eeg(50, 128.0), eeg(50, 128.0)
    write("statistics", {"cases": cases, "correlation": {"a": numbers(a), "b": numbers(b), "r": float(np.corrcoef(a, b)[0, 1])}})


def spline_vectors():
    def kernel(cosine):
        n = np.arange(1, 51)
        legendre = special.eval_legendre(n[:, None, None], cosine[None])
        factors = (2 * n + 1) / (n * (n + 1.0)) ** 4
        return (factors[:, None, None] * legendre).sum(axis=0) / (4 * np.pi)

    sources = RNG.normal(size=(16, 3))
    sources[:, 2] = np.abs(sources[:, 2])
    sources /= np.linalg.norm(sources, axis=1, keepdims=True)
    targets = RNG.normal(size=(3, 3))
    targets[:, 2] = np.abs(targets[:, 2])
    targets /= np.linalg.norm(targets, axis=1, keepdims=True)
    n = len(sources)
    system = np.ones((n + 1, n + 1))
    system[n, n] = 0
    system[:n, :n] = kernel(np.clip(sources @ sources.T, -1, 1)) + 1e-5 * np.eye(n)
    right = np.hstack([kernel(np.clip(targets @ sources.T, -1, 1)), np.ones((3, 1))])
    weights = np.linalg.solve(system, right.T).T[:, :n]
    cosines = np.array([[-1.0, -0.3, 0.0, 0.5, 0.99, 1.0]])
    write("spline", {"sources": numbers(sources), "targets": numbers(targets), "weights": numbers(weights),
                     "cosines": numbers(cosines), "kernel": numbers(kernel(cosines))})


def iir_vectors():
    """Every family, band and a spread of orders; results thinned so that the file stays small."""
    rng = np.random.default_rng(20240301)
    x = np.round(rng.normal(0, 10, 260) + 30, 2)
    hz = [0.7, 6.0, 21.0, 33.0, 60.0, 110.0]
    families = {"butterworth": lambda n, e, k: signal.butter(n, e, k, fs=256, output="sos"),
                "chebyshev": lambda n, e, k: signal.cheby1(n, 0.5, e, k, fs=256, output="sos"),
                "inverse": lambda n, e, k: signal.cheby2(n, 40, e, k, fs=256, output="sos"),
                "elliptic": lambda n, e, k: signal.ellip(n, 0.1, 60, e, k, fs=256, output="sos"),
                "bessel": lambda n, e, k: signal.bessel(n, e, k, fs=256, output="sos", norm="phase")}
    bands = {"low": ("lowpass", [30]), "high": ("highpass", [20]), "band": ("bandpass", [8, 30]), "stop": ("bandstop", [40, 62])}
    cases = []
    for family, design in families.items():
        for kind, (name, edges) in bands.items():
            for order in [1, 2, 3, 4, 5, 6, 8, 11, 16]:
                sos = design(order, edges if len(edges) > 1 else edges[0], name)
                case = {"family": family, "kind": kind, "edges": edges, "order": order,
                        "gain": numbers(np.abs(signal.sosfreqz(sos, hz, fs=256)[1])),
                        "sosfilt": numbers(signal.sosfilt(sos, x)[3:200:16])}
                case["sosfiltfilt"] = numbers(signal.sosfiltfilt(sos, x)[0::20])
                cases.append(case)
    write("iir", {"x": numbers(x), "gain_hz": hz, "cases": cases})


def fir_vectors():
    """MNE's default filters, and what they, lfilter and resample_poly make of a recording."""
    import mne
    mne.set_log_level("ERROR")
    rng = np.random.default_rng(20240302)
    x = np.round(rng.normal(0, 10, 700) + 20, 2)
    designs = []
    for kind, low, high, rate in [("low", 40, None, 256), ("low", 8, None, 250), ("low", 45, None, 100), ("high", 0.5, None, 128),
                                  ("high", 1, None, 256), ("high", 12, None, 250), ("band", 0.5, 45, 256), ("band", 8, 13, 200),
                                  ("band", 0.1, 40, 128), ("band", 1, 100, 1000), ("stop", 40, 70, 256), ("stop", 10, 30, 250)]:
        l_freq, h_freq = {"low": (None, low), "high": (low, None), "band": (low, high), "stop": (high, low)}[kind]
        h = mne.filter.create_filter(None, rate, l_freq, h_freq)
        middle = len(h) // 2
        designs.append({"kind": kind, "edges": [low, high or 0], "rate": rate, "taps": len(h),
                        "right_half": numbers(h[middle:][::max(1, middle // 40)])})
    filtered = []
    for n, low, high, rate in [(700, 1, 40, 100), (133, 1, 40, 100), (90, 1, 40, 100), (2, 8, 30, 100), (1, 8, 30, 100)]:
        y = mne.filter.filter_data(x[None, :n].copy(), rate, low, high)[0]
        filtered.append({"n": n, "edges": [low, high], "rate": rate, "y": numbers(y[::max(1, n // 60)])})
    h = signal.firwin(31, 30, fs=256)
    write("fir", {"x": numbers(x), "designs": designs, "filtered": filtered, "lfilter": numbers(signal.lfilter(h, 1, x[:120]))})


def spectrogram_vectors():
    rng = np.random.default_rng(20240303)
    x = np.round(rng.normal(0, 10, 500) + 50, 2)
    cases = []
    for n, segment, overlap, rate in [(500, 64, 32, 128.0), (500, 50, 10, 100.0), (200, 33, 20, 64.0), (97, 97, 0, 256.0), (60, 64, 0, 100.0)]:
        if n < segment:
            cases.append({"n": n, "segment": segment, "overlap": overlap, "rate": rate, "times": [], "density": []})
            continue
        _, t, s = signal.spectrogram(x[:n], rate, window="hann", nperseg=segment, noverlap=overlap)
        cases.append({"n": n, "segment": segment, "overlap": overlap, "rate": rate, "times": numbers(t), "density": numbers(s.T)})
    write("spectrogram", {"x": numbers(x), "cases": cases})


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    fft_vectors()
    filter_vectors()
    spectrum_vectors()
    statistics_vectors()
    spline_vectors()
    iir_vectors()
    fir_vectors()
    spectrogram_vectors()
