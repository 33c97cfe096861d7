#!/usr/bin/env python3
"""Writes tests/data/signal/timefrequency.json: tapers, spectra and wavelet transforms.

    python3 -m venv build/vectors-env && build/vectors-env/bin/pip install numpy scipy mne PyWavelets
    build/vectors-env/bin/python tools/make_timefrequency_vectors.py
"""
import json
import pathlib

import mne
import numpy as np
import pywt
import scipy
from mne.time_frequency import psd_array_multitaper, tfr_array_morlet, tfr_array_stockwell
from scipy.signal.windows import dpss

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "signal"
RNG = np.random.default_rng(19820901)
mne.set_log_level("ERROR")


def numbers(values, digits=13):
    return [float(f"{v:.{digits}g}") for v in np.asarray(values, dtype=float).ravel()]


def eeg(n, rate):
    t = np.arange(n) / rate
    x = 20 * np.sin(2 * np.pi * 10.2 * t + 0.3) + 15 * np.sin(2 * np.pi * 0.8 * t) + 7
    return np.round(x + RNG.normal(0, 6, n), 2)


def tapers():
    cases = []
    for n, nw, count, sym in [(2, 0.8, 1, True), (3, 1.0, 3, True), (5, 1.5, 5, False), (32, 2.5, 4, True), (63, 4, 8, True),
                              (64, 4, 8, False), (97, 3, 6, False), (40, 15, 4, True)]:
        w, ratios = dpss(n, nw, count, sym=sym, norm=2, return_ratios=True)
        cases.append({"n": n, "nw": nw, "symmetric": sym, "ratios": numbers(ratios), "tapers": [numbers(t) for t in w]})
    # Of long ones every 97th sample.
    for n, nw, count in [(4000, 4, 7), (20001, 2.5, 5)]:
        w, ratios = dpss(n, nw, count, sym=True, norm=2, return_ratios=True)
        cases.append({"n": n, "nw": nw, "symmetric": True, "stride": 197, "ratios": numbers(ratios),
                      "tapers": [numbers(t[::197]) for t in w]})
    return cases


def multitaper(x):
    cases = []
    for n, rate, bandwidth, low_bias, adaptive in [(256, 128.0, None, True, False), (201, 100.0, 4.0, True, False),
                                                   (128, 128.0, 8.0, False, False), (101, 256.0, 10.0, True, True),
                                                   (200, 200.0, 5.0, False, True), (64, 64.0, 1.0, True, True)]:
        psd, f = psd_array_multitaper(x[:n], rate, bandwidth=bandwidth, low_bias=low_bias, adaptive=adaptive,
                                      normalization="full", max_iter=250)
        cases.append({"n": n, "rate": rate, "bandwidth": bandwidth or 0, "low_bias": low_bias, "adaptive": adaptive,
                      "step": float(f[1]), "density": numbers(psd)})
    return cases


def morlet():
    cases = []
    for n, rate, hz, cycles, zero_mean, decim in [(400, 100.0, [4, 7.5, 10, 20, 45], 3.0, False, 7),
                                                  (301, 128.0, [8, 13, 30], 2.0, True, 3),
                                                  (2600, 250.0, [12, 30], 7.0, False, 31)]:
        x = eeg(n, rate)
        z = tfr_array_morlet(x[None, None], rate, np.array(hz, float), n_cycles=cycles, zero_mean=zero_mean, decim=decim)[0, 0]
        cases.append({"x": numbers(x), "rate": rate, "hz": hz, "cycles": cycles, "zero_mean": zero_mean, "decimation": decim,
                      "real": numbers(z.real, 11), "imaginary": numbers(z.imag, 11)})
    return cases


def stockwell():
    cases = []
    for n, rate, low, high, width in [(128, 64.0, 4, 20, 1.0), (101, 50.0, 2, 12, 0.6)]:
        x = eeg(n, rate)
        # MNE's windows last width * duration / f seconds, ours width / f.
        power, _, hz = tfr_array_stockwell(x[None, None], rate, low, high, n_fft=n, width=width * rate / n)
        cases.append({"x": numbers(x), "rate": rate, "low": low, "high": high, "width": width, "hz": numbers(hz),
                      "stride": 5, "power": numbers(power[0][:, ::5], 11)})
    return cases


def wavelets(x):
    filters = [{"moments": n, "low": numbers(pywt.Wavelet(f"db{n}").rec_lo), "high": numbers(pywt.Wavelet(f"db{n}").rec_hi)}
               for n in range(1, 9)]
    cases = []
    for n, moments, levels in [(64, 1, 3), (101, 1, 6), (100, 2, 4), (90, 3, 4), (256, 4, 5), (203, 4, 4), (33, 4, 2), (14, 4, 1),
                               (131, 6, 3), (121, 8, 3)]:
        for mode in ["symmetric", "periodization"]:
            parts = pywt.wavedec(x[:n], f"db{moments}", mode=mode, level=levels)
            changed = [p * (0.5 if i % 2 else 2.0) for i, p in enumerate(parts)]
            cases.append({"n": n, "moments": moments, "levels": levels, "mode": mode,
                          "deepest": pywt.dwt_max_level(n, 2 * moments),
                          "parts": [numbers(p, 12) for p in parts],
                          "changed": numbers(pywt.waverec(changed, f"db{moments}", mode=mode)[:n], 12)})
    return filters, cases


if __name__ == "__main__":
    x = eeg(256, 128.0)
    filters, cases = wavelets(x)
    made = f"numpy {np.__version__}, scipy {scipy.__version__}, mne {mne.__version__}, PyWavelets {pywt.__version__}"
    for name, content in [("tapers", {"tapers": tapers(), "x": numbers(x), "multitaper": multitaper(x)}),
                          ("wavelets", {"morlet": morlet(), "stockwell": stockwell(), "x": numbers(x), "filters": filters,
                                        "cases": cases})]:
        text = json.dumps(content | {"made_with": made}, separators=(",", ":"))
        (OUT / f"{name}.json").write_text(text + "\n", encoding="ascii")
        print(name, len(text))
