#!/usr/bin/env python3
"""Damages a file in place and prints {"before": SHA-256, "after": SHA-256, "size": bytes after}.

    spoil.py FILE truncate     keeps its first half
    spoil.py FILE flip         flips one bit in its middle
"""

import hashlib
import json
import sys
from pathlib import Path


def main():
    file, how = Path(sys.argv[1]), sys.argv[2]
    before = file.read_bytes()
    middle = len(before) // 2
    with file.open("r+b") as opened:
        if how == "truncate":
            opened.truncate(middle)
        else:
            opened.seek(middle)
            opened.write(bytes([before[middle] ^ 1]))
    after = file.read_bytes()
    json.dump({"before": hashlib.sha256(before).hexdigest(), "after": hashlib.sha256(after).hexdigest(),
               "size": len(after)}, sys.stdout)


main()
