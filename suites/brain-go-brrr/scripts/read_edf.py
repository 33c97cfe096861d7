#!/usr/bin/env python3
"""Reads EDF and EDF+ by the letter of the published format (Kemp et al. 1992, Kemp and Olivan 2003) with nothing but
Python's standard library, and prints as JSON what is in the files named as arguments."""

import array
import hashlib
import json
import sys


def read(path):
    with open(path, "rb") as file:
        whole = file.read()
    main = whole[:256]
    header_bytes, record_count = int(main[184:192]), int(main[236:244])
    record_duration, signals = float(main[244:252]), int(main[252:256])
    problems = []
    if main[:8].rstrip() != b"0":
        problems.append("the version is not 0")
    if any(byte < 32 or byte > 126 for byte in whole[:header_bytes]):
        problems.append("the header holds bytes that are not printable ASCII")
    if header_bytes != 256 * (signals + 1):
        problems.append("the header's length does not fit the number of signals")
    columns, at = [], 256
    for width in (16, 80, 8, 8, 8, 8, 8, 80, 8, 32):
        columns.append([whole[at + i * width:at + (i + 1) * width].decode("ascii").strip() for i in range(signals)])
        at += width * signals
    labels, units, samples = columns[0], columns[2], [int(text) for text in columns[8]]
    physical = [(float(low), float(high)) for low, high in zip(columns[3], columns[4])]
    digital = [(int(low), int(high)) for low, high in zip(columns[5], columns[6])]
    record_bytes = 2 * sum(samples)
    if len(whole) != header_bytes + record_count * record_bytes:
        problems.append(f"the file has {len(whole)} bytes, the header says {header_bytes + record_count * record_bytes}")
    described = []
    offset = 0
    for i in range(signals):
        values = array.array("h")
        for record in range(record_count):
            start = header_bytes + record * record_bytes + offset
            values.frombytes(whole[start:start + 2 * samples[i]])
        if sys.byteorder == "big":
            values.byteswap()
        offset += 2 * samples[i]
        if "Annotations" in labels[i]:
            continue
        low, high = min(values), max(values)
        if not digital[i][0] <= low <= high <= digital[i][1]:
            problems.append(f"{labels[i]} leaves its digital range")
        if physical[i][0] == physical[i][1] or digital[i][0] >= digital[i][1]:
            problems.append(f"{labels[i]} has an empty range")
        gain = (physical[i][1] - physical[i][0]) / (digital[i][1] - digital[i][0])
        described.append({"label": labels[i], "unit": units[i], "samples": len(values),
                          "rate_hz": samples[i] / record_duration,
                          "peak_to_peak": gain * (high - low), "flat": low == high})
    return {"problems": problems, "sha256": hashlib.sha256(whole).hexdigest(), "bytes": len(whole),
            "duration_s": record_count * record_duration, "signals": described}


def read_samples(path):
    """The labels and the digital values of the signals that are not annotations."""
    with open(path, "rb") as file:
        whole = file.read()
    header_bytes, record_count, signals = int(whole[184:192]), int(whole[236:244]), int(whole[252:256])
    labels = [whole[256 + i * 16:272 + i * 16].decode("ascii").strip() for i in range(signals)]
    start = 256 + signals * 216
    samples = [int(whole[start + i * 8:start + 8 + i * 8]) for i in range(signals)]
    words = array.array("h")
    words.frombytes(whole[header_bytes:])
    if sys.byteorder == "big":
        words.byteswap()
    columns, record, offset = [], sum(samples), 0
    for i in range(signals):
        values = array.array("h")
        for r in range(record_count):
            values.extend(words[r * record + offset:r * record + offset + samples[i]])
        offset += samples[i]
        columns.append(values)
    kept = [i for i in range(signals) if "Annotations" not in labels[i]]
    return [labels[i] for i in kept], [columns[i] for i in kept]


if __name__ == "__main__":
    json.dump([read(path) for path in sys.argv[1:]], sys.stdout)
