#!/usr/bin/env python3
"""Builds and runs every test of the project; the last line is `N passed, N failed, N skipped`.

Stages, in order (each can be chosen with --label):
  unit, conformance, live   the GoogleTest programs of the sanitizer build; for live ones the servers of tools/services.py
                            run meanwhile (with -k alone only when they are up already)
  docs                      examples run, quotations and reference are current, packaging is read by its programs
  golden                    the command line of the release build against recorded output; clients of Toxiproxy
  browser                   the HTML report in a headless browser
  suite                     the qualification suites with the release build, in both profiles of Montage (the production one on
                            the same servers), each run replayed and verified; then Montage with planted defects, which
                            they must find
"""

import argparse
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

import services

ROOT = Path(__file__).resolve().parent.parent
LABELS = ["unit", "conformance", "live", "golden", "docs", "browser", "suite"]


class Totals:
    """What was seen so far, and how it is printed."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        self.reasons = {}
        self.lock = threading.Lock()

    def add(self, name, passed, failed, skipped, seconds):
        with self.lock:
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
    if subprocess.run(["./dev", "build", preset, *targets], cwd=ROOT).returncode != 0:
        print(f"\nthe {preset} build failed, so no test ran\n0 passed, 1 failed, 0 skipped")
        sys.exit(1)


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


def run(command, seconds):
    """Output and exit status of a program that gets no input and at most so many seconds."""
    try:
        finished = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, errors="replace", timeout=seconds)
        return finished.stdout, finished.returncode
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode(errors="replace") + f"\nno end within {seconds} s", 1


def cases_of(path):
    """The cases that ran, from the XML that a GoogleTest program writes; None when it wrote none."""
    try:
        report = ElementTree.parse(path).getroot()
    except ElementTree.ParseError:
        return None
    return [case for case in report.iter("testcase") if case.get("status") == "run"]


def run_program(name, command, pattern, totals):
    """Runs one GoogleTest program, or the replay of a fuzz corpus, and counts its cases."""
    started = time.monotonic()
    if name.endswith("_fuzz_replay"):
        if pattern and pattern not in name:
            return
        output, status = run(command, 900)
        cases = [ElementTree.Element("testcase", name=name)]
    else:
        with tempfile.NamedTemporaryFile(suffix=".xml") as result:
            chosen = [f"--gtest_filter=*{pattern}*"] if pattern else []
            output, status = run([*command, f"--gtest_output=xml:{result.name}", "--gtest_brief=1", *chosen], 900)
            cases = cases_of(result.name)
    seconds = time.monotonic() - started
    if cases is None:
        totals.add(name, 0, 1, 0, seconds)
        totals.failures.append((name, output))
        return
    if not cases and status == 0:
        return
    failed = sum(case.find("failure") is not None for case in cases)
    skipped = [case for case in cases if case.find("skipped") is not None]
    for case in skipped:
        reason = case.find("skipped").get("message", "").strip().split("\n")[-1] or "no reason given"
        totals.explain_skip(f"{case.get('classname')}.{case.get('name')}", reason)
    if status != 0 and failed == 0:
        failed = 1  # a crash at the end, a sanitizer report, a leak
    totals.add(name, max(0, len(cases) - failed - len(skipped)), failed, len(skipped), seconds)
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


@contextlib.contextmanager
def live_servers(start, totals):
    """The variables of real servers in the environment; with `start` those that are missing run for the block."""
    if not start:
        os.environ.update(services.endpoints())
        yield
        return
    began = time.monotonic()
    with services.running() as (variables, failures):
        os.environ.update(variables)
        totals.add("servers for live tests", len(services.servers.ALL) - len(failures), len(failures), 0,
                   time.monotonic() - began)
        totals.failures.extend(("servers for live tests", why) for why in failures)
        yield


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

    # A filtered run uses the servers that are up already.
    with live_servers(not options.k and bool({"live", "suite"} & set(wanted)), totals):
        run_stages(options, wanted, totals)

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


def run_stages(options, wanted, totals):
    compiled = [label for label in ("unit", "conformance", "live") if label in wanted]
    if compiled:
        build(options.preset)
        say(f"tests of the {options.preset} build: {', '.join(compiled)}")
        chosen = [(name, command) for name, command, labels in sorted(programs(options.preset))
                  if set(labels) & set(compiled)]
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            for finished in [pool.submit(run_program, *program, options.k, totals) for program in chosen]:
                finished.result()
    if {"golden", "docs", "browser", "suite"} & set(wanted):
        build("release", "assay_program", "montage_program", "montage_planted_program")
        say("tests of the programs")
        if "golden" in wanted:
            run_script("golden output", [sys.executable, "tests/golden/run.py"], totals)
            run_script("Toxiproxy clients", [sys.executable, "tests/toxiproxy/run.py"], totals)
        if "docs" in wanted:
            run_script("documentation", [sys.executable, "tests/docs/run.py"], totals)
            run_script("packaging", [sys.executable, "tests/packaging/run.py"], totals)
        if "suite" in wanted:
            run_script("suites", [sys.executable, "tests/suites/run.py"], totals)
            run_script("planted defects", [sys.executable, "tests/defects/run.py"], totals)
            run_script("suite in containers", [sys.executable, "tests/compose/run.py"], totals)
        if "browser" in wanted:
            run_script("browser", [sys.executable, "tests/browser/run.py"], totals)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped on the way out
    os.environ.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0")
    os.environ.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    sys.exit(main())
