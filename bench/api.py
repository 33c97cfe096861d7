"""Montage, embedded, with one worker at 500 requests a second; and the bare HTTP server against nginx."""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import tempfile

import measure

RATE, SECONDS = 500, 10
BAR_P99_MS = 5.0
PASSWORD = "Bench-mark-7-passphrase"
ANSWER = '{"id":"7","status":"queued"}'


def affinity(core):
    """Servers run on the first core, clients on the last, so that one core serves."""
    cores = sorted(os.sched_getaffinity(0))
    return lambda: os.sched_setaffinity(0, {cores[core]})


@contextlib.contextmanager
def montage(program, folder):
    data, secret = folder / "data", folder / "password"
    secret.write_text(PASSWORD + "\n")
    created = subprocess.run([program, "users", "create", "bench", "--role", "technician", "--site", "bench",
                              "--password-file", secret, "--data", data], capture_output=True, text=True)
    assert created.returncode == 0, created.stdout + created.stderr
    port = measure.free_port()
    command = [program, "serve", "--data", data, "--listen", f"127.0.0.1:{port}", "--workers", "1", "--log-level", "warn"]
    with open(folder / "log", "w") as log, measure.server(command, port, preexec_fn=affinity(0), stdout=log, stderr=log) as process:
        yield port, process


def print_load(rows, cpu, part):
    print(f"  montage, {RATE}/s for {SECONDS} s, part {part}: {cpu:.2f} s of processor time for requests and analyses;"
          f" the client started at most {rows[-1]['latest_start']:.2f} ms late")
    for row in rows[:-1]:
        assert row["failures"] == 0, f"{row['failures']} failures of {row['kind']}"
        verdict = "met" if row["p99"] < BAR_P99_MS else "NOT met"
        print(f"    {row['kind']:<24} {row['requests']:>5} requests   p50 {row['p50']:7.2f} ms   p99 {row['p99']:7.2f} ms"
              f"   max {row['max']:7.2f} ms   bar p99 < {BAR_P99_MS:g} ms {verdict}")


def wrk(port, process_ids):
    """Requests and requests for each processor second of the server."""
    before = sum(map(measure.cpu_seconds, process_ids))
    done = subprocess.run([measure.found("wrk", "wrk"), "-t1", "-c32", "-d4", "--latency", f"http://127.0.0.1:{port}/api/v1/jobs/7"],
                          capture_output=True, text=True, check=True, preexec_fn=affinity(-1))
    used = sum(map(measure.cpu_seconds, process_ids)) - before
    assert "Non-2xx" not in done.stdout and "Socket errors" not in done.stdout, done.stdout
    count = int(re.search(r"(\d+) requests in", done.stdout)[1])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])
    return rate, count / used


def children(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextlib.contextmanager
def only_core(pids):
    for pid in pids:
        os.sched_setaffinity(pid, {sorted(os.sched_getaffinity(0))[0]})
    yield pids


def bare_servers(bench):
    ours = bench.program("lib_http_bare_server")
    measure.found("wrk", "wrk")
    port = measure.free_port()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = pathlib.Path(name)
        process = stack.enter_context(measure.server([ours, str(port)], port, stdout=subprocess.DEVNULL))
        place = f"location /api/ {{ access_log off; default_type application/json; return 200 '{ANSWER}'; }}"
        theirs = stack.enter_context(measure.nginx(place, folder))
        master = int((folder / "nginx.pid").read_text())
        mine = stack.enter_context(only_core([process.pid]))
        workers = stack.enter_context(only_core(children(master)))
        outcomes = measure.interleaved(max(3, bench.rounds // 2), {
            "lib/http": lambda: wrk(port, mine), "nginx": lambda: wrk(theirs, workers)})
    medians = {name: [measure.median(x) for x in zip(*results)] for name, results in outcomes.items()}
    print("  one small JSON answer, wrk -t1 -c32, one core each, medians")
    for name, (rate, for_each_cpu) in medians.items():
        print(f"    {name:<10} {rate:10.0f} requests/s   {for_each_cpu:10.0f} for each CPU-second of the server")
    print(f"    ratio {medians['lib/http'][0] / medians['nginx'][0]:.2f} by time,"
          f" {medians['lib/http'][1] / medians['nginx'][1]:.2f} by processor time")


def run(bench):
    parts = (bare_servers, platform)
    for part in parts:
        try:
            part(bench)
        except measure.Unavailable as reason:
            print(f"  not measured: {reason}")
