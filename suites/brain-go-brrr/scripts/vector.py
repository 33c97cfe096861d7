#!/usr/bin/env python3
"""Reads a cached feature vector without any code of Montage, and prints JSON.

Standard input: {"value": Base64 of the cached bytes, "values": the numbers that the API answered}. The bytes are a line
that names the method, and then float32, little-endian. Printed: how many numbers there are, the name of the method, and
whether each of them has the same bits as the answered one.
"""

import base64
import json
import struct
import sys

given = json.load(sys.stdin)
heading, _, packed = base64.b64decode(given["value"]).partition(b"\n")
count = len(packed) // 4
kept = struct.unpack(f"<{count}I", packed)
answered = [struct.unpack("<I", struct.pack("<f", value))[0] for value in given["values"]]
exact = all(struct.unpack("<f", struct.pack("<f", value))[0] == value for value in given["values"])
json.dump({"method": heading.decode(), "count": count, "whole": len(packed) % 4 == 0,
           "equal": list(kept) == answered and exact}, sys.stdout)
