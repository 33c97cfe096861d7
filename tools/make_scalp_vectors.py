#!/usr/bin/env python3
"""Writes tests/data/signal/scalp.json: what MNE makes of potentials on electrodes of the 10-20 system.

    python3 -m venv build/vectors-env && build/vectors-env/bin/pip install numpy mne
    build/vectors-env/bin/python tools/make_scalp_vectors.py

The positions are those of montage/signal/scalp/electrodes.cc for 19 electrodes: angles of 18 and 36
degrees on great circles, F3, F4, P3 and P4 half-way on the circle through their row.
"""
import json
import pathlib

import mne
import numpy as np

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "signal"
RADIUS = 0.095
mne.set_log_level("ERROR")


def numbers(values):
    return [float(f"{v:.13g}") for v in np.asarray(values, dtype=float).ravel()]


def sphere(polar, azimuth):
    p, a = np.radians(polar), np.radians(azimuth)
    return np.array([-np.sin(p) * np.sin(a), np.sin(p) * np.cos(a), np.cos(p)])


def half_way(middle, end):
    """On the circle through `end`, `middle` (x = 0) and the mirror image of `end`."""
    base = np.array([0, end[1], end[2]])
    up, half = middle - base, abs(end[0])
    height = np.linalg.norm(up)
    radius = (half ** 2 + height ** 2) / (2 * height)
    angle = np.arctan2(half, radius - height) / 2
    point = middle - up * radius / height + up * radius * np.cos(angle) / height
    point[0] = np.sign(end[0]) * radius * np.sin(angle)
    return point


def positions():
    left = {"Fp1": sphere(72, 18), "F7": sphere(72, 54), "T7": sphere(72, 90), "P7": sphere(72, 126), "O1": sphere(72, 162),
            "C3": sphere(36, 90)}
    left["F3"] = half_way(sphere(36, 0), left["F7"])
    left["P3"] = half_way(sphere(-36, 0), left["P7"])
    everything = dict(left)
    for name, p in left.items():
        everything[name[:-1] + str(int(name[-1]) + 1)] = p * [-1, 1, 1]
    everything |= {"Fz": sphere(36, 0), "Cz": sphere(0, 0), "Pz": sphere(-36, 0)}
    order = ["Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8", "P7", "P3", "Pz", "P4", "P8", "O1", "O2"]
    return {name: everything[name] for name in order}


def recording(names, placed, data):
    raw = mne.io.RawArray(data, mne.create_info(names, 100.0, "eeg"))
    raw.set_montage(mne.channels.make_dig_montage({n: placed[n] * RADIUS for n in names}, coord_frame="head"))
    return raw


if __name__ == "__main__":
    placed = positions()
    names = list(placed)
    unit = np.eye(len(names))
    densities = []
    for smoothing, stiffness, terms, radius in [(1e-5, 4, 50, 0.095), (1e-3, 3, 20, 0.085), (0.0, 4, 50, 1.0), (1e-6, 2, 7, 0.1)]:
        csd = mne.preprocessing.compute_current_source_density(
            recording(names, placed, unit.copy()), sphere=(0, 0, 0, radius), lambda2=smoothing, stiffness=stiffness, n_legendre_terms=terms)
        densities.append({"smoothing": smoothing, "stiffness": stiffness, "terms": terms, "radius": radius,
                          "weights": numbers(csd.get_data())})
    interpolated = []
    for bad in [["Cz"], ["T7"], ["Fp1", "F8", "O2"]]:
        raw = recording(names, placed, unit.copy())
        raw.info["bads"] = bad
        raw.interpolate_bads(origin=(0, 0, 0), reset_bads=False)
        good = [i for i, n in enumerate(names) if n not in bad]
        # Only what comes from good electrodes: the bad ones' own potential must not count.
        rows = raw.get_data(picks=bad)
        assert np.all(rows[:, [names.index(b) for b in bad]] == 0)
        interpolated.append({"bad": bad, "weights": numbers(rows[:, good])})
    content = {"names": names, "positions": numbers(np.array(list(placed.values()))), "densities": densities,
               "interpolated": interpolated, "made_with": f"numpy {np.__version__}, mne {mne.__version__}"}
    text = json.dumps(content, separators=(",", ":"))
    (OUT / "scalp.json").write_text(text + "\n", encoding="ascii")
    print(len(text))
