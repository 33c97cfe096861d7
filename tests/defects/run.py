#!/usr/bin/env python3
"""The suites find what is planted: for each defect of `montage-planted`, the scenario that is to find it runs with it and must
fail at the step and for the reason that name the defect. (That the scenarios pass without a defect is what tests/suites shows.)

    run.py [DEFECT...]

A version that is 15 % slower is found by `assay compare`: eight runs of one scenario become the baseline, three more are no
regression, and three with the defect are one, which the comparison names.

The last line is `N passed, N failed, N skipped`.
"""

import json
import os
import shutil
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
    ("leak-file", "embedded", "BB-LOAD-MEMORY", "Memory has settled", "slope(", None),
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


def steady_run(environment):
    """One run of BB-LATENCY; the p50 of its load in microseconds."""
    done = subprocess.run([str(ASSAY), "run", "--filter", "BB-LATENCY", "--seed", "7", "--json", "--results", str(RESULTS / "slow")],
                          cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", env=environment)
    if done.returncode != 0:
        raise RuntimeError(f"BB-LATENCY ended with {done.returncode}: {done.stdout[-300:]}{done.stderr[-300:]}")
    (one,) = json.loads(done.stdout)["scenarios"]
    (load,) = [step for step in one["steps"] if step.get("name") == "Steady"]
    text = load["attempts"][-1]["outcome"]["latency"]["p50"]
    return float(str(next(iter(text.values())) if isinstance(text, dict) else text).rstrip("s")) * 1e6


def compare(*arguments):
    return subprocess.run([str(ASSAY), "compare", "--results", str(RESULTS / "slow"), "--baseline", str(RESULTS / "slow" / "baseline.json"),
                           "--metric", "*=1000%", "--metric", "*steady:latency.p50=10%", *arguments],
                          cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")


def noise_of(compared):
    """What equal runs of this machine differ by now, relative to the baseline."""
    (metric,) = [one for one in json.loads(compared.stdout)["metrics"] if one["name"].endswith("steady:latency.p50")]
    return metric["noise"] / metric["before"]


def check_slow():
    """The same path names the healthy program and then the slow one: only the program differs between the runs. Whether it is found,
    or None when this machine is too restless to tell 15 %, and what was seen."""
    shutil.rmtree(RESULTS / "slow", ignore_errors=True)
    (RESULTS / "slow").mkdir(parents=True)
    program = RESULTS / "slow" / "montage"
    program.symlink_to(PLANTED.parent / "montage")
    environment = {**os.environ, "MONTAGE": str(program)}
    typical = sorted(steady_run(environment) for _ in range(8))[4]
    made = compare("--last", "8", "--update-baseline")
    if made.returncode != 0:
        return False, f"no baseline: {made.stdout[-400:]}{made.stderr[-400:]}"
    for _ in range(3):
        steady_run(environment)
    same = compare("--json", "--last", "3")
    if same.returncode != 0:
        return False, f"three runs of the same program are told a regression: {same.stdout[-600:]}"
    if noise_of(same) > 0.12:
        return None, f"equal runs differ by {100 * noise_of(same):.0f} %"
    program.unlink()
    program.symlink_to(PLANTED)
    # Each of the four users waits for what the others' requests take longer as well.
    for _ in range(3):
        steady_run({**environment, "MONTAGE_DEFECT": f"slow:{round(typical * 0.15 / 4)}"})
    slow = compare("--last", "3")
    found = slow.returncode == 4 and "steady:latency.p50" in slow.stdout
    return found, f"exit code {slow.returncode}, expected 4: {slow.stdout[-600:]}"


def main():
    known = [case[0] for case in CASES] + ["slow"]
    chosen = sys.argv[1:] or known
    unknown = set(chosen) - set(known)
    if unknown:
        sys.exit(f"no such defect: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
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
    if "slow" in chosen:
        for _ in range(2):
            good, seen = check_slow()
            if good is not None:
                break
    if "slow" in chosen and good is None:
        skipped += 1
        print(f"skipped: slow: the machine is too restless, {seen}; try again when it is quiet", flush=True)
    elif "slow" in chosen:
        passed += good
        failed += not good
        print(f"{'ok' if good else 'FAIL':>5}  a latency that is 15 % higher is found by assay compare" + ("" if good else f": {seen}"), flush=True)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
