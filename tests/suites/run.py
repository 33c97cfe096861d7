#!/usr/bin/env python3
"""The qualification suites of assay.yaml, run as a user runs them, with the release build.

For each suite that has scenarios, in its own environment and in those of ELSEWHERE: `assay run`, then `assay verify`, `assay replay` and `assay trace` of that run; the JUnit
file must be valid XML and count what run.json counts. Nothing that a run started may be left after it, and nothing
either within 5 s after assay was killed in the middle of a second run. Every scenario and every one of these checks is
one result; the last line is `N passed, N failed, N skipped`.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ASSAY = ROOT / "build" / "release" / "bin" / "assay"
RESULTS = ROOT / "build" / "suite-results"
MARKER = "ASSAY_SUITE_TEST"
LEFT_LIMIT_S = 5.0
# Further environments of a suite: what they need besides the build, and the arguments that choose scenarios.
ELSEWHERE = {"brain-go-brrr": [("production", ["ASSAY_LIVE_POSTGRES", "ASSAY_LIVE_RABBITMQ", "ASSAY_LIVE_S3"], []),
                               ("failover", ["ASSAY_LIVE_POSTGRES"], ["--filter", "BB-DATABASE-FAILOVER"])]}
PASSING = {0, 5}  # nothing failed; 5: something was inconclusive, which its own line says


class Tally:
    """Results so far, printed as they come."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, name, good, why=""):
        self.passed += bool(good)
        self.failed += not good
        print(f"{'ok' if good else 'FAIL':>5}  {name}" + (f": {why}" if why and not good else ""), flush=True)

    def scenario(self, scenario):
        verdict = scenario["verdict"]
        if verdict == "skipped":
            self.skipped += 1
            print(f"skipped: {scenario['id']}: {scenario['reason']}", flush=True)
        else:
            self.check(scenario["id"], verdict == "passed", f"{verdict}: {scenario.get('reason', '')}")


def suites():
    """Names of the suites that have scenarios."""
    for folder in sorted((ROOT / "suites").iterdir()):
        files = [file for file in folder.rglob("*.yaml")
                 if file.name != "requirements.yaml" and "fragments" not in file.parts]
        if files:
            yield folder.name


def carriers(marker):
    """Processes whose environment holds the marker: what one run started, and nothing else."""
    wanted = f"{MARKER}={marker}".encode()
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue
    return found


def wait_until_gone(marker, limit):
    until = time.monotonic() + limit
    while True:
        left = carriers(marker)
        if not left or time.monotonic() > until:
            return left
        time.sleep(0.1)


def assay(marker, *arguments, **options):
    return subprocess.run([str(ASSAY), *arguments], cwd=ROOT, stdin=subprocess.DEVNULL, text=True, errors="replace",
                          env={**os.environ, MARKER: marker}, **options)


def check_junit(tally, suite, directory, summary):
    file = directory / "junit.xml"
    valid = subprocess.run(["xmllint", "--noout", str(file)], capture_output=True, text=True)
    if valid.returncode != 0:
        tally.check(f"{suite}: junit.xml", False, valid.stderr.strip())
        return
    root = ElementTree.parse(file).getroot()
    counts = summary["counts"]
    expected = {"tests": len(summary["scenarios"]), "failures": counts.get("failed", 0),
                "errors": counts.get("error", 0) + counts.get("inconclusive", 0), "skipped": counts.get("skipped", 0)}
    found = {name: int(root.get(name)) for name in expected}
    cases = {"tests": len(root.findall(".//testcase")), "failures": len(root.findall(".//failure")),
             "errors": len(root.findall(".//error")), "skipped": len(root.findall(".//skipped"))}
    tally.check(f"{suite}: junit.xml counts what run.json counts", expected == found == cases,
                f"run.json {expected}, attributes {found}, elements {cases}")


def check_trace(tally, title, suite, marker, directory, summary):
    """Every requirement that passing scenarios name is verified, and no other."""
    traced = assay(marker, "trace", "--suite", suite, "--run", str(directory), "--json", capture_output=True)
    try:
        rows = json.loads(traced.stdout)["requirements"]
    except (ValueError, KeyError):
        tally.check(f"{title}: trace", False, (traced.stderr or traced.stdout).strip()[:500])
        return
    junit = ElementTree.parse(directory / "junit.xml").getroot()
    claims = {}
    for case in junit.iter("testcase"):
        properties = [(p.get("name"), p.get("value")) for p in case.iter("property")]
        for name, value in properties:
            if name == "verifies":
                claims.setdefault(value, []).append(dict(properties)["verdict"])
    expected = sorted(name for name, verdicts in claims.items() if set(verdicts) == {"passed"})
    verified = sorted(row["id"] for row in rows if row["verdict"] == "verified")
    tally.check(f"{title}: trace ({len(verified)} of {len(rows)} requirements verified)", verified == expected and rows,
                f"claimed by passing scenarios {expected}, traced as verified {verified}")


def run_suite(tally, suite, extra, environment=""):
    marker = uuid.uuid4().hex
    title = f"{suite} in {environment}" if environment else suite
    extra = [*(["--env", environment] if environment else []), *extra]
    print(f"\n== suite {title}", flush=True)
    started = time.monotonic()
    status = assay(marker, "run", "--suite", suite, "--report", "terminal,json,junit,html", "--results", str(RESULTS),
                   *extra).returncode
    print(f"-- {time.monotonic() - started:.1f} s, exit code {status}", flush=True)
    left = wait_until_gone(marker, 1.0)
    directory = (RESULTS / "latest").resolve()
    try:
        summary = json.loads((directory / "run.json").read_text())
    except (OSError, ValueError) as error:
        tally.check(f"{title}: run.json", False, str(error))
        return
    for scenario in summary["scenarios"]:
        tally.scenario(scenario)
    failing = any(scenario["verdict"] == "failed" for scenario in summary["scenarios"])
    tally.check(f"{title}: exit code {status}", (status == 4) == failing and (failing or status in PASSING | {3}))
    tally.check(f"{title}: nothing is left after the run", not left, str(left))
    verified = assay(marker, "verify", str(directory), capture_output=True)
    tally.check(f"{title}: verify", verified.returncode == 0, (verified.stdout + verified.stderr).strip()[-500:])
    replayed = assay(marker, "replay", str(directory), capture_output=True)
    tally.check(f"{title}: replay gives the same verdicts", replayed.returncode == 0,
                (replayed.stdout + replayed.stderr).strip()[-1500:])
    check_junit(tally, title, directory, summary)
    check_trace(tally, title, suite, marker, directory, summary)
    page = directory / "report.html"
    tally.check(f"{title}: report.html", page.exists() and page.stat().st_size > 10_000)


def kill_in_the_middle(tally, suite):
    """SIGKILL for assay while services run and scenarios are under way."""
    marker = uuid.uuid4().hex
    results = RESULTS / "killed"
    running = subprocess.Popen([str(ASSAY), "run", "--suite", suite, "--results", str(results)], cwd=ROOT,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, MARKER: marker})
    until = time.monotonic() + 60
    services = scenarios = False
    while time.monotonic() < until and running.poll() is None and not (services and scenarios):
        time.sleep(0.05)
        logs = list(results.glob("*/events.jsonl"))
        scenarios = bool(logs) and '"scenario.started"' in logs[0].read_text(errors="replace")
        services = any(" serve" in command for command in carriers(marker).values())
    time.sleep(0.5)
    before = carriers(marker)
    in_the_middle = services and scenarios and running.poll() is None
    running.send_signal(signal.SIGKILL)
    running.wait()
    killed = time.monotonic()
    left = wait_until_gone(marker, LEFT_LIMIT_S)
    seconds = time.monotonic() - killed
    tally.check(f"{suite}: killed in the middle, {len(before) - 1} processes gone after {seconds:.1f} s",
                in_the_middle and len(before) > 1 and not left,
                f"in the middle: {in_the_middle}, before: {before}, left: {left}")
    for pid in left:
        os.kill(pid, signal.SIGKILL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", action="append", help="only this suite (may be repeated)")
    parser.add_argument("--no-kill", action="store_true", help="leaves out the run that is killed in the middle")
    parser.add_argument("arguments", nargs="*", help="further arguments of `assay run`, after --")
    options = parser.parse_args()
    if not ASSAY.exists():
        sys.exit(f"{ASSAY} is missing; ./dev build release builds it")
    shutil.rmtree(RESULTS, ignore_errors=True)
    tally = Tally()
    chosen = [suite for suite in suites() if not options.suite or suite in options.suite]
    for suite in chosen:
        run_suite(tally, suite, options.arguments)
        for environment, needs, selection in ELSEWHERE.get(suite, []):
            missing = [name for name in needs if not os.environ.get(name)]
            if missing:
                tally.skipped += 1
                print(f"skipped: {suite} in {environment}: {missing[0]} names no server (./dev services up)", flush=True)
            else:
                run_suite(tally, suite, [*selection, *options.arguments], environment)
    if chosen and not options.no_kill:
        kill_in_the_middle(tally, chosen[0])
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 1 if tally.failed or tally.passed == 0 else 0


sys.exit(main())
