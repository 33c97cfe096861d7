#!/usr/bin/env python3
"""The environment `compose` of assay.yaml with real containers: Montage, its worker, PostgreSQL, Redis and RabbitMQ come up, the
suite brain-go-brrr passes on them as far as it is meant for it, and all goes away, also when assay is killed in the middle.

    tests/compose/run.py           skips what cannot be done here, with its reason
    tests/compose/run.py --build   makes the image of the servers first, when it is missing (some minutes, Debian's mirror)

The image of Montage is made anew of build/release each time. CONTAINERS_CONF names another configuration of podman than the
one here, which works without systemd. The last line is `N passed, N failed, N skipped`.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ASSAY = ROOT / "build" / "release" / "bin" / "assay"
BUILD = ROOT / "packaging" / "image" / "build"
MONTAGE_IMAGE, SERVICES_IMAGE = "localhost/montage-under-test:1", "localhost/montage-services:1"
LEFT_LIMIT_S = 5.0
FEWEST_PASSED = 20  # a suite of which most is skipped qualifies nothing
PLUGINS = [Path(folder) / "dnsname" for folder in ("/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni")]
CONTAINERS_CONF = """[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, name, good, why=""):
        self.passed += bool(good)
        self.failed += not good
        print(f"{'ok' if good else 'FAIL':>5}  {name}" + (f": {why}" if why and not good else ""), flush=True)

    def skip(self, name, reason):
        self.skipped += 1
        print(f"skipped: {name}: {reason}", flush=True)

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed else 0


def podman(*words):
    return subprocess.run(["podman", *words], text=True, capture_output=True, timeout=120)


def obstacle(may_build):
    """Why it cannot be done here, or nothing."""
    for program in ("podman", "podman-compose", "runc"):
        if not shutil.which(program):
            return f"{program} is not installed; ./dev setup installs it"
    if podman("info").returncode != 0:
        return "podman does not work here: " + podman("info").stderr.strip()
    backend = podman("info", "--format", "{{.Host.NetworkBackend}}").stdout.strip()
    if backend == "cni" and not any(plugin.exists() for plugin in PLUGINS):
        return "containers do not find each other by name: the plugin dnsname is not installed; ./dev setup installs it"
    if backend == "netavark" and not any(Path(folder, "aardvark-dns").exists() for folder in ("/usr/lib/podman", "/usr/libexec/podman")):
        return "containers do not find each other by name: aardvark-dns is not installed"
    if not ASSAY.exists() or not ASSAY.with_name("montage").exists():
        return "build/release has no programs; ./dev build release makes them"
    if podman("image", "exists", SERVICES_IMAGE).returncode != 0:
        if not may_build:
            return f"there is no image {SERVICES_IMAGE}; run this with --build, or packaging/image/build services"
        made = subprocess.run([BUILD, "services", "--tag", SERVICES_IMAGE], text=True, capture_output=True)
        if made.returncode != 0:
            return f"the image {SERVICES_IMAGE} cannot be made: {made.stderr.strip()[-500:]}"
    return ""


class Run:
    """One `assay run`, and what its containers use. What measures load is left out: it wants a quiet machine."""

    def __init__(self, results):
        self.results = results
        self.process = subprocess.Popen([str(ASSAY), "run", "--suite", "brain-go-brrr", "--env", "compose", "--report",
                                         "terminal,json,junit", "--exclude", "BB-LOAD*", "--results", str(results)], cwd=ROOT,
                                        stdin=subprocess.DEVNULL)
        self.project, self.volumes = "", set()

    def wait_for_scenarios(self, limit_s):
        """Whether scenarios are under way; from then on it is known what must go."""
        until = time.monotonic() + limit_s
        while time.monotonic() < until and self.process.poll() is None:
            logs = list(self.results.glob("*/events.jsonl"))
            if logs and '"scenario.started"' in logs[0].read_text(errors="replace"):
                self.project = f"compose-{logs[0].parent.name}".lower()
                ids = podman("ps", "-aq", "--filter", f"label=com.docker.compose.project={self.project}").stdout.split()
                names = podman("inspect", "--format", "{{range .Mounts}}{{.Name}} {{end}}", *ids).stdout.split()
                self.volumes = set(names)
                return len(ids) >= 5
            time.sleep(0.1)
        return False

    def left(self):
        """Containers, networks and volumes of the run that are there. Requires: scenarios were under way."""
        label = f"label=com.docker.compose.project={self.project}"
        found = podman("ps", "-a", "--filter", label, "--format", "{{.Names}}").stdout.split()
        found += [name for name in podman("network", "ls", "--format", "{{.Name}}").stdout.split() if self.project in name]
        found += [name for name in podman("volume", "ls", "-q").stdout.split()
                  if name in self.volumes or name.startswith(self.project)]
        return found


def qualified(tally, folder):
    """The suite in containers, from nothing to nothing."""
    began = time.monotonic()
    run = Run(folder / "whole")
    up = run.wait_for_scenarios(360)
    tally.check(f"the environment is up after {time.monotonic() - began:.0f} s, with {len(run.volumes)} volumes", up)
    status = run.process.wait()
    seconds = time.monotonic() - began
    if not up:
        return
    summary = json.loads(next((folder / "whole").glob("2*/run.json")).read_text())
    for scenario in summary["scenarios"]:
        if scenario["verdict"] == "skipped":
            tally.skip(scenario["id"], scenario["reason"])
        else:
            tally.check(scenario["id"], scenario["verdict"] == "passed", f"{scenario['verdict']}: {scenario.get('reason', '')}")
    passed = sum(scenario["verdict"] == "passed" for scenario in summary["scenarios"])
    tally.check(f"{passed} scenarios passed in {seconds:.0f} s, exit code {status}", passed >= FEWEST_PASSED and status in (0, 5))
    left = run.left()
    tally.check("nothing is left after the run", not left, str(left))


def killed(tally, folder):
    """SIGKILL for assay while scenarios are under way."""
    run = Run(folder / "killed")
    if not run.wait_for_scenarios(360):
        run.process.wait()
        tally.check("killed in the middle", False, "scenarios never began")
        return
    time.sleep(1)
    before = run.left()
    in_the_middle = run.process.poll() is None
    run.process.send_signal(signal.SIGKILL)
    run.process.wait()
    began = time.monotonic()
    while (left := run.left()) and time.monotonic() < began + LEFT_LIMIT_S:
        time.sleep(0.1)
    seconds = time.monotonic() - began
    tally.check(f"killed in the middle, {len(before)} containers, networks and volumes are gone after {seconds:.1f} s",
                in_the_middle and len(before) > 8 and not left, f"in the middle: {in_the_middle}, before: {before}, left: {left}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", action="store_true", help="makes the image of the servers when it is missing")
    options = parser.parse_args()
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="assay-compose-") as name:
        folder = Path(name)
        if "CONTAINERS_CONF" not in os.environ:
            (folder / "containers.conf").write_text(CONTAINERS_CONF)
            os.environ["CONTAINERS_CONF"] = str(folder / "containers.conf")
        if reason := obstacle(options.build):
            tally.skip("the environment compose", reason)
            return tally.end()
        os.environ["MONTAGE_IMAGE"] = MONTAGE_IMAGE
        made = subprocess.run([BUILD, "montage", "--tag", MONTAGE_IMAGE], text=True, capture_output=True)
        tally.check("the image of Montage", made.returncode == 0, made.stderr.strip()[-500:])
        if made.returncode == 0:
            qualified(tally, folder)
            killed(tally, folder)
        podman("rmi", "-f", MONTAGE_IMAGE)
    return tally.end()


sys.exit(main())
