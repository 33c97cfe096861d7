#!/usr/bin/env python3
"""Runs the comparisons of this folder: all rows, or those that are named.

    python3 bench/run.py [--no-build] [--rounds N] [--full] [ROW...]

A row is one script here with a function run(bench). It prints what it measured and the ratio; when a peer cannot be
had it prints why and goes on. The exit code is 1 when a row failed, that is, when somebody did not do the work.
"""

import argparse
import datetime
import importlib
import os
import platform
import subprocess
import sys

from measure import Bench, Unavailable

ROWS = ["functional", "loading", "load", "cel", "edf", "eeg", "api", "proxy", "detection"]


def machine():
    names = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    memory = next(int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemTotal"))
    return f"{len(names)} x {names[0]}, {memory / 2**20:.0f} GiB, Linux {platform.release().split('-')[0]}"


def busy():
    return ", ".join(f"{load:.1f}" for load in os.getloadavg())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--no-build", action="store_true", help="measure what is built already")
    parser.add_argument("--build", default="build/release", help="folder of the build (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved repetitions (default: %(default)s)")
    parser.add_argument("--full", action="store_true", help="the lengths of the bars, where a row takes shorter ones every day")
    arguments = parser.parse_args()
    unknown = [row for row in arguments.rows if row not in ROWS]
    if unknown:
        parser.error(f'"{unknown[0]}" is no row; expected one of {", ".join(ROWS)}')
    print(f"{datetime.date.today()}: {machine()}; load average {busy()}")
    bench = Bench(arguments)
    failed = []
    for row in arguments.rows or ROWS:
        print(f"\n== {row}", flush=True)
        try:
            importlib.import_module(row).run(bench)
        except Unavailable as reason:
            print(f"  not measured: {reason}")
        except (AssertionError, subprocess.SubprocessError, OSError) as problem:
            print(f"  FAILED: {problem}")
            failed.append(row)
    print(f"\nload average at the end {busy()}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
