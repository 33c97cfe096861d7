"""Load generators: requests for each second of processor time, keeping a schedule beside a server that stalls, memory."""

import bisect
import json
import pathlib
import re
import subprocess
import tempfile
import urllib.request

import measure

CONNECTIONS = 32
SECONDS = 3
PERIOD_MS, STALL_MS = 1000, 100
# A run that says itself that its generator lagged measures nothing.
TRIES = 3
# How far p99 may be from the truth, the rate from the schedule, and the memory of a long load from that of a short one.
P99_BAR, RATE_BAR, MEMORY_BAR = 0.05, 0.005, 0.05


class Client:
    """One run of a generator: the requests that it counts, which the server must have seen, and what they took."""

    def __init__(self, server, name, command, count):
        before = server.requests()
        result = measure.Timed([str(word) for word in command])
        assert result.code == 0, f"{name} ended with {result.code}: {result.text[-400:]}"
        self.requests = count(result.text)
        self.cpu = result.cpu
        served = server.requests() - before
        # What was on the way when a tool ended is served and not counted.
        most = max(2 * CONNECTIONS, served // 100)
        assert 0 <= served - self.requests <= most, f"{name} counts {self.requests} requests, the server {served}"

    def for_each_cpu_second(self):
        return self.requests / self.cpu


class Server:
    """nginx with one small answer, and how many requests it has had."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}/small"
        self.status = f"http://127.0.0.1:{port}/status"
        self.asked = 0

    def requests(self):
        """Without those for this page."""
        self.asked += 1
        page = urllib.request.urlopen(self.status).read().decode()
        return int(page.split("requests")[1].split()[2]) - self.asked


def nginx(folder, listen=""):
    (folder / "www").mkdir(exist_ok=True)
    places = 'location = /small { access_log off; return 200 "ok\\n"; } location = /status { access_log off; stub_status; }'
    return measure.nginx(places + listen, folder)


def number(pattern):
    """Reads the only number of a text that matches."""
    def read(text):
        found = re.search(pattern, text, re.MULTILINE)
        assert found, f"no {pattern} in {text[-600:]}"
        return int(found.group(1).replace(",", ""))
    return read


def figures(text):
    """The recorded outcome of the only step of a load in `--json`, and its verdict."""
    step = json.loads(text)["scenarios"][0]["steps"][0]
    return step["attempts"][0]["outcome"], step["verdict"]


def plain(value):
    """Typed JSON of a figure: a number, or seconds of a duration."""
    if isinstance(value, dict):
        return float(str(next(iter(value.values()))).rstrip("s"))
    return value


def begun(text):
    return plain(figures(text)[0]["begun"])


# --- requests for each second of processor time -------------------------------------------------------------------------------

def generators(bench, folder):
    """{name: (how to find the program, its command line, how to read its count)}."""
    many, span = CONNECTIONS, f"{SECONDS}s"

    def json_object(text):
        return json.loads(text[text.index("{"):text.rindex("}") + 1])

    def reported(path):
        report = [path, "report", "-type=json", folder / "vegeta.bin"]
        return lambda _: json.loads(subprocess.run(report, capture_output=True, check=True).stdout)["status_codes"]["200"]

    return {
        "wrk -t2": (lambda: measure.found("wrk", "wrk"),
                    lambda path, url: [path, "-t2", f"-c{many}", f"-d{span}", "--latency", url], lambda _: number(r"(\d+) requests in")),
        "h2load -t2 --h1": (lambda: measure.found("h2load", "nghttp2-client"),
                            lambda path, url: [path, "--h1", "-t2", f"-c{many}", "-D", SECONDS, url], lambda _: number(r"(\d+) succeeded")),
        "ab -k": (lambda: measure.found("ab", "apache2-utils"),
                  lambda path, url: [path, "-k", "-q", "-c", many, "-t", SECONDS, "-n", 2000000, url],
                  lambda _: number(r"^Complete requests:\s+(\d+)")),
        "hey": (lambda: measure.found("hey", "hey"),
                lambda path, url: [path, "-z", span, "-c", many, url], lambda _: number(r"\[200\]\s+(\d+) responses")),
        "vegeta -rate=0": (lambda: bench.go("github.com/tsenart/vegeta/v12@v12.13.0", "vegeta"),
                           lambda path, url: ["sh", "-c", f'echo GET "$1" | exec "$2" attack -rate=0 -workers={many} -max-workers={many}'
                                              f' -connections={many} -duration={span} -output="$3"', "sh", url, path, folder / "vegeta.bin"],
                           reported),
        "oha": (lambda: bench.cargo("oha", "oha"),
                lambda path, url: [path, "-z", span, "-c", many, "--no-tui", "--output-format", "json", url],
                lambda _: lambda text: json_object(text)["statusCodeDistribution"]["200"]),
        "autocannon -w2": (lambda: bench.npm("autocannon"),
                           lambda path, url: [path, "-w", 2, "-c", many, "-d", SECONDS, "--json", url],
                           lambda _: lambda text: json_object(text)["2xx"]),
    }


def runs_of_peers(bench, server, folder):
    """Each peer that can be had; why another cannot is printed."""
    runs = {}
    for name, (find, command, count) in generators(bench, folder).items():
        try:
            path = find()
        except measure.Unavailable as reason:
            print(f"  {name}: not measured: {reason}")
            continue
        runs[name] = lambda name=name, words=command(path, server.url), read=count(path): Client(server, name, words, read)
    return runs


def print_rates(title, outcomes, ours):
    print(f"  {title}, {CONNECTIONS} connections, {SECONDS} s, every latency recorded; medians")
    own = measure.median(run.for_each_cpu_second() for run in outcomes[ours])
    ratios = {}
    for name, results in outcomes.items():
        rate = measure.median(run.for_each_cpu_second() for run in results)
        done = measure.median(run.requests for run in results) / SECONDS
        ratios[name] = (own, rate, own / rate)
        print(f"    {name:<26} {rate:9,.0f} requests for each CPU-second   {done:9,.0f}/s"
              + ("" if name == ours else f"   ours {own / rate:5.2f} x"))
    return {name: ratio for name, ratio in ratios.items() if name != ours}


def throughput(bench, table):
    assay = bench.program("assay", "assay_program")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with nginx(folder) as port:
            server = Server(port)
            command = [assay, "load", server.url, "-c", CONNECTIONS, "-d", f"{SECONDS}s", "--json", "--results", folder / "results"]
            runs = {"assay load": lambda: Client(server, "assay", command, begun)}
            outcomes = measure.interleaved(bench.rounds, runs | runs_of_peers(bench, server, folder))
    ratios = print_rates("HTTP/1.1 with keep-alive, nginx, one small answer", outcomes, "assay load")
    for name, (own, rate, ratio) in sorted(ratios.items(), key=lambda item: item[1][2]):
        table.append(("load generator, HTTP/1.1 keep-alive, 32 connections: requests for each CPU-second", f"{own:,.0f}",
                      f"{name} {rate:,.0f}", f"{ratio:.2f} x", ">= 1 x: " + measure.met(ratio >= 1)))


def write_http2(folder, url):
    """The load of `assay load`, over HTTP/2 and TLS, which goes through libcurl."""
    (folder / "load").mkdir(parents=True)
    (folder / "assay.yaml").write_text("name: bench\nsuites: [load]\n")
    (folder / "load/http2.yaml").write_text(
        f"id: HTTP2\ntitle: HTTP/2\nsteps:\n  - workload:\n      executor: constant-vus\n      vus: {CONNECTIONS}\n"
        f"      duration: {SECONDS}s\n      tasks:\n        - name: request\n          steps:\n            - http: GET {url}\n"
        "              version: \"2\"\n              tls: {insecure: true}\n              expect: [status < 400]\n"
        "      thresholds: [errors.rate == 0.0]\n")


def secured(folder, port):
    """Lines of nginx for HTTP/2 over TLS with a certificate of its own."""
    make = [measure.found("openssl", "openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", "/CN=localhost", "-days", "1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    subprocess.run(make, capture_output=True, check=True)
    return f" listen 127.0.0.1:{port} ssl http2; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem; "


def http2(bench, table):
    assay, h2load = bench.program("assay", "assay_program"), measure.found("h2load", "nghttp2-client")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        port = measure.free_port()
        with nginx(folder, secured(folder, port)) as plain_port:
            server = Server(plain_port)
            url = f"https://127.0.0.1:{port}/small"
            write_http2(folder / "project", url)
            ours = [assay, "run", "--project", folder / "project", "--json", "--results", folder / "results"]
            theirs = [h2load, "-t2", f"-c{CONNECTIONS}", "-m1", "-D", SECONDS, url]
            outcomes = measure.interleaved(min(3, bench.rounds), {
                "assay, through libcurl": lambda: Client(server, "assay", ours, begun),
                "h2load -t2": lambda: Client(server, "h2load", theirs, number(r"(\d+) succeeded"))})
    ratios = print_rates("HTTP/2 over TLS, one request at a time each", outcomes, "assay, through libcurl")
    own, rate, ratio = ratios["h2load -t2"]
    table.append(("load generator, HTTP/2 over TLS through libcurl, 32 users", f"{own:,.0f}", f"h2load {rate:,.0f}", f"{ratio:.2f} x", "-"))


# --- keeping a schedule ---------------------------------------------------------------------------------------------------------

def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))]


def truth_ms(record, rate):
    """p99 of the latencies by the server's own clock: arrival k was due at k / rate from the first on, and the k-th answer
    left when the server says. The shortest way is taken for none, so that this is low by about 0.1 ms."""
    answers = record["answers_ns"]
    since = [answer - k * 1e9 / rate for k, answer in enumerate(answers)]
    first = min(since)
    return percentile([value - first for value in since], 0.99) / 1e6


def ideal_ms(record, rate):
    """p99 of a queue that stood still when the server did and otherwise answers as fast as the server emptied its backlogs."""
    answers, drained = record["answers_ns"], []
    for begin, end in record["stalls_ns"]:
        many = int(0.8 * rate * (end - begin) / 1e9)
        place = bisect.bisect_right(answers, end)
        if many > 0 and place + many < len(answers):
            drained.append((answers[place + many] - end) / many)
    service = measure.median(drained)
    free, latencies, stalls = 0.0, [], list(record["stalls_ns"])
    for k in range(len(answers)):
        due = answers[0] + k * 1e9 / rate
        begin = max(due, free)
        while stalls and stalls[0][1] <= begin:
            stalls.pop(0)
        if stalls and stalls[0][0] <= begin:
            begin = stalls[0][1]
        free = begin + service
        latencies.append(free - due)
    return percentile(latencies, 0.99) / 1e6


def keep_schedule(bench, rate, seconds, folder):
    """One load against a fresh stalling server: its figures, verdict and the server's record."""
    assay, stall = bench.program("assay", "assay_program"), bench.program("bench_stall_server")
    port = measure.free_port()
    record = folder / "record.json"
    with measure.server([stall, str(port), str(PERIOD_MS), str(STALL_MS), record], port):
        run = measure.Timed([assay, "load", f"http://127.0.0.1:{port}/", "-r", str(rate), "-c", "2000", "-d", f"{seconds}s", "--json",
                             "--results", folder / "results"])
    outcome, verdict = figures(run.text)
    served = json.loads(record.read_text())
    answers, finished = len(served["answers_ns"]), plain(outcome["iterations"])
    assert verdict == "inconclusive" or answers == finished, f"the server answered {answers} requests, the load counts {finished}"
    return outcome, verdict, served


def accuracy(bench, table, seconds=10):
    for rate in (1000, 10000):
        for _ in range(TRIES):
            with tempfile.TemporaryDirectory() as name:
                outcome, verdict, record = keep_schedule(bench, rate, seconds, pathlib.Path(name))
            if verdict != "inconclusive":
                break
        else:
            print(f"  open model at {rate:,}/s: not measured: the generator lagged in {TRIES} runs; the machine is too busy")
            continue
        achieved = plain(outcome["begun"]) / seconds / rate - 1
        p99 = plain(outcome["latency"]["p99"]) * 1e3
        delay = plain(outcome["generator"]["delay"]["p99"]) * 1e3
        truth = truth_ms(record, rate)
        print(f"  open model at {rate:,}/s for {seconds} s, a server that stands still {STALL_MS} ms every {PERIOD_MS} ms: achieved "
              f"{100 * achieved:+.2f} %, p99 {p99:.2f} ms, by the server's clock {truth:.2f} ms ({100 * (p99 / truth - 1):+.1f} %),\n"
              f"    of an ideal queue with these stalls {ideal_ms(record, rate):.2f} ms; "
              f"p99 of the generator's own delay {delay:.2f} ms, step {verdict}")
        table.append((f"open model at {rate:,}/s, a server that stalls: rate", f"{100 * achieved:+.2f} %", "schedule", "-",
                      f"within {100 * RATE_BAR:g} %: " + measure.met(abs(achieved) <= RATE_BAR)))
        table.append(("p99 from the scheduled start", f"{p99:.1f} ms", f"the server's clock {truth:.1f} ms", f"{p99 / truth:.3f}",
                      f"within {100 * P99_BAR:g} %: " + measure.met(abs(p99 / truth - 1) <= P99_BAR)))
    print(f"    the same server by wrk, closed model: p99 {closed_p99(bench)}")


def closed_p99(bench):
    """What a closed model makes of the stalls: fewer requests meet them."""
    stall, port = bench.program("bench_stall_server"), measure.free_port()
    with measure.server([stall, str(port), str(PERIOD_MS), str(STALL_MS)], port):
        run = subprocess.run([measure.found("wrk", "wrk"), "-t1", "-c32", "-d5s", "--latency", f"http://127.0.0.1:{port}/"],
                             capture_output=True, text=True, check=True)
    return re.search(r"^\s+99%\s+(\S+)", run.stdout, re.MULTILINE).group(1)


# --- memory -----------------------------------------------------------------------------------------------------------------------

def memory(bench, table):
    assay, stall = bench.program("assay", "assay_program"), bench.program("bench_stall_server")
    spans = (60, 600) if bench.full else (25, 60)  # the comparison of a run keeps twenty parts of it
    peaks = []
    for seconds in spans:
        port = measure.free_port()
        with measure.server([stall, str(port), "1000", "0"], port), tempfile.TemporaryDirectory() as folder:
            run = measure.Timed([assay, "load", f"http://127.0.0.1:{port}/", "-r", "2000", "-d", f"{seconds}s", "--json", "--results", folder])
            assert run.code in (0, 5), run.text[-400:]
            peaks.append(run.memory / 2**20)
    growth = peaks[1] / peaks[0] - 1
    print(f"  peak memory at 2,000/s: {spans[0]} s {peaks[0]:.1f} MiB, {spans[1]} s {peaks[1]:.1f} MiB ({100 * growth:+.1f} %)"
          + ("" if bench.full else "; --full takes 1 and 10 minutes"))
    table.append((f"memory of a load of {spans[1]} s beside {spans[0]} s, 2,000/s", f"{peaks[1]:.1f} MiB", f"{peaks[0]:.1f} MiB",
                  f"{100 * growth:+.1f} %", f"< {100 * MEMORY_BAR:g} %: " + measure.met(growth < MEMORY_BAR)))


def run(bench):
    table = []
    for part in (throughput, http2, accuracy, memory):
        try:
            part(bench, table)
        except measure.Unavailable as reason:
            print(f"  {part.__name__}: not measured: {reason}")
    measure.print_table(table, "./dev bench load")
