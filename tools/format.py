#!/usr/bin/env python3
"""Formats C++ sources with clang-format-19: those changed against HEAD, or all with --all; --check only tells."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def files(everything):
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"] if everything else \
        ["git", "diff", "--name-only", "--diff-filter=d", "HEAD"]
    names = subprocess.run([*listing, "--", "*.h", "*.cc"], cwd=ROOT, check=True, capture_output=True,
                           text=True).stdout.split()
    if not everything:
        names += subprocess.run(["git", "ls-files", "--others", "--exclude-standard", "--", "*.h", "*.cc"], cwd=ROOT,
                                check=True, capture_output=True, text=True).stdout.split()
    return [name for name in names if (ROOT / name).is_file()]


def main():
    names = files("--all" in sys.argv or "--check" in sys.argv)
    mode = ["--dry-run", "-Werror"] if "--check" in sys.argv else ["-i"]
    parts = [names[start:start + 40] for start in range(0, len(names), 40)]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        runs = list(pool.map(lambda part: subprocess.run(["clang-format-19", *mode, *part], cwd=ROOT).returncode, parts))
    return max(runs, default=0)


if __name__ == "__main__":
    sys.exit(main())
