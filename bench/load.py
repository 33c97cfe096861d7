"""Load generators: requests for each second of processor time, keeping a schedule beside a server that stalls, memory."""

import json
import pathlib
import re
import subprocess
import tempfile
import urllib.request

import measure

CONNECTIONS = 32
SECONDS = 5
PERIOD_MS, STALL_MS = 1000, 100


class Client:
    """One run of a generator: what it says it did, and what it took."""

    def __init__(self, name, command, count):
        result = measure.Timed([str(word) for word in command])
        assert result.code == 0, f"{name} ended with {result.code}: {result.text[-400:]}"
        self.requests = count(result.text)
        self.cpu = result.cpu
        self.memory = result.memory
        self.text = result.text

    def rate(self):
        return self.requests / self.cpu


def first_number(pattern):
    def read(text):
        found = re.search(pattern, text)
        assert found, f"no {pattern} in {text[-600:]}"
        return int(found.group(1).replace(",", ""))
    return read


def figures(text):
    """The recorded outcome of the only step of `assay load --json`."""
    step = json.loads(text)["scenarios"][0]["steps"][0]
    return step["attempts"][0]["outcome"], step["verdict"]


def plain(value):
    """Typed JSON of a figure: a number, or seconds of a duration."""
    if isinstance(value, dict):
        text = str(next(iter(value.values())))
        return float(text.rstrip("s"))
    return value


def served(port):
    page = urllib.request.urlopen(f"http://127.0.0.1:{port}/status").read().decode()
    return int(page.split("requests")[1].split()[2])


def peers(bench, url, folder):
    connections, seconds = CONNECTIONS, SECONDS
    assay = bench.program("assay", "assay_program")
    runs = {"assay load": lambda: Client("assay", [assay, "load", url, "-c", connections, "-d", f"{seconds}s", "--json",
                                                   "--results", folder / "results"],
                                         lambda text: plain(figures(text)[0]["iterations"]))}
    wrk = measure.found("wrk", "wrk")
    runs["wrk -t2"] = lambda: Client("wrk", [wrk, "-t2", f"-c{connections}", f"-d{seconds}s", "--latency", url],
                                     first_number(r"(\d+) requests in"))
    optional = {
        "h2load -t2 (HTTP/1.1)": lambda: measure.found("h2load", "nghttp2-client"),
        "hey": lambda: measure.found("hey", "hey"),
        "autocannon -w2": lambda: bench.npm("autocannon")}
    commands = {
        "h2load -t2 (HTTP/1.1)": lambda path: Client("h2load", [path, "--h1", "-t2", f"-c{connections}", "-D", seconds, url],
                                                     first_number(r"(\d+) succeeded")),
        "hey": lambda path: Client("hey", [path, "-z", f"{seconds}s", "-c", connections, url], first_number(r"\[200\]\s+(\d+) responses")),
        "autocannon -w2": lambda path: Client("autocannon", [path, "-w", 2, "-c", connections, "-d", seconds, "--json", url],
                                              lambda text: json.loads(text[text.index("{"):text.rindex("}") + 1])["2xx"])}
    for name, find in optional.items():
        try:
            path = find()
        except measure.Unavailable as reason:
            print(f"  {name}: not measured: {reason}")
            continue
        runs[name] = lambda name=name, path=path: commands[name](path)
    return runs


def throughput(bench):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "www").mkdir()
        locations = 'location = /small { access_log off; return 200 "ok\\n"; } location = /status { stub_status; }'
        with measure.nginx(locations, folder) as port:
            url = f"http://127.0.0.1:{port}/small"
            runs = peers(bench, url, folder)
            before = served(port)
            outcomes = measure.interleaved(bench.rounds, runs)
            asked = served(port) - before - 1
            counted = sum(run.requests for list_of in outcomes.values() for run in list_of)
            # Requests that were on the way when a tool ended are served and not counted.
            assert 0.99 < counted / asked <= 1.001, f"the tools count {counted} requests, the server {asked}"
    ours = measure.median(run.rate() for run in outcomes["assay load"])
    print(f"  nginx, one small answer, {CONNECTIONS} connections, {SECONDS} s, every latency recorded; median of {bench.rounds}")
    for name, list_of in outcomes.items():
        rate = measure.median(run.rate() for run in list_of)
        done = measure.median(run.requests for run in list_of) / SECONDS
        print(f"  {name:<24} {rate:12,.0f} requests for each CPU-second   {done:9,.0f}/s   memory {list_of[0].memory / 2**20:6.1f} MiB"
              + ("" if name == "assay load" else f"   ours {ours / rate:5.2f} x"))


def truth_ms():
    """A request that comes u into a stall waits stall - u; 1 % of all come before stall - period / 100."""
    return STALL_MS - PERIOD_MS / 100


def accuracy(bench):
    assay = bench.program("assay", "assay_program")
    stall = bench.program("bench_stall_server")
    for rate in (1000, 10000):
        port = measure.free_port()
        seconds = 10
        with measure.server([stall, str(port), str(PERIOD_MS), str(STALL_MS)], port), tempfile.TemporaryDirectory() as folder:
            url = f"http://127.0.0.1:{port}/"
            run = measure.Timed([assay, "load", url, "-r", str(rate), "-c", "2000", "-d", f"{seconds}s", "--json", "--results", folder])
            outcome, verdict = figures(run.text)
            done = plain(outcome["begun"]) / seconds
            p99 = plain(outcome["latency"]["p99"]) * 1e3
            delay = plain(outcome["generator"]["delay"]["p99"]) * 1e3
            print(f"  {rate}/s, a server that stands still {STALL_MS} ms every {PERIOD_MS} ms: begun {done:,.1f}/s ({100 * (done / rate - 1):+.2f} %), "
                  f"p99 {p99:.1f} ms (closed form {truth_ms():.0f} ms and the drain, {100 * (p99 / truth_ms() - 1):+.1f} %), "
                  f"generator's own delay p99 {delay:.2f} ms, step {verdict}")
            wrk = subprocess.run([measure.found("wrk", "wrk"), "-t1", "-c32", f"-d{seconds}s", "--latency", url], capture_output=True, text=True)
            closed = re.search(r"99%\s+(\S+)", wrk.stdout)
            print(f"    wrk, closed model, the same server: p99 {closed.group(1) if closed else '?'}")


def memory(bench):
    assay = bench.program("assay", "assay_program")
    stall = bench.program("bench_stall_server")
    port = measure.free_port()
    peaks = {}
    with measure.server([stall, str(port), "1000", "0"], port), tempfile.TemporaryDirectory() as folder:
        for seconds in (6, 60):
            run = measure.Timed([assay, "load", f"http://127.0.0.1:{port}/", "-r", "2000", "-d", f"{seconds}s", "--json", "--results", folder])
            assert run.code in (0, 5), run.text[-400:]
            peaks[seconds] = run.memory
    short, long = peaks[6], peaks[60]
    print(f"  peak memory of 6 s and of 60 s at 2,000/s: {short / 2**20:.1f} and {long / 2**20:.1f} MiB ({100 * (long / short - 1):+.1f} %)")


def run(bench):
    throughput(bench)
    accuracy(bench)
    memory(bench)
