#!/usr/bin/env python3
"""Starts a Montage that is configured through the four variables DATABASE_URL, REDIS_URL, S3_ENDPOINT and MODEL_PATH alone,
asks how it is, ends it, and prints what was seen as JSON.

    start.py FOLDER WATCH_S [--until-ready] [--late VARIABLE=SECONDS]

It runs in FOLDER, which is kept, with its defaults; only the address is given, because port 8080 may be taken. It is asked
ten times a second for WATCH_S seconds, with --until-ready only until it is ready. With --late the server of that variable can
be reached only after so many seconds: what stands between lets nothing through before.

    ready_after_s   seconds until /health/ready answered 200, or null
    health          status of /health at the end
    live            whether /health/live always answered 200 once it answered
    messages        what /health/ready said while it was not ready, each once, in this order
    components      of /health at the end: {name: {ok, detail, state}}
    exit_code       after SIGTERM; a process that ended by itself has `ended_early`
    events          kinds of lines in its log, each once
"""

import argparse
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

VARIABLES = ["DATABASE_URL", "REDIS_URL", "S3_ENDPOINT", "MODEL_PATH"]
MONTAGE = os.environ.get("MONTAGE") or str(Path(__file__).resolve().parents[3] / "build" / "release" / "bin" / "montage")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def pump(source, target):
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def forward_after(seconds, port, host, target_port):
    """A port that refuses connections for so long and then leads to the target."""

    def serve():
        time.sleep(seconds)
        with socket.create_server(("127.0.0.1", port)) as server:
            while True:
                near, _ = server.accept()
                far = socket.create_connection((host, target_port))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()


def through(url, seconds):
    """The URL with the address of a port that opens late."""
    parts = urlsplit(url)
    login, at, _ = parts.netloc.rpartition("@")
    port = free_port()
    forward_after(seconds, port, parts.hostname, parts.port)
    return parts._replace(netloc=f"{login}{at}127.0.0.1:{port}").geturl()


def ask(port, path):
    """Status and body, or nothing when nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    except OSError:
        return None


def watch(process, port, seconds, until_ready):
    began, messages, live, ready = time.monotonic(), [], [], None
    while time.monotonic() < began + seconds and process.poll() is None:
        if alive := ask(port, "/health/live"):
            live.append(alive[0] == 200)
        answer = ask(port, "/health/ready")
        if answer and answer[0] == 200:
            ready = ready if ready is not None else time.monotonic() - began
            if until_ready:
                break
        elif answer and answer[1]["message"] not in messages:
            messages.append(answer[1]["message"])
        time.sleep(0.1)
    health = ask(port, "/health") or (0, {})
    return {"ready_after_s": ready, "messages": messages, "live": bool(live) and all(live), "health": health[0],
            "components": {one["name"]: one for one in health[1].get("components", [])}}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("seconds", type=float)
    parser.add_argument("--until-ready", action="store_true")
    parser.add_argument("--late", default="")
    options = parser.parse_args()
    settings = {name: os.environ[name] for name in VARIABLES}
    if settings["MODEL_PATH"]:
        settings["MODEL_PATH"] = str(Path(settings["MODEL_PATH"]).resolve())
    if options.late:
        name, _, seconds = options.late.partition("=")
        settings[name] = through(settings[name], float(seconds))
    options.folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    log = options.folder / f"log-{port}"  # several may run in the folder at the same time
    with open(log, "wb") as file:
        process = subprocess.Popen([MONTAGE, "serve", "--listen", f"127.0.0.1:{port}"], cwd=options.folder,
                                   env={"PATH": os.environ["PATH"], **settings}, stdin=subprocess.DEVNULL, stdout=file,
                                   stderr=file)
    try:
        seen = watch(process, port, options.seconds, options.until_ready)
        seen["ended_early"] = process.poll() is not None
        process.terminate()
        seen["exit_code"] = process.wait(timeout=60)
    finally:
        process.kill()
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    seen["events"] = list(dict.fromkeys(line["event"] for line in lines))
    json.dump(seen, sys.stdout)


main()
