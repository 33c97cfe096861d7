"""The fault proxy without toxics beside Toxiproxy: what a small message takes longer, and many bytes.

Conversations and transfers go over each link in turn, so that what else the machine does falls on all alike. `direct` has no proxy;
socat and HAProxy pass bytes and know no faults: they show what a proxy must take.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import measure

MESSAGES, BYTES = 4000, 64
MEBIBYTES = 1024
STREAMS = (1, 8)
LATENCY_BAR, THROUGHPUT_BAR = 0.5, 1.0
TOXIPROXY = "github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0"


def configuration(folder, name, listen, upstream):
    """What both our proxy and Toxiproxy read."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps([{"name": "link", "listen": f"127.0.0.1:{listen}", "upstream": f"127.0.0.1:{upstream}", "enabled": True}]))
    return path


def haproxy_file(folder, listen, upstream):
    path = folder / "haproxy.cfg"
    path.write_text(f"global\n  maxconn 1000\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n"
                    f"listen link\n  bind 127.0.0.1:{listen}\n  server up 127.0.0.1:{upstream}\n")
    return path


def commands(bench, folder, upstream):
    """{name: (function that gives the command line of a proxy from `listen` to `upstream`)}; it may say that there is none."""
    return {
        "assay proxy": lambda listen: [bench.program("assay", "assay_program"), "proxy", "--port", "0", "--config",
                                       configuration(folder, "assay", listen, upstream)],
        "Toxiproxy": lambda listen: [bench.go(TOXIPROXY, "server"), "-port", str(measure.free_port()), "-config",
                                     configuration(folder, "toxiproxy", listen, upstream)],
        "HAProxy": lambda listen: [measure.found("haproxy", "haproxy"), "-f", haproxy_file(folder, listen, upstream)],
        "socat": lambda listen: [measure.found("socat", "socat"), "-t", "60", f"TCP-LISTEN:{listen},fork,reuseaddr,nodelay,bind=127.0.0.1",
                                 f"TCP:127.0.0.1:{upstream},nodelay"],
    }


@contextlib.contextmanager
def links(bench, traffic, folder):
    """{name: (port, process id of the proxy or None)}; those that cannot be had are printed and left out."""
    upstream = measure.free_port()
    with contextlib.ExitStack() as stack:
        stack.enter_context(measure.server([traffic, "serve", str(upstream)], upstream))
        made = {"direct": (upstream, None)}
        for name, command in commands(bench, folder, upstream).items():
            listen = measure.free_port()
            try:
                words = command(listen)
            except measure.Unavailable as reason:
                print(f"  {name}: not measured: {reason}")
                continue
            log = stack.enter_context(open(folder / f"{name}.log", "w"))
            quiet = {**os.environ, "LOG_LEVEL": "error"}
            process = stack.enter_context(measure.server(words, listen, stdout=log, stderr=log, env=quiet))
            made[name] = (listen, process.pid)
        yield made


def told(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@contextlib.contextmanager
def awake():
    """Keeps every processor from falling asleep: a loop on each that runs only when nothing else wants to. On a virtual machine
    it costs more to wake a sleeping processor than any proxy does, and how often that happens depends on where the scheduler
    puts the three programs, not on them."""
    def idle(core):
        os.sched_setaffinity(0, {core})
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"], preexec_fn=lambda core=core: idle(core))
             for core in os.sched_getaffinity(0)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def latency(bench, traffic, made, table):
    """Round trips of small messages: medians of the rounds, and what each proxy adds to `direct`."""
    ports = [port for port, _ in made.values()]
    with awake():
        # Whole conversations on one link after the other: between single messages on many links every proxy would fall asleep.
        rounds = [{port: figures for one in ports for port, figures in told([traffic, "ping", MESSAGES, BYTES, one]).items()}
                  for _ in range(bench.rounds)]
    p50 = {name: measure.median(result[str(port)]["p50_us"] for result in rounds) for name, (port, _) in made.items()}
    p99 = {name: measure.median(result[str(port)]["p99_us"] for result in rounds) for name, (port, _) in made.items()}
    added = {name: value - p50["direct"] for name, value in p50.items()}
    print(f"  round trips of {BYTES} bytes on one connection, conversations of {MESSAGES} on each link in turn, processors kept awake, medians of {bench.rounds} rounds")
    for name, value in p50.items():
        print(f"    {name:<12} p50 {value:7.1f} us   p99 {p99[name]:8.1f} us" + (f"   added {added[name]:6.1f} us" if name != "direct" else ""))
    for peer in made:
        if peer in ("direct", "assay proxy"):
            continue
        ratio = added["assay proxy"] / added[peer]
        bar = f"<= {LATENCY_BAR} x: {measure.met(ratio <= LATENCY_BAR)}" if peer == "Toxiproxy" else "-"
        table.append(("fault proxy without toxics: added to a round trip, p50", f"{added['assay proxy']:.1f} us",
                      f"{peer} {added[peer]:.1f} us", f"{ratio:.2f} x", bar))


def pushed(traffic, streams, port, process):
    """GB/s, and CPU-seconds of the proxy for each GB."""
    before = measure.cpu_seconds(process) if process else 0
    result = told([traffic, "push", MEBIBYTES, streams, port])
    used = measure.cpu_seconds(process) - before if process else 0
    return result["bytes"] / result["seconds"] / 1e9, used / (result["bytes"] / 1e9)


def throughput(bench, traffic, made, table):
    rounds = min(3, bench.rounds)
    for streams in STREAMS:
        outcomes = measure.interleaved(rounds, {
            name: lambda port=port, process=process: pushed(traffic, streams, port, process) for name, (port, process) in made.items()})
        print(f"  {MEBIBYTES} MiB upwards on {streams} connection(s), medians of {rounds}")
        medians = {name: [measure.median(values) for values in zip(*results)] for name, results in outcomes.items()}
        for name, (rate, cpu) in medians.items():
            # A process for each connection: what it took is not known once it has ended.
            cost = f"   {cpu:5.2f} CPU-seconds of the proxy for each GB" if name not in ("direct", "socat") else ""
            print(f"    {name:<12} {rate:6.2f} GB/s{cost}")
        for peer in made:
            if peer in ("direct", "assay proxy"):
                continue
            ratio = medians["assay proxy"][0] / medians[peer][0]
            bar = f">= {THROUGHPUT_BAR:g} x: {measure.met(ratio >= THROUGHPUT_BAR)}" if peer == "Toxiproxy" else "-"
            table.append((f"fault proxy without toxics: throughput, {streams} connection(s)", f"{medians['assay proxy'][0]:.2f} GB/s",
                          f"{peer} {medians[peer][0]:.2f} GB/s", f"{ratio:.2f} x", bar))


def run(bench):
    traffic = bench.program("bench_proxy_traffic")
    table = []
    with tempfile.TemporaryDirectory() as name, links(bench, traffic, pathlib.Path(name)) as made:
        latency(bench, traffic, made, table)
        throughput(bench, traffic, made, table)
    measure.print_table(table, "./dev bench proxy")
