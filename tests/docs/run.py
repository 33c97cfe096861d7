#!/usr/bin/env python3
"""Keeps the documentation true: examples run, quoted files are quoted as they are, the reference is current.

`./dev approve` rewrites the generated reference. The last line is `N passed, N failed, N skipped`.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ASSAY = ROOT / "build" / "release" / "bin" / "assay"
REFERENCE = ROOT / "docs" / "reference" / "scenario-language.md"
COMMANDS = ROOT / "docs" / "reference" / "commands.md"


def examples():
    """Every project in docs/examples loads without errors and passes."""
    for project in sorted(path.parent for path in (ROOT / "docs" / "examples").glob("*/assay.yaml")):
        with tempfile.TemporaryDirectory(prefix="assay-docs-") as folder:
            copy = Path(folder) / project.name
            shutil.copytree(project, copy, ignore=shutil.ignore_patterns("results"))
            for command in (["check"], ["run"]):
                done = subprocess.run([ASSAY, *command], cwd=copy, capture_output=True, text=True, timeout=120)
                problem = "" if done.returncode == 0 else f"exit {done.returncode}\n{done.stdout}{done.stderr}"
                yield f"{project.name}: assay {command[0]}", problem


def walkthroughs():
    """A block behind `<!-- run: name -->` runs as it is, in a folder of its own."""
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for name, script in re.findall(r"<!-- run: (\S+) -->\n```sh\n(.*?)```", page.read_text(), re.DOTALL):
            with tempfile.TemporaryDirectory(prefix="assay-docs-") as folder:
                environment = {"PATH": f"{ASSAY.parent}:{os.environ['PATH']}", "HOME": folder, "LC_ALL": "C.UTF-8"}
                done = subprocess.run(["bash", "-eu", "-c", script], cwd=folder, env=environment, capture_output=True,
                                      text=True, timeout=120)
                problem = "" if done.returncode == 0 else f"exit {done.returncode}\n{done.stdout}{done.stderr}"
                yield f"{page.relative_to(ROOT)}: {name}", problem


def quotations():
    """A block behind `<!-- file: x -->` is that file."""
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for path, shown in re.findall(r"<!-- file: (\S+) -->\n```\w*\n(.*?)```", page.read_text(), re.DOTALL):
            actual = (ROOT / path).read_text() if (ROOT / path).exists() else None
            yield f"{page.relative_to(ROOT)} quotes {path}", "" if shown == actual else "the quotation differs from the file"


def readme_output():
    """The failure that the README shows is what the program prints, apart from times and ids."""
    sys.path.insert(0, str(ROOT / "tests" / "golden"))
    import run as golden
    shown = re.search(r"<!-- output: .*?-->\n```\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL).group(1)
    with tempfile.TemporaryDirectory(prefix="assay-docs-") as folder:
        copy = Path(folder) / "greeting"
        shutil.copytree(ROOT / "docs" / "examples" / "greeting", copy, ignore=shutil.ignore_patterns("results"))
        scenario = copy / "scenarios" / "greeting.yaml"
        scenario.write_text(scenario.read_text().replace('stdout == "Hello, Ada!', 'stdout == "Hello, Eve!'))
        done = subprocess.run([ASSAY, "run", "--seed", "7"], cwd=copy, capture_output=True, text=True, timeout=120,
                              env={"PATH": os.environ["PATH"], "NO_COLOR": "1", "LC_ALL": "C.UTF-8", "COLUMNS": "100"})
        printed = golden.masked(done.stdout, copy)
        yield "the output in README.md", "" if printed == golden.masked(shown, copy) else f"is not what is printed:\n{printed}"


def links():
    """Relative links lead somewhere."""
    for page in [ROOT / "README.md", ROOT / "HACKING.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        broken = [target for target in re.findall(r"\]\(([^)#:\s]+)\)", page.read_text())
                  if not (page.parent / target).exists()]
        yield f"links of {page.relative_to(ROOT)}", f"lead nowhere: {broken}" if broken else ""


def reference(approve):
    """The pages of docs/reference that are printed by the program are what it prints."""
    for page, command in ((REFERENCE, ["schema", "--reference"]), (COMMANDS, ["completion", "markdown"])):
        printed = subprocess.run([ASSAY, *command], cwd=ROOT, capture_output=True, text=True, timeout=60)
        if approve and printed.returncode == 0:
            page.write_text(printed.stdout)
        current = page.read_text() if page.exists() else ""
        same = printed.returncode == 0 and printed.stdout == current
        yield f"the reference {page.name}", "" if same else "is not current; ./dev approve rewrites it"


def main():
    passed = failed = 0
    for check in (reference("--approve" in sys.argv), examples(), walkthroughs(), quotations(), readme_output(), links()):
        for name, problem in check:
            if problem:
                failed += 1
                print(f"FAILED {name}: {problem}")
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
