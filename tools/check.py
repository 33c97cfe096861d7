#!/usr/bin/env python3
"""Checks the rules that a script can check (CONTRIBUTING.md lists them). Exit code 1 when one is broken.

  ./dev check          format, arrows, headers' form, sizes, names, documentation, lint of the files changed against HEAD
  ./dev check --all    the same with every header compiled alone and every file linted (long)
  ./dev check --all lib/base assay/cel
                       compiles and lints only what is below these folders
"""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Which folders a folder may include, besides itself. A folder may always use lib/base. The order is the
# order of the layers: a folder names only folders above it in this table, so that arrows cannot form a circle.
LAYERS = {
    "lib/base": [],
    "lib/crypto": [],
    "lib/json": [],
    "lib/testing": [],
    "lib/stats": ["lib/crypto"],
    "lib/process": [],
    "lib/net": [],
    "lib/http": ["lib/net", "lib/crypto"],
    "lib/sql": [],
    "lib/objects": ["lib/net", "lib/http", "lib/crypto"],
    "lib/redis": ["lib/net"],
    "lib/queue": ["lib/net"],
    "lib/mqtt": ["lib/net"],
    "lib/formats": [],
    "lib/synth": ["lib/formats"],
    "assay/cel": ["lib/crypto", "lib/json", "lib/formats"],
    "assay/scenario": ["lib/crypto", "lib/json"],
    "assay/history": ["assay/cel", "lib/crypto", "lib/json"],
    "assay/checker": ["assay/history", "assay/cel", "lib/json"],
    "assay/plan": ["assay/checker", "assay/scenario", "assay/cel", "lib/crypto", "lib/json", "lib/formats"],
    "assay/action": ["assay/plan", "assay/scenario", "assay/history", "assay/cel", "lib/net", "lib/http",
                     "lib/process", "lib/json", "lib/crypto", "lib/formats", "lib/objects", "lib/sql", "lib/stats", "lib/synth",
                     "lib/redis", "lib/queue", "lib/mqtt"],
    "assay/environment": ["assay/scenario", "assay/history", "assay/cel", "lib/net", "lib/http", "lib/process",
                          "lib/json", "lib/crypto", "lib/objects", "lib/sql", "lib/redis", "lib/queue"],
    "assay/fault": ["assay/action", "assay/environment", "assay/scenario", "assay/history", "assay/cel", "lib/net",
                    "lib/http", "lib/process", "lib/json"],
    "assay/run": ["assay/action", "assay/environment", "assay/plan", "assay/scenario", "assay/checker",
                  "assay/history", "assay/cel", "lib/net", "lib/http", "lib/json", "lib/crypto"],
    "assay/workload": ["assay/action", "assay/plan", "assay/scenario", "assay/history", "assay/cel", "lib/net", "lib/http",
                       "lib/stats", "lib/crypto", "lib/formats"],
    "assay/report": ["assay/history", "assay/cel", "lib/json", "lib/crypto", "lib/stats"],
    "assay/baseline": ["assay/report", "assay/history", "assay/cel", "lib/sql", "lib/json", "lib/crypto", "lib/stats"],
    "assay/importing": ["assay/scenario", "lib/net", "lib/http", "lib/json", "lib/crypto"],
    "assay/sharding": ["assay/run", "assay/workload", "assay/baseline", "assay/plan", "assay/scenario", "assay/history",
                       "assay/cel", "lib/net", "lib/crypto"],
    "assay/cli": ["assay/run", "assay/workload", "assay/report", "assay/baseline", "assay/sharding", "assay/importing", "assay/fault", "assay/action",
                  "assay/environment", "assay/plan", "assay/scenario",
                  "assay/history", "assay/cel", "lib/net", "lib/http", "lib/process", "lib/json", "lib/crypto"],
    "assay": ["assay/cli", "assay/environment", "lib/process"],
    "montage/signal": [],
    "montage/analysis": ["montage/signal", "lib/formats"],
    "montage/evaluation": ["lib/formats"],
    "montage/storage": ["lib/sql", "lib/objects", "lib/crypto"],
    "montage/telemetry": ["lib/json"],
    "montage/cache": ["montage/storage", "montage/telemetry", "lib/objects", "lib/redis", "lib/crypto"],
    "montage/backup": ["montage/storage", "lib/sql", "lib/objects", "lib/crypto"],
    "montage/audit": ["montage/storage", "lib/sql", "lib/crypto", "lib/json"],
    "montage/identity": ["montage/storage", "lib/sql", "lib/crypto", "lib/json"],
    "montage/jobs": ["montage/storage", "lib/sql", "lib/objects", "lib/queue", "lib/crypto", "lib/json"],
    "montage/recordings": ["montage/analysis", "montage/storage", "lib/sql", "lib/objects", "lib/crypto", "lib/json",
                           "lib/formats"],
    "montage/clinical": ["montage/storage", "lib/sql", "lib/json"],
    "montage/inference": ["montage/analysis", "lib/net", "lib/http", "lib/process", "lib/crypto", "lib/json"],
    "montage/infer": ["montage/inference", "lib/crypto"],
    "montage/api": ["montage/analysis", "montage/audit", "montage/cache", "montage/clinical", "montage/identity", "montage/jobs",
                    "montage/recordings", "montage/storage", "montage/telemetry", "lib/http", "lib/net", "lib/json", "lib/crypto",
                    "lib/formats", "lib/sql", "lib/objects"],
    "montage/app": ["montage/api", "montage/analysis", "montage/audit", "montage/backup", "montage/cache", "montage/clinical",
                    "montage/evaluation", "montage/identity", "montage/inference", "montage/jobs", "montage/recordings",
                    "montage/storage", "montage/telemetry",
                    "lib/http", "lib/net", "lib/json", "lib/crypto", "lib/formats", "lib/sql", "lib/objects", "lib/queue",
                    "lib/redis"],
    "montage": ["montage/app"],
}
# The comparisons measure any part of both programs, and nothing includes them.
LAYERS["bench"] = [folder for folder in LAYERS if "/" in folder]
LAYERS["tests/defects"] = ["lib/base", "lib/http", "lib/net", "montage/app", "montage/jobs", "montage/storage"]
# What tests, benches and their support files may use on top, by the first folder of their name.
TEST_EXTRA = {
    "lib": ["lib/testing", "lib/formats", "lib/crypto", "lib/json", "lib/net", "lib/process"],
    "assay": ["lib/testing", "lib/formats", "lib/crypto", "lib/json", "lib/net", "lib/http", "lib/process",
              "lib/synth", "assay/scenario", "assay/history", "assay/plan", "assay/action", "assay/run"],
    "montage": ["lib/testing", "lib/formats", "lib/crypto", "lib/json", "lib/net", "lib/http", "lib/process",
                "lib/sql", "lib/objects", "lib/synth", "montage/analysis", "montage/storage", "montage/jobs"],
}
TEST_FILE = re.compile(r"_(test|testing|bench|fixture|contract)\.(cc|h)$|/(test|testing)_\w+\.(cc|h)$|/conformance/|/bench/")

# Texts that the build gives to some folders as macros.
FROM_CMAKE = [f'-D{name}=""'
              for name in ("ASSAY_SOURCE_DIR", "ASSAY_PROGRAM", "ASSAY_VERSION", "MONTAGE_VERSION", "TEST_HOST")]

MAX_LINES, MAX_FUNCTION, MAX_FOLDER = 800, 80, 25
BANNED_NAMES = re.compile(r"^(?:class|struct|enum class) (\w*(?:Manager|Helper|Util|Utils|Processor|Data|Info|Impl))\b")
BANNED_FOLDERS = {"common", "util", "utils", "misc", "helpers", "toolbox"}
MAY_PRINT = ("assay/cli/", "montage/app/", "assay/main.cc", "montage/main.cc", "fuzz/", "bench/", "tests/")


def tracked(*patterns):
    # Also files that are not committed yet, so that a check before the commit sees them.
    listing = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
                             cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return [name for name in listing if (ROOT / name).is_file()]


def module_of(name):
    folder = os.path.dirname(name)
    while folder and folder not in LAYERS:
        folder = os.path.dirname(folder)
    return folder


class Findings:
    def __init__(self):
        self.lines = []

    def add(self, where, what):
        self.lines.append(f"{where}: {what}")


def check_arrows(name, number, line, found):
    match = re.match(r'#include "([^"]+)"', line)
    if not match:
        return
    target = match.group(1)
    if ".." in target.split("/"):
        found.add(f"{name}:{number}", "an include goes up with \"..\"; includes start at the root")
    source, goal = module_of(name), module_of(target)
    if not goal:
        found.add(f"{name}:{number}", f"include \"{target}\" does not start at the root of the tree")
        return
    if not source or source == goal or goal == "lib/base":
        return
    allowed = list(LAYERS[source])
    if TEST_FILE.search(name):
        allowed += TEST_EXTRA[source.split("/")[0]]
    if goal not in allowed:
        found.add(f"{name}:{number}", f"{source} may not include {goal} (the arrows are in tools/check.py)")


def check_lines(name, lines, found):
    is_test = TEST_FILE.search(name) is not None
    for number, line in enumerate(lines, 1):
        where = f"{name}:{number}"
        check_arrows(name, number, line, found)
        if match := BANNED_NAMES.match(line):
            found.add(where, f"name \"{match.group(1)}\" says nothing; name the role")
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
            found.add(where, "open work belongs into an issue")
        if re.search(r"catch \(\.\.\.\)", line) and not name.startswith(("lib/net/", "lib/http/")) \
                and not name.endswith("main.cc"):
            found.add(where, "catch (...) belongs to main, the task wrapper and the HTTP boundary")
        if re.search(r"std::(cout|cerr)\b|\bprintf\(|\bgetenv\(", line) and not name.startswith(MAY_PRINT) \
                and not is_test:
            found.add(where, "a library prints nothing and reads no environment")
        if is_test and "sleep_for" in line:
            found.add(where, "a test does not sleep; inject a clock or wait for the event")
        if not line.isascii():
            found.add(where, "sources are ASCII")


def without_text(text):
    """The same lines with comments, literals and preprocessor lines blanked."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    token = (r'//[^\n]*|/\*.*?\*/|R"([^()\s\\]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-zA-Z])\'(?:\\.|[^\'\\\n])+\''
             r"|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*")
    return re.sub(token, blank, text, flags=re.DOTALL | re.MULTILINE)


def functions(text):
    """First line, last line and head of every outermost function body (lambdas and local classes belong to it)."""
    opened, parens, head, head_line, line = [], 0, "", 1, 1
    for sign in without_text(text):
        if sign == "\n":
            line += 1
        if sign == "(":
            parens += 1
        elif sign == ")":
            parens -= 1
        if sign == "{":
            inside = any(kind != "scope" for kind, *_ in opened)
            plain = re.sub(r"\[\[.*?\]\]|\balignas\([^)]*\)", "", head)
            if inside or parens > 0:
                kind = "nested"
            elif re.match(r"\s*(template\s*<.*>\s*)?(inline\s+)?(namespace|class|struct|union|enum|extern)\b[^(]*$", plain,
                          re.DOTALL):
                kind = "scope"
            elif "(" in plain and not re.search(r"[^=!<>]=[^=]", re.sub(r"operator\W+|\(.*\)", "", plain, flags=re.DOTALL)):
                kind = "function"
            else:
                kind = "nested"
            opened.append((kind, head_line, head.strip(), parens))
            parens, head = 0, ""
        elif sign == "}":
            kind, first, text_of_head, parens = opened.pop() if opened else ("scope", line, "", 0)
            if kind == "function":
                yield first, line, text_of_head
            head = ""
        elif sign == ";" and parens == 0:
            head = ""
        elif head or not sign.isspace():
            if not head:
                head_line = line
            head += sign


def check_functions(name, text, found):
    for first, last, head in functions(text):
        if last - first >= MAX_FUNCTION:
            found.add(f"{name}:{first}",
                      f"function of {last - first + 1} lines, at most {MAX_FUNCTION}: {' '.join(head.split())[:60]}")


def check_layers(found):
    above = ["lib/base"]
    for folder, goals in LAYERS.items():
        for goal in goals:
            if goal not in above:
                found.add("tools/check.py", f"{folder} -> {goal} points up")
            if {folder.split("/")[0], goal.split("/")[0]} == {"assay", "montage"}:
                found.add("tools/check.py", f"{folder} -> {goal}: the two programs meet over sockets only")
        above.append(folder)
        if folder not in ("assay", "montage") and (ROOT / folder).is_dir() and not list((ROOT / folder).rglob("*.cc")):
            found.add("tools/check.py", f"{folder} has no sources")
    for group in ("lib", "assay", "montage"):
        for folder in sorted((ROOT / group).iterdir()):
            if folder.is_dir() and str(folder.relative_to(ROOT)) not in LAYERS:
                found.add("tools/check.py", f"the arrows of {folder.relative_to(ROOT)} are not declared")


def check_sources(found):
    folders = {}
    for name in tracked("*.h", "*.cc"):
        text = (ROOT / name).read_text(errors="replace")
        lines = text.split("\n")
        if not TEST_FILE.search(name):
            folders.setdefault(os.path.dirname(name), []).append(name)
        if len(lines) > MAX_LINES and "check: long table" not in text:
            found.add(name, f"{len(lines)} lines, at most {MAX_LINES}")
        if name.endswith(".h") and "#pragma once" not in lines[:3]:
            found.add(name, "a header begins with #pragma once")
        check_lines(name, lines, found)
        check_functions(name, text, found)
    for folder, names in folders.items():
        if len(names) > MAX_FOLDER:
            found.add(folder, f"{len(names)} files besides tests, at most {MAX_FOLDER}")
        if BANNED_FOLDERS & set(folder.split("/")):
            found.add(folder, "a folder is named for one noun")


def check_readme(found):
    readme = ROOT / "README.md"
    if not readme.exists():
        found.add("README.md", "missing")
        return
    text = readme.read_text()
    for command in re.findall(r"^(\./dev \w+)", text, re.MULTILINE):
        verb = command.split()[1]
        if not re.search(rf"^  {verb}\)|^  {verb} \||\| {verb}\)", (ROOT / "dev").read_text(), re.MULTILINE):
            found.add("README.md", f"`{command}` is no command of ./dev")
    for path, shown in re.findall(r"<!-- file: (\S+) -->\n```\w*\n(.*?)```", text, re.DOTALL):
        if not (ROOT / path).exists() or shown not in (ROOT / path).read_text():
            found.add("README.md", f"the text shown for {path} is not in that file")


def check_docs(found):
    """Links lead somewhere, and the index names every page."""
    pages = tracked("docs/*.md", "README.md", "HACKING.md", "CONTRIBUTING.md", "CHANGELOG.md", "suites/*.md")
    for page in pages:
        text = re.sub(r"```.*?```|`[^`\n]*`", "", (ROOT / page).read_text(), flags=re.DOTALL)
        for path in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
            if not (ROOT / page).parent.joinpath(path).exists():
                found.add(page, f"link to {path}, which does not exist")
    index = (ROOT / "docs/README.md").read_text()
    for page in pages:
        if page.startswith("docs/") and page != "docs/README.md" and f"]({page.removeprefix('docs/')})" not in index:
            found.add(page, "docs/README.md does not name it")


def run_each(what, names, command, found):
    def one(name):
        return name, subprocess.run(command(name), cwd=ROOT, capture_output=True, text=True)
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for name, finished in pool.map(one, names):
            if finished.returncode != 0:
                output = finished.stdout + finished.stderr
                errors = [line for line in output.splitlines() if " error: " in line or " warning: " in line]
                found.add(name, f"{what}: " + ("; ".join(errors[:5]) or output[-300:]))


def check_compiled(everything, below, found):
    database = ROOT / "build" / "dev" / "compile_commands.json"
    if not database.exists():
        subprocess.run(["cmake", "--preset", "dev"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    entries = json.loads(database.read_text())
    known = {os.path.relpath(entry["file"], ROOT) for entry in entries}
    listing = [["git", "diff", "--name-only", "--diff-filter=d", "HEAD"],
               ["git", "ls-files", "--others", "--exclude-standard"]]
    changed = {name for command in listing for name in subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()}

    def chosen(name):
        return (everything or name in changed) and (not below or name.startswith(below))
    lint = [n for n in tracked("*.cc") if n in known and chosen(n)]
    run_each("clang-tidy", lint, lambda n: ["clang-tidy-19", "-p", "build/dev", "--quiet",
                                            "--extra-arg=-Wno-unknown-warning-option", n], found)
    # A source file that includes its header first, without a precompiled one before it, has shown this already.
    plain = {os.path.relpath(entry["file"], ROOT) for entry in entries if "-include-pch" not in entry["command"]}

    def shown(header):
        source = header[:-2] + ".cc"
        return source in plain and re.search(r'#include "([^"]+)"', (ROOT / source).read_text()).group(1) == header
    headers = [n for n in tracked("*.h") if chosen(n) and not shown(n)]
    run_each("does not compile alone", headers,
             lambda n: ["clang++-19", "-std=c++23", "-fsyntax-only", "-I.", "-isystem", "/usr/include/eigen3",
                        "-DBOOST_ASIO_NO_DEPRECATED", *FROM_CMAKE, "-Wno-pragma-once-outside-header", "-x", "c++", n],
             found)


def main():
    found = Findings()
    everything = "--all" in sys.argv
    below = tuple(folder.rstrip("/") + "/" for folder in sys.argv[1:] if not folder.startswith("-"))
    check_layers(found)
    check_sources(found)
    check_readme(found)
    check_docs(found)
    if subprocess.run([sys.executable, "tools/format.py", "--check"], cwd=ROOT, capture_output=True).returncode != 0:
        found.add("format", "some files are not formatted; ./dev fmt --all mends it")
    check_compiled(everything, below, found)
    for line in found.lines:
        print(line)
    print(f"{len(found.lines)} findings")
    return 1 if found.lines else 0


if __name__ == "__main__":
    sys.exit(main())
