#!/usr/bin/env python3
"""Breaks Montage on purpose, one place at a time, and looks which scenarios notice. Run on demand:

    tests/suites/breakages.py [NAME...]

Each file of tests/suites/breakages/ is a patch of Montage's sources whose first lines say what it breaks and which
scenarios must fail:

    breaks: one bad channel is left out of the quality report
    suite: brain-go-brrr
    fails: BB-QUALITY BB-PROBLEMATIC

For each one the tree is checked out aside, the patch is applied, Montage is built there, and the unbroken Assay runs the
suite with the broken binary. Exactly the named scenarios must fail, and all others must pass.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PATCHES = Path(__file__).resolve().parent / "breakages"
SCRATCH = ROOT / "build" / "breakages"
ASSAY = ROOT / "build" / "release" / "bin" / "assay"


def head_of(patch):
    head = {}
    for line in patch.read_text().splitlines():
        name, colon, text = line.partition(": ")
        if not colon or line.startswith(("diff ", "--- ")):
            break
        head[name] = text.strip()
    return head


def run(*command, **options):
    return subprocess.run(command, check=True, **options)


def check_out():
    """The committed tree and its build directory, kept between patches so that little is compiled."""
    tree = SCRATCH / "tree"
    if not tree.exists():
        run("git", "worktree", "add", "--detach", "--force", str(tree), "HEAD", cwd=ROOT, capture_output=True)
    run("git", "checkout", "--force", "--detach", subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip(),
        cwd=tree, capture_output=True)
    run("git", "clean", "-fdq", "-e", "build", cwd=tree)
    return tree


def build(tree, log):
    environment = {**os.environ, "CCACHE_BASEDIR": str(tree), "CCACHE_COMPILERCHECK": "content",
                   "CCACHE_SLOPPINESS": "pch_defines,time_macros,include_file_mtime,include_file_ctime"}
    with log.open("a") as output:
        if not (tree / "build" / "release" / "build.ninja").exists():
            run("cmake", "--preset", "release", cwd=tree, env=environment, stdout=output, stderr=output)
        run("nice", "cmake", "--build", "build/release", "--target", "montage_program", cwd=tree, env=environment,
            stdout=output, stderr=output)
    return tree / "build" / "release" / "bin" / "montage"


def first_message(directory, scenario_id):
    report = json.loads((directory / "report.json").read_text())

    def failing(steps):
        for step in steps:
            yield from failing(step["steps"])
            for expectation in step["expectations"]:
                if expectation["verdict"] != "passed":
                    yield f"{step['name'] or step['head']}: {expectation['expression']}"
            if step["verdict"] in ("failed", "error") and step["reason"]:
                yield f"{step['name'] or step['head']}: {step['reason']}"

    for scenario in report["scenarios"]:
        if scenario["id"] == scenario_id:
            return next(failing(scenario["steps"]), scenario["reason"])
    return ""


def judge(patch, binary):
    head = head_of(patch)
    results = SCRATCH / "results" / patch.stem
    shutil.rmtree(results, ignore_errors=True)
    subprocess.run([str(ASSAY), "run", "--suite", head["suite"], "--report", "json", "--results", str(results)],
                   cwd=ROOT, env={**os.environ, "MONTAGE": str(binary)}, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    directory = (results / "latest").resolve()
    scenarios = json.loads((directory / "run.json").read_text())["scenarios"]
    found = sorted(scenario["id"] for scenario in scenarios if scenario["verdict"] not in ("passed", "skipped"))
    expected = sorted(head["fails"].split())
    print(f"\n{'ok' if found == expected else 'FAIL'}  {patch.stem}: {head['breaks']}")
    for name in found:
        print(f"      {name}: {first_message(directory, name)[:160]}")
    if found != expected:
        print(f"      expected {expected}, found {found}")
    sys.stdout.flush()
    return found == expected


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="only these breakages")
    parser.add_argument("--keep", action="store_true", help="keeps the tree and its build for the next time")
    options = parser.parse_args()
    patches = [patch for patch in sorted(PATCHES.glob("*.patch")) if not options.names or patch.stem in options.names]
    SCRATCH.mkdir(parents=True, exist_ok=True)
    tree = check_out()
    log = SCRATCH / "build.log"
    good = 0
    try:
        for patch in patches:
            applied = subprocess.run(["git", "apply", "--whitespace=nowarn", str(patch)], cwd=tree, capture_output=True,
                                     text=True)
            if applied.returncode != 0:
                print(f"\nFAIL  {patch.stem}: the patch does not apply: {applied.stderr.strip()}", flush=True)
                continue
            good += judge(patch, build(tree, log))
            run("git", "checkout", "--force", ".", cwd=tree, capture_output=True)
    finally:
        run("git", "checkout", "--force", ".", cwd=tree, capture_output=True)
        if not options.keep:
            run("git", "worktree", "remove", "--force", str(tree), cwd=ROOT, capture_output=True)
    print(f"\n{good} passed, {len(patches) - good} failed, 0 skipped")
    return 0 if good == len(patches) else 1


sys.exit(main())
