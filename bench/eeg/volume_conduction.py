"""Correlation of referential EEG channels that a head of four shells gives, against distance.

    python3 bench/eeg/volume_conduction.py          (needs MNE-Python)

Sources cover the upper head 1.4 cm under the scalp in all directions; the coherence of two sources falls off as
exp(-distance / length); 3 % of a channel's power is its own. Prints, for the 10-20 system, the correlation of pairs by
distance along the scalp and of every channel with its spherical-spline prediction from all others. The spread of the
generator's sources (lib/synth/background.cc) and the ranges of its tests (lib/synth/realism_test.cc) come from here.
"""

import mne
import numpy as np
from numpy.polynomial import legendre

HEAD_M = 0.092
DEPTH = 0.85
PLACES = {
    "Fp1": (-0.31, 0.95, 0), "Fp2": (0.31, 0.95, 0), "F7": (-0.81, 0.59, 0), "F3": (-0.48, 0.77, 0.42),
    "Fz": (0, 0.71, 0.71), "F4": (0.48, 0.77, 0.42), "F8": (0.81, 0.59, 0), "T7": (-1, 0, 0), "C3": (-0.71, 0, 0.71),
    "Cz": (0, 0, 1), "C4": (0.71, 0, 0.71), "T8": (1, 0, 0), "P7": (-0.81, -0.59, 0), "P3": (-0.48, -0.77, 0.42),
    "Pz": (0, -0.71, 0.71), "P4": (0.48, -0.77, 0.42), "P8": (0.81, -0.59, 0), "O1": (-0.31, -0.95, 0),
    "O2": (0.31, -0.95, 0), "M1": (-0.88, -0.08, -0.47), "M2": (0.88, -0.08, -0.47),
}
SCALP = len(PLACES) - 2  # the last two are the mastoids
BANDS_CM = ((4, 6.5), (6.5, 8.5), (10, 12), (18, 40))


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1)[:, None]


PLACE = unit(np.array(list(PLACES.values()), float))


def lead_field(skull_siemens_per_m):
    """Potentials of every place for dipoles along x, y and z: places x sources x 3, and the sources' directions."""
    sphere = mne.make_sphere_model(r0=(0, 0, 0), head_radius=HEAD_M, relative_radii=(0.90, 0.92, 0.97, 1.0),
                                   sigmas=(0.33, 1.0, skull_siemens_per_m, 0.33))
    index = np.arange(3000) + 0.5
    down, around = np.arccos(1 - 2 * index / 3000), np.pi * (1 + 5**0.5) * index
    sources = np.c_[np.cos(around) * np.sin(down), np.sin(around) * np.sin(down), np.cos(down)]
    sources = sources[sources[:, 2] > -0.45]
    space = mne.setup_volume_source_space(None, pos={"rr": sources * DEPTH * HEAD_M, "nn": sources})
    montage = mne.channels.make_dig_montage(dict(zip(PLACES, PLACE * HEAD_M)), coord_frame="head",
                                            nasion=[0, HEAD_M, 0], lpa=[-HEAD_M, 0, 0], rpa=[HEAD_M, 0, 0])
    info = mne.create_info(list(PLACES), 256, "eeg")
    info.set_montage(montage)
    forward = mne.make_forward_solution(info, None, space, sphere, meg=False, eeg=True)
    return forward["sol"]["data"].reshape(len(PLACES), -1, 3), unit(forward["source_rr"])


def covariance(field, sources, length_cm, reference):
    apart_cm = np.arccos(np.clip(sources @ sources.T, -1, 1)) * HEAD_M * 100
    coherence = np.exp(-apart_cm / length_cm) if length_cm else np.eye(len(sources))
    at_places = sum(field[:, :, axis] @ coherence @ field[:, :, axis].T for axis in range(3))
    out = reference @ at_places @ reference.T
    return out + 0.03 * np.trace(out) / SCALP * np.eye(SCALP)


def spline_kernel(cosine):
    order = np.arange(1, 51)
    weights = np.r_[0, (2 * order + 1) / (order * (order + 1.0)) ** 4]
    return legendre.legval(cosine, weights) / (4 * np.pi)


def predicted(covered, target):
    """Correlation of a channel with its spherical-spline prediction (Perrin et al. 1989) from all others."""
    others = [i for i in range(SCALP) if i != target]
    count = len(others)
    system = np.ones((count + 1, count + 1))
    system[count, count] = 0
    system[:count, :count] = spline_kernel(PLACE[others] @ PLACE[others].T) + 1e-5 * np.eye(count)
    weights = np.linalg.solve(system.T, np.r_[spline_kernel(PLACE[others] @ PLACE[target]), 1])[:count]
    both = weights @ covered[others, target]
    return both / np.sqrt(covered[target, target] * (weights @ covered[np.ix_(others, others)] @ weights))


def main():
    mne.set_log_level("ERROR")
    apart_cm = np.arccos(np.clip(PLACE[:SCALP] @ PLACE[:SCALP].T, -1, 1)) * HEAD_M * 100
    pairs = np.tril_indices(SCALP, -1)
    linked, across = np.eye(len(PLACES))[:SCALP], np.eye(len(PLACES))[:SCALP]
    linked[:, SCALP:] -= 0.5
    for channel in range(SCALP):  # left and midline channels against the right mastoid
        across[channel, SCALP + (1 if PLACE[channel, 0] <= 0 else 0)] -= 1
    print("skull  coherence  reference      " + "".join(f"{low:g}-{high:g} cm".ljust(20) for low, high in BANDS_CM)
          + "predicted")
    for ratio, skull in ((80, 0.0042), (20, 0.0165)):
        field, sources = lead_field(skull)
        for length_cm in (0, 2, 4):
            for name, reference in (("linked", linked), ("contralateral", across)):
                covered = covariance(field, sources, length_cm, reference)
                level = np.sqrt(np.diag(covered))
                correlation = covered / np.outer(level, level)
                cells = []
                for low, high in BANDS_CM:
                    inside = (apart_cm[pairs] >= low) & (apart_cm[pairs] < high)
                    values = correlation[pairs][inside]
                    cells.append(f"{np.median(values):5.2f} ({values.min():.2f} {values.max():.2f})".ljust(20))
                fits = [predicted(covered, channel) for channel in range(SCALP)]
                print(f"1:{ratio}   {length_cm} cm       {name:<14}" + "".join(cells)
                      + f"{np.median(fits):.2f} ({min(fits):.2f} {max(fits):.2f})")


if __name__ == "__main__":
    main()
