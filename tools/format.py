#!/usr/bin/env python3
"""Formats C++ sources with clang-format-19: those changed against HEAD, or all with --all; --check only tells."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def files(everything):
    listing = ["git", "ls-files", "*.h", "*.cc"] if everything else \
        ["git", "diff", "--name-only", "--diff-filter=d", "HEAD", "--", "*.h", "*.cc"]
    return subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()


def main():
    names = files("--all" in sys.argv or "--check" in sys.argv)
    if not names:
        return 0
    mode = ["--dry-run", "-Werror"] if "--check" in sys.argv else ["-i"]
    return subprocess.run(["clang-format-19", *mode, *names], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
