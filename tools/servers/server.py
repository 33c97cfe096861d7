"""What the real servers of the live tests have in common: a folder, programs, ports, processes, an end."""

import os
import random
import shutil
import signal
import socket
import subprocess
import time

READY_S = 60
STOP_S = 15
# Below the range from which the kernel gives ports to outgoing connections (net.ipv4.ip_local_port_range).
PORTS = range(20000, 32000)


class ServerError(Exception):
    """A server that cannot be had; the text says why and what to do."""


def born(pid):
    """When the process started, in ticks since boot; None when there is none, or only its exit status is left."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


class Process:
    """A process in a session of its own. A pid that is used again is told apart by its time of birth."""

    def __init__(self, pid, birth, name, end=signal.SIGTERM):
        self.pid, self.birth, self.name, self.end = pid, birth, name, signal.Signals(end)

    def alive(self):
        return born(self.pid) == self.birth

    def stop(self):
        """Asks, waits, then kills the session. Whether asking was enough."""
        if not self.alive():
            return True
        os.kill(self.pid, self.end)
        until = time.monotonic() + STOP_S
        while self.alive() and time.monotonic() < until:
            time.sleep(0.02)
        if not self.alive():
            return True
        os.killpg(self.pid, signal.SIGKILL)
        while self.alive():
            time.sleep(0.02)
        return False

    def entry(self):
        return [self.pid, self.birth, self.name, int(self.end)]


class Server:
    """One named server: its programs and the packages that have them, its folder, its processes in starting order."""

    name = ""
    programs = {}  # program -> Debian package

    def __init__(self, folder, journal):
        self.folder = folder
        self.processes = []
        self.reserved = set()
        self._journal = journal

    def start(self):
        """Sets up and starts everything; the endpoints as variables. Raises ServerError."""
        raise NotImplementedError

    def program(self, name):
        found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")
        if not found:
            raise ServerError(f"{name} is not installed; install the package {self.programs[name]} (./dev setup)")
        return found

    def write(self, name, text, mode=0o600):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def port(self):
        """A port of 127.0.0.1 that nobody listens on and that was not given out before."""
        for _ in range(200):
            candidate = random.SystemRandom().choice(PORTS)
            if candidate in self.reserved:
                continue
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", candidate))
                except OSError:
                    continue
            self.reserved.add(candidate)
            return candidate
        raise ServerError(f"no free port between {PORTS.start} and {PORTS.stop} found in 200 attempts")

    def run(self, *command, environment=None, seconds=READY_S):
        """Output of a program that sets something up."""
        try:
            finished = subprocess.run([str(word) for word in command], env={**os.environ, **(environment or {})},
                                      cwd=self.folder, stdin=subprocess.DEVNULL, text=True,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace",
                                      timeout=seconds)
        except subprocess.TimeoutExpired as late:
            raise ServerError(f"{command[0]} did not end within {seconds} s") from late
        if finished.returncode != 0:
            raise ServerError(f"{' '.join(map(str, command))}: exit {finished.returncode}\n{finished.stdout.strip()}")
        return finished.stdout

    def spawn(self, name, *command, environment=None, end=signal.SIGTERM):
        """Starts a server in the foreground of a session of its own; its output goes to <name>.log."""
        with open(self.folder / f"{name}.log", "ab") as log:
            child = subprocess.Popen([str(word) for word in command], env={**os.environ, **(environment or {})},
                                     cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                                     start_new_session=True)
        birth = born(child.pid)
        process = Process(child.pid, birth if birth is not None else -1, name, end)
        self.processes.append(process)
        self._journal(self)
        return process

    def wait_until(self, what, ready, process):
        """Calls ready() until it is true; ServerError with the end of the log when the process ends or time is up."""
        started = time.monotonic()
        why = ""
        while time.monotonic() - started < READY_S:
            if not process.alive():
                raise ServerError(f"{process.name} ended before {what}\n{self.log_end(process.name)}")
            try:
                if ready():
                    return
            except OSError as error:
                why = str(error)
            time.sleep(0.05)
        raise ServerError(f"{what} not reached within {READY_S} s ({why or 'no answer'})\n{self.log_end(process.name)}")

    def log_end(self, name):
        try:
            lines = (self.folder / f"{name}.log").read_text(errors="replace").splitlines()[-15:]
        except OSError:
            return ""
        return "\n".join(f"    {line}" for line in lines)


def exchange(port, request, size, seconds=5):
    """The first `size` bytes that 127.0.0.1:port answers to the bytes of a request."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
        connection.sendall(request)
        answer = b""
        while len(answer) < size:
            part = connection.recv(size - len(answer))
            if not part:
                break
            answer += part
        return answer
