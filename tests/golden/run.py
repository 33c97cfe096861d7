#!/usr/bin/env python3
"""Golden tests of the command line: what assay prints, and its exit code, compared with recorded output.

A case is a folder below tests/golden/cases with the file `cmd` (one command line a line, `assay …`; the folder is the
working directory) and `expected` (what the commands printed, with volatile parts masked, and each exit code).
`./dev approve` rewrites `expected` from the present output; look at the difference before committing it.
"""

import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CASES = ROOT / "tests" / "golden" / "cases"
ASSAY = ROOT / "build" / "release" / "bin" / "assay"

MASKS = [
    (re.compile(r"\b\d+(\.\d+)? (ns|us|ms|s)\b"), "<time>"),
    (re.compile(r"\b\d+ min \d+ s\b"), "<time>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<sha256>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "<instant>"),
    (re.compile(r"\b\d{8}-\d{6}-[0-9a-z]+\b"), "<run>"),
    (re.compile(r"127\.0\.0\.1:\d{4,5}"), "127.0.0.1:<port>"),
    (re.compile(r"\bpid \d+\b"), "pid <pid>"),
    (re.compile(r"assay \d+\.\d+\.\d+"), "assay <version>"),
]


def masked(text, folder):
    text = text.replace(str(folder), "<dir>").replace(str(ROOT), "<root>")
    for pattern, word in MASKS:
        text = pattern.sub(word, text)
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)


def run_case(case):
    with tempfile.TemporaryDirectory(prefix="assay-golden-") as temporary:
        folder = Path(temporary) / "case"
        shutil.copytree(case, folder)
        environment = {"PATH": f"{ASSAY.parent}:{os.environ['PATH']}", "HOME": temporary, "NO_COLOR": "1",
                       "COLUMNS": "100", "LC_ALL": "C.UTF-8"}
        printed = ""
        for line in (case / "cmd").read_text().splitlines():
            if not line.strip():
                continue
            finished = subprocess.run(["bash", "-c", line], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
            printed += f"$ {line}\n{finished.stdout}[exit {finished.returncode}]\n"
        return case, masked(printed, folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--approve", action="store_true", help="record the present output")
    parser.add_argument("filter", nargs="?", default="", help="only cases whose path contains this")
    options = parser.parse_args()
    cases = sorted(path.parent for path in CASES.rglob("cmd") if options.filter in str(path.parent))
    passed = failed = 0
    with ThreadPoolExecutor(max_workers=2) as pool:
        for case, printed in pool.map(run_case, cases):
            name = case.relative_to(CASES)
            expected = case / "expected"
            recorded = expected.read_text() if expected.exists() else ""
            if printed == recorded:
                passed += 1
                continue
            if options.approve:
                expected.write_text(printed)
                print(f"approved {name}")
                passed += 1
                continue
            failed += 1
            print(f"FAILED {name}")
            print("".join(difflib.unified_diff(recorded.splitlines(True), printed.splitlines(True), "expected",
                                               "printed")))
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
