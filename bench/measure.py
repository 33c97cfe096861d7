"""What the rows share: programs, peers, interleaved timing."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Unavailable(Exception):
    """A program that cannot be had here; the text says why."""


class Bench:
    """Where programs and peers are, and how often to measure."""

    def __init__(self, arguments):
        self.built = (ROOT / arguments.build).resolve()
        self.rounds = arguments.rounds
        self.may_build = not arguments.no_build
        self.full = arguments.full

    def program(self, name, target=None):
        """The path of a program of ours, built before."""
        path = self.built / "bin" / name
        if self.may_build:
            done = subprocess.run([ROOT / "dev", "build", "release", target or name], cwd=ROOT, capture_output=True,
                                  text=True)
            if done.returncode != 0:
                raise Unavailable(f"{name} does not build: {last_line(done.stdout + done.stderr)}")
        if not path.exists():
            raise Unavailable(f"{name} is not built")
        return path

    def npm(self, package):
        """The path of a package's command, installed below build/bench."""
        folder = ROOT / "build/bench/node"
        command = folder / "node_modules/.bin" / package
        if not command.exists():
            if not shutil.which("npm"):
                raise Unavailable(f"{package}: npm is not installed")
            folder.mkdir(parents=True, exist_ok=True)
            install(["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, package], package)
        return command

    def go(self, module, name):
        """The path of a Go program, installed below build/bench."""
        folder = ROOT / "build/bench/go"
        if not (folder / name).exists():
            if not shutil.which("go"):
                raise Unavailable(f"{name}: go is not installed")
            install(["go", "install", module], name, env={**os.environ, "GOBIN": str(folder)})
        return folder / name

    def cargo(self, crate, name):
        """The path of a Rust program, installed below build/bench."""
        folder = ROOT / "build/bench/cargo"
        if not (folder / "bin" / name).exists():
            if not shutil.which("cargo"):
                raise Unavailable(f"{name}: cargo is not installed")
            install(["cargo", "install", crate, "--locked", "--root", folder], name)
        return folder / "bin" / name

    def venv(self, name, *packages):
        """The Python of an environment with these packages; `scikit-learn=sklearn` is imported by another name."""
        folder = ROOT / f"build/venv-{name}"
        python = folder / "bin/python"
        if not python.exists():
            install(["python3", "-m", "venv", folder], name)
        if subprocess.run([python, "-c", "import " + ",".join(p.split("=")[-1] for p in packages)], capture_output=True).returncode != 0:
            install([folder / "bin/pip", "install", "-q", *(p.split("=")[0] for p in packages)], name)
        return python


def install(command, name, **options):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=1200, **options)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise Unavailable(f"{name}: {problem}") from problem
    if done.returncode != 0:
        raise Unavailable(f"{name} cannot be installed: {last_line(done.stderr)}")


def last_line(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no output"


def found(name, package):
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if not path:
        raise Unavailable(f"{name} is not installed (Debian package {package})")
    return path


class Timed:
    """Wall and processor seconds of a whole process with its children, and what it printed."""

    def __init__(self, command, **options):
        with tempfile.TemporaryFile() as out:
            started = time.perf_counter()
            child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **options)
            _, status, usage = os.wait4(child.pid, 0)
            self.wall = time.perf_counter() - started
            child.returncode = os.waitstatus_to_exitcode(status)
            self.code = child.returncode
            self.cpu = usage.ru_utime + usage.ru_stime
            self.memory = usage.ru_maxrss * 1024
            out.seek(0)
            self.text = out.read().decode(errors="replace")


def wait_ready(url, seconds=60):
    """Until the page answers 200: a server that listens need not be ready."""
    until = time.monotonic() + seconds
    while True:
        try:
            if urllib.request.urlopen(url, timeout=2).status == 200:
                return
        except OSError as reason:
            if time.monotonic() > until:
                raise AssertionError(f"{url} is not ready after {seconds} s: {reason}") from reason
        time.sleep(0.05)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def interleaved(rounds, runs):
    """{name: function} -> {name: [outcome of each round]}, one after the other in every round."""
    outcomes = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            outcomes[name].append(run())
    return outcomes


def median(values):
    return statistics.median(values)


def met(holds):
    return "met" if holds else "**not met**"


def print_table(rows, command):
    """Rows (what, ours, peer, ratio, bar) as docs/benchmarks.md has them."""
    print()
    for place, row in enumerate(rows):
        print("| " + " | ".join((*row, f"`{command}`" if place == 0 else "")) + " |")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise Unavailable(f"nothing listens on port {port} after {seconds} s")


@contextlib.contextmanager
def server(command, port, **options):
    """A program that listens; ended by its id."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
    try:
        wait_for(port)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


@contextlib.contextmanager
def nginx(locations, folder):
    """One nginx worker with these location blocks; gives its port."""
    port = free_port()
    folder.chmod(0o755)  # the worker is another user when we are root
    config = folder / "nginx.conf"
    config.write_text(f"""
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  keepalive_requests 100000000;
  server {{ listen 127.0.0.1:{port}; root {folder}/www; default_type application/json; {locations} }}
}}
""")
    with server([found("nginx", "nginx-light"), "-c", config, "-e", folder / "error.log"], port):
        yield port


def ratio_line(name, ours, theirs):
    """Medians of wall and processor time of a peer, and how many times ours they are."""
    wall, cpu = median(r.wall for r in theirs), median(r.cpu for r in theirs)
    text = f"  {name:<34} wall {wall * 1e3:9.1f} ms   cpu {cpu * 1e3:9.1f} ms   memory {theirs[0].memory / 2**20:6.1f} MiB"
    if theirs is not ours:
        text += f"   {wall / median(r.wall for r in ours):6.1f} x wall   {cpu / median(r.cpu for r in ours):6.1f} x cpu"
    return text
