#!/usr/bin/env python3
"""Many random fault plans over the scenarios with the tag `random`, each seed in an environment of its own.

    random_plans.py [--env embedded] [--plans 200] [--first 1]

A plan is one instance of a scenario under one seed. The run of a seed that did not pass is kept, and `assay shrink` with that
seed finds the faults that it needs. The last line is `N passed, N failed, N skipped`.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ASSAY = ROOT / "build" / "release" / "bin" / "assay"
RESULTS = ROOT / "build" / "random-plans"  # a folder below it for each environment


def run(environment, seed):
    """The verdicts of one seed, by instance, with their reasons; and where the run is."""
    arguments = [str(ASSAY), "run", "--tag", "random", "--env", environment, "--seed", str(seed), "--json",
                 "--results", str(RESULTS / environment)]
    done = subprocess.run(arguments, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    try:
        if done.returncode not in (0, 4, 5):  # judged: passed, failed, inconclusive
            raise ValueError
        scenarios = json.loads(done.stdout)["scenarios"]
    except (ValueError, KeyError):
        return [("the run", f"exit code {done.returncode}", done.stderr.strip()[-500:])], None
    verdicts = [(one.get("instance") or one["id"], one["verdict"], one.get("reason", "")) for one in scenarios]
    return verdicts, RESULTS / environment / os.readlink(RESULTS / environment / "latest")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="embedded", help="environment of assay.yaml")
    parser.add_argument("--plans", type=int, default=200, help="how many at least")
    parser.add_argument("--first", type=int, default=1, help="seed to begin with")
    options = parser.parse_args()
    passed = failed = skipped = 0
    seed = options.first
    while passed + failed < options.plans:
        verdicts, directory = run(options.env, seed)
        good = all(verdict in ("passed", "skipped") for _, verdict, _ in verdicts)
        for name, verdict, reason in verdicts:
            passed += verdict == "passed"
            skipped += verdict == "skipped"
            failed += verdict not in ("passed", "skipped")
            if verdict != "skipped":  # meant for another environment
                print(f"seed {seed:<6} {name:<28} {verdict}" + (f": {reason}" if reason else ""), flush=True)
        if passed + failed == 0:
            print("no scenario with the tag random is meant for this environment", flush=True)
            failed += 1
            break
        if good and directory is not None:
            shutil.rmtree(directory, ignore_errors=True)
        elif not good:
            print(f"            kept in {directory}; assay shrink --tag random --env {options.env} --seed {seed}", flush=True)
        seed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
