#!/usr/bin/env python3
"""Builds and runs every test of the project; the last line is `N passed, N failed, N skipped`.

Stages, in order (each can be chosen with --label):
  unit, conformance, live   the GoogleTest programs of the sanitizer build
  docs                      examples run, quotations and reference are current
  golden                    the command line of the release build against recorded output
  browser                   the HTML report in a headless browser
  suite                     the qualification suites with the release build, each run replayed and verified
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LABELS = ["unit", "conformance", "live", "golden", "docs", "browser", "suite"]


class Totals:
    """What was seen so far, and how it is printed."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        self.reasons = {}

    def add(self, name, passed, failed, skipped, seconds):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped
        mark = "FAIL" if failed else "ok"
        print(f"{mark:>5}  {name:<44} {passed:>5} passed {failed:>3} failed {skipped:>3} skipped {seconds:>7.1f} s",
              flush=True)

    def explain_skip(self, name, reason):
        self.reasons.setdefault(reason, []).append(name)


def say(text):
    print(f"\n== {text}", flush=True)


def build(preset, *targets):
    subprocess.run(["./dev", "build", preset, *targets], cwd=ROOT, check=True)


def programs(preset):
    """Name, command and labels of each GoogleTest program, from CTest's own list."""
    listing = subprocess.run(["ctest", "--test-dir", f"build/{preset}", "--show-only=json-v1"], cwd=ROOT,
                             check=True, capture_output=True, text=True).stdout
    for test in json.loads(listing)["tests"]:
        labels = []
        for prop in test.get("properties", []):
            if prop["name"] == "LABELS":
                labels = prop["value"]
        yield test["name"], test["command"], labels


def run_program(name, command, pattern, totals):
    """Runs one GoogleTest program and counts its cases from the JSON it writes."""
    with tempfile.NamedTemporaryFile(suffix=".json") as result:
        arguments = [*command, f"--gtest_output=json:{result.name}", "--gtest_brief=1"]
        if pattern:
            arguments.append(f"--gtest_filter=*{pattern}*")
        started = time.monotonic()
        try:
            finished = subprocess.run(arguments, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, errors="replace", timeout=900)
            output, status = finished.stdout, finished.returncode
        except subprocess.TimeoutExpired as late:
            output, status = (late.stdout or b"").decode(errors="replace") + "\nno end within 900 s", 1
        seconds = time.monotonic() - started
        try:
            report = json.loads(Path(result.name).read_text())
        except ValueError:
            report = None
    if report is None:
        totals.add(name, 0, 1, 0, seconds)
        totals.failures.append((name, output))
        return
    cases = [case for suite in report["testsuites"] for case in suite["testsuite"] if case["status"] == "RUN"]
    failed = sum("failures" in case for case in cases)
    skipped = 0
    for case in cases:
        if case.get("result") == "SKIPPED":
            skipped += 1
            reasons = [part.get("message", "") for part in case.get("skipped", [])]
            reason = re.sub(r"^.*\n", "", reasons[0], count=1).strip() if reasons else "no reason given"
            totals.explain_skip(f"{case['classname']}.{case['name']}", reason)
    if status != 0 and failed == 0:
        failed = 1  # a crash, a sanitizer report, a leak
    if not cases and status == 0:
        return
    totals.add(name, len(cases) - failed - skipped if len(cases) >= failed + skipped else 0, failed, skipped, seconds)
    if failed:
        totals.failures.append((name, output))


def run_script(name, command, totals):
    """Runs a script that closes with `N passed, N failed, N skipped`."""
    started = time.monotonic()
    finished = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace")
    seconds = time.monotonic() - started
    lines = re.findall(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", finished.stdout, re.MULTILINE)
    passed, failed, skipped = map(int, lines[-1]) if lines else (0, 1, 0)
    if finished.returncode != 0 and failed == 0:
        failed = 1
    for reason in re.findall(r"^skipped: (.*)$", finished.stdout, re.MULTILINE):
        totals.explain_skip(name, reason)
    totals.add(name, passed, failed, skipped, seconds)
    if failed:
        totals.failures.append((name, finished.stdout))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-k", metavar="FILTER", help="only GoogleTest cases whose name contains FILTER")
    parser.add_argument("--label", choices=LABELS, action="append", help="only this stage (may be repeated)")
    parser.add_argument("--preset", default="dev", choices=["dev", "tsan", "release"],
                        help="build that the GoogleTest programs come from (default: dev, with sanitizers)")
    options = parser.parse_args()
    wanted = options.label or (LABELS if not options.k else ["unit", "conformance", "live"])
    totals = Totals()
    started = time.monotonic()

    compiled = [label for label in ("unit", "conformance", "live") if label in wanted]
    if compiled:
        build(options.preset)
        say(f"tests of the {options.preset} build: {', '.join(compiled)}")
        for name, command, labels in sorted(programs(options.preset)):
            if set(labels) & set(compiled):
                run_program(name, command, options.k, totals)
    if {"golden", "docs", "browser", "suite"} & set(wanted):
        build("release", "assay_program", "montage_program")
        say("tests of the programs")
        if "golden" in wanted:
            run_script("golden output", [sys.executable, "tests/golden/run.py"], totals)
        if "docs" in wanted:
            run_script("documentation", [sys.executable, "tests/docs/run.py"], totals)
        if "suite" in wanted:
            run_script("suites", [sys.executable, "tests/suites/run.py"], totals)
        if "browser" in wanted:
            run_script("browser", [sys.executable, "tests/browser/run.py"], totals)

    for name, output in totals.failures:
        say(f"output of {name}")
        print("\n".join(output.splitlines()[-200:]))
    if totals.reasons:
        say("skipped, and why")
        for reason, names in sorted(totals.reasons.items()):
            print(f"  {len(names)} x {reason}")
    print(f"\n{time.monotonic() - started:.0f} s in all")
    print(f"{totals.passed} passed, {totals.failed} failed, {totals.skipped} skipped")
    return 1 if totals.failed or totals.passed == 0 else 0


if __name__ == "__main__":
    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0")
    os.environ.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    sys.exit(main())
