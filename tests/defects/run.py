#!/usr/bin/env python3
"""The suites find what is planted: for each defect of `montage-planted`, the scenario that is to find it runs with it and must
fail at the step and for the reason that name the defect. (That the scenarios pass without a defect is what tests/suites shows.)

    run.py [DEFECT...]

The last line is `N passed, N failed, N skipped`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ASSAY = ROOT / "build" / "release" / "bin" / "assay"
PLANTED = ROOT / "build" / "release" / "bin" / "montage-planted"
RESULTS = ROOT / "build" / "defect-results"

# Defect, environment, scenario, step that fails, words of its reason, variable that the environment needs.
CASES = [
    ("lost-ack", "embedded", "BB-LOAD-COMPLETE", "Each accepted job came out once", " lost: ", None),
    ("doubled-job", "embedded", "BB-LOAD-COMPLETE", "Each accepted job came out once", " duplicated: ", None),
    ("leak", "embedded", "BB-LOAD-LEAK", "The service leaks no memory", "growth", None),
    ("stale-read", "failover", "BB-DATABASE-FAILOVER",
     "The service shows what the database holds, and not what it was before the failover", "", "ASSAY_LIVE_POSTGRES"),
]


def failed_steps(steps):
    """Names and reasons of the steps that failed, also inside others."""
    for step in steps:
        if step.get("verdict") == "failed":
            yield step.get("name", ""), step.get("reason", "")
        yield from failed_steps(step.get("steps", []))


def check(defect, environment, scenario, step, words):
    """Whether it is found, and what was seen."""
    done = subprocess.run([str(ASSAY), "run", "--env", environment, "--filter", scenario, "--json", "--results", str(RESULTS)],
                          cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                          env={**os.environ, "MONTAGE": str(PLANTED), "MONTAGE_DEFECT": defect})
    if done.returncode != 4:
        return False, f"exit code {done.returncode}, expected 4: {done.stderr.strip()[-400:]}"
    (one,) = json.loads(done.stdout)["scenarios"]
    failed = list(failed_steps(one["steps"]))
    found = any(name == step and words in reason for name, reason in failed)
    return found, f"expected a failure of \"{step}\" with \"{words}\", found {failed}"


def main():
    chosen = sys.argv[1:] or [case[0] for case in CASES]
    unknown = set(chosen) - {case[0] for case in CASES}
    if unknown:
        sys.exit(f"no such defect: {', '.join(sorted(unknown))}; there are {', '.join(case[0] for case in CASES)}")
    passed = failed = skipped = 0
    for defect, environment, scenario, step, words, needs in CASES:
        if defect not in chosen:
            continue
        if needs and not os.environ.get(needs):
            skipped += 1
            print(f"skipped: {defect}: {needs} is not set; `./dev services up` starts the servers", flush=True)
            continue
        good, seen = check(defect, environment, scenario, step, words)
        passed += good
        failed += not good
        print(f"{'ok' if good else 'FAIL':>5}  {defect} is found by {scenario}" + ("" if good else f": {seen}"), flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
