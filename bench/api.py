"""Montage at 500 requests a second, embedded and on its servers; and the bare HTTP server against nginx.

The servers are those of the live tests (`./dev services up`); while they do not run, only the embedded profile is measured. They are
asked as a production system would: PostgreSQL, Redis, RabbitMQ, S3, a server that only answers and a worker. What is stored in
them stays until they go, except the database.
"""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import tempfile
import urllib.parse

import measure

RATE, SECONDS = 500, 10
BAR_P99_MS = 5.0         # of every kind of request, embedded
BAR_ACCEPTED_MS = 100.0  # of every submission, under this load
ENDPOINTS = measure.ROOT / "build/services/endpoints.env"
PASSWORD = "Bench-mark-7-passphrase"
ANSWER = '{"id":"7","status":"queued"}'


def affinity(core):
    """Servers run on the first core, clients on the last, so that one core serves."""
    cores = sorted(os.sched_getaffinity(0))
    return lambda: os.sched_setaffinity(0, {cores[core]})


def live_servers():
    """URLs by name, of the variables or of the servers that run."""
    urls = dict(re.findall(r"^(ASSAY_LIVE_\w+)='?([^'\n]*)", ENDPOINTS.read_text(), re.MULTILINE)) if ENDPOINTS.exists() else {}
    urls.update(os.environ)
    names = [f"ASSAY_LIVE_{name}" for name in ("POSTGRES", "REDIS", "RABBITMQ", "S3")]
    missing = [name for name in names if not urls.get(name)]
    if missing:
        raise measure.Unavailable(f"Montage in production: no {', '.join(missing)}; start the servers with `./dev services up`")
    return [urls[name] for name in names]


def ask(url, statement):
    """One statement; the URL has a password, so it goes by the environment and not by the command line."""
    parts = urllib.parse.urlsplit(url)
    login = {"PGHOST": parts.hostname, "PGPORT": str(parts.port or 5432), "PGUSER": urllib.parse.unquote(parts.username),
             "PGPASSWORD": urllib.parse.unquote(parts.password or ""), "PGDATABASE": parts.path[1:]}
    done = subprocess.run([measure.found("psql", "postgresql-client-15"), "-XAtqc", statement], env={**os.environ, **login},
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise measure.Unavailable(f"Montage in production: PostgreSQL: {measure.last_line(done.stderr)}")


@contextlib.contextmanager
def production_stores():
    """The variables of a Montage on servers, with a database, buckets and queues of its own."""
    postgres, redis, broker, store = live_servers()
    name = f"bench_{os.getpid()}"
    ask(postgres, f"CREATE DATABASE {name}")
    try:
        buckets = f"{'&' if '?' in store else '?'}prefix={name.replace('_', '-')}-"
        yield {"MONTAGE_DATABASE": urllib.parse.urlsplit(postgres)._replace(path="/" + name).geturl(), "MONTAGE_CACHE": redis,
               "MONTAGE_QUEUE": broker, "MONTAGE_QUEUE_NAME": name, "MONTAGE_OBJECTS": store + buckets}
    finally:
        ask(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@contextlib.contextmanager
def montage(program, folder, stores):
    """The port of a server, and the processes that answer and analyse: one, or with stores two."""
    data, secret, variables = folder / "data", folder / "password", {**os.environ, **stores}
    secret.write_text(PASSWORD + "\n")
    created = subprocess.run([program, "users", "create", "bench", "--role", "technician", "--site", "bench",
                              "--password-file", secret, "--data", data], capture_output=True, text=True, env=variables)
    assert created.returncode == 0, created.stdout + created.stderr
    with open(folder / "log", "w") as log, contextlib.ExitStack() as stack:
        def start(role, workers):
            port = measure.free_port()
            command = [program, role, "--data", data, "--listen", f"127.0.0.1:{port}", "--workers", str(workers), "--log-level", "warn"]
            return port, stack.enter_context(measure.server(command, port, preexec_fn=affinity(0), stdout=log, stderr=log, env=variables))
        port, serving = start("serve", 0 if stores else 1)
        processes = [serving, start("worker", 1)[1]] if stores else [serving]
        measure.wait_ready(f"http://127.0.0.1:{port}/health/ready")
        yield port, processes


def measure_montage(bench, profile, stores):
    program, load = bench.program("montage", "montage_program"), bench.program("bench_api_load")
    with tempfile.TemporaryDirectory(dir=bench.built) as name:
        folder = pathlib.Path(name)
        with montage(program, folder, stores) as (port, processes):
            for part in range(2):
                before = sum(measure.cpu_seconds(process.pid) for process in processes)
                done = subprocess.run([load, f"http://127.0.0.1:{port}", "bench", PASSWORD, str(RATE), str(SECONDS)],
                                      capture_output=True, text=True, preexec_fn=affinity(-1))
                assert done.returncode == 0, done.stderr or (folder / "log").read_text()[-400:]
                used = sum(measure.cpu_seconds(process.pid) for process in processes) - before
                print_load(profile, [json.loads(line) for line in done.stdout.splitlines()], used, part + 1)


def embedded(bench):
    measure_montage(bench, "embedded", {})


def production(bench):
    with production_stores() as stores:
        measure_montage(bench, "production", stores)


def print_load(profile, rows, cpu, part):
    print(f"  montage, {profile}, {RATE}/s for {SECONDS} s, part {part}: {cpu:.2f} s of processor time for requests and analyses;"
          f" the client started at most {rows[-1]['latest_start']:.2f} ms late")
    for row in rows[:-1]:
        assert row["failures"] == 0, f"{row['failures']} failures of {row['kind']}"
        bars = [f"p99 < {BAR_P99_MS:g} ms {'met' if row['p99'] < BAR_P99_MS else 'NOT met'}"] if profile == "embedded" else []
        if row["kind"].startswith("submit"):
            bars.append(f"all accepted < {BAR_ACCEPTED_MS:g} ms {'met' if row['max'] < BAR_ACCEPTED_MS else 'NOT met'}")
        print(f"    {row['kind']:<24} {row['requests']:>5} requests   p50 {row['p50']:7.2f} ms   p99 {row['p99']:7.2f} ms"
              f"   max {row['max']:7.2f} ms" + "".join(f"   bar {bar}" for bar in bars))


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
    parts = (bare_servers, embedded, production)
    for part in parts:
        try:
            part(bench)
        except measure.Unavailable as reason:
            print(f"  not measured: {reason}")
