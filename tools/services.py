#!/usr/bin/env python3
"""Real servers on loopback for the live tests: PostgreSQL with a replica, Redis, RabbitMQ, mosquitto, S3 (Ceph).

  up [NAME...]      starts what does not run yet, each with new data in build/services/NAME, and writes
                    build/services/endpoints.env
  down [NAME...]    stops what runs; data and logs stay until the next start
  status            what runs, and where

Every started process stands in build/services/journal.json before anything waits for it, so that `down` finds all of
them whatever happened to `up`.
"""

import argparse
import contextlib
import fcntl
import json
import shutil
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import servers
from servers.server import Process, ServerError

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "build" / "services"
ENDPOINTS = HOME / "endpoints.env"


class Journal:
    """Which server has which processes and endpoints; on disk before anybody relies on it."""

    def __init__(self):
        self.path = HOME / "journal.json"
        self.lock = threading.Lock()
        try:
            self.entries = json.loads(self.path.read_text())
        except (OSError, ValueError):
            self.entries = {}

    def processes(self, name):
        return [Process(*entry) for entry in self.entries.get(name, {}).get("processes", [])]

    def endpoints(self, name):
        """Empty unless the server was ready and all its processes live."""
        found = self.entries.get(name, {}).get("endpoints", {})
        return found if all(process.alive() for process in self.processes(name)) else {}

    def note(self, server, endpoints=None):
        self._change(server.name, {"processes": [process.entry() for process in server.processes],
                                   "endpoints": endpoints or {}})

    def forget(self, name):
        self._change(name, None)

    def _change(self, name, entry):
        with self.lock:
            self.entries.pop(name, None)
            if entry:
                self.entries[name] = entry
            self._replace(self.path, json.dumps(self.entries, indent=1))
            lines = {key: value for known in self.entries.values() for key, value in known["endpoints"].items()}
            self._replace(ENDPOINTS, "".join(f"{key}={value}\n" for key, value in sorted(lines.items())))

    @staticmethod
    def _replace(path, text):
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(text)
        fresh.replace(path)


@contextlib.contextmanager
def only_one():
    """No second `up` or `down` of the same tree meanwhile."""
    HOME.mkdir(parents=True, exist_ok=True)
    with open(HOME / "lock", "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def stop(journal, name):
    """Ends what the journal names, the last started first; names of what had to be killed."""
    killed = [process.name for process in reversed(journal.processes(name)) if not process.stop()]
    journal.forget(name)
    return killed


def start(journal, kind):
    """Seconds that it took, and why it failed (empty when it did not)."""
    began = time.monotonic()
    stop(journal, kind.name)
    folder = HOME / kind.name
    try:
        clear(folder)
        server = kind(folder, journal.note)
        endpoints = server.start()
        journal.note(server, endpoints)
        return time.monotonic() - began, ""
    except (ServerError, OSError) as error:
        stop(journal, kind.name)
        return time.monotonic() - began, str(error)


def clear(folder):
    if folder.is_symlink():
        shutil.rmtree(folder.resolve(), ignore_errors=True)
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o711, parents=True)


def up(kinds):
    """Starts what does not run; names of what was started, and the failures as text."""
    started, failures = [], []
    with only_one():
        journal = Journal()
        missing = [kind for kind in kinds if not journal.endpoints(kind.name)]
        for kind in kinds:
            if kind not in missing:
                print(f"{kind.name:>10}  runs already", flush=True)

        def one(kind):
            seconds, why = start(journal, kind)
            print(f"{kind.name:>10}  " + (f"FAILED after {seconds:.1f} s: {why}" if why else f"ready after {seconds:.1f} s"),
                  flush=True)
            (failures if why else started).append(f"{kind.name}: {why}" if why else kind.name)
        with ThreadPoolExecutor(max_workers=max(1, len(missing))) as pool:
            list(pool.map(one, missing))
    return started, failures


def down(names):
    with only_one():
        journal = Journal()
        running = [name for name in names if journal.processes(name)]

        def one(name):
            killed = stop(journal, name)
            print(f"{name:>10}  stopped" + (f"; killed after too long a wait: {', '.join(killed)}" if killed else ""),
                  flush=True)
        with ThreadPoolExecutor(max_workers=max(1, len(running))) as pool:
            list(pool.map(one, running))


def endpoints():
    """The variables of all servers that run."""
    journal = Journal()
    return {key: value for name in journal.entries for key, value in journal.endpoints(name).items()}


def status():
    journal = Journal()
    for kind in servers.ALL:
        found = journal.endpoints(kind.name)
        dead = [process.name for process in journal.processes(kind.name) if not process.alive()]
        print(f"{kind.name:>10}  " + (f"{len(journal.processes(kind.name))} processes" if found else
                                      f"broken: {', '.join(dead) or 'not ready'}" if dead or journal.processes(kind.name)
                                      else "down"))
    print(f"\nendpoints: {ENDPOINTS}")


@contextlib.contextmanager
def running():
    """Servers for the length of a block: those that run already stay up afterwards. Gives variables and failures."""
    before = set(endpoints())
    try:
        _, failures = up(servers.ALL)
        yield endpoints(), failures
    finally:
        journal = Journal()
        down([kind.name for kind in servers.ALL
              if not before & set(journal.entries.get(kind.name, {}).get("endpoints", {}))])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["up", "down", "status"])
    known = [kind.name for kind in servers.ALL]
    parser.add_argument("name", nargs="*", help=f"only these servers of {', '.join(known)} (default: all)")
    options = parser.parse_args()
    for name in options.name:
        if name not in known:
            parser.error(f"\"{name}\" is no server; expected {', '.join(known)}")
    kinds = [kind for kind in servers.ALL if not options.name or kind.name in options.name]
    if options.command == "status":
        status()
        return 0
    began = time.monotonic()
    if options.command == "down":
        down([kind.name for kind in kinds])
        return 0
    _, failures = up(kinds)
    print(f"\n{time.monotonic() - began:.1f} s; endpoints: {ENDPOINTS}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
