#!/usr/bin/env python3
"""Databases and queues of one run, on servers that are there already. Python's standard library and psql only.

    production.py hold POSTGRES_URL AMQP_URL QUEUE NAME=DATA [NAME=DATA...]

Makes a database NAME for each data directory DATA and writes its URL to DATA/database-url, says `held`, and waits. When
it is told to stop it drops the databases, and deletes the exchange QUEUE with its queues, which Montage makes itself.
"""

import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

QUEUES = ["", ".dead", ".retry.5000ms", ".retry.30000ms", ".retry.120000ms"]


def psql():
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/psql"), reverse=True)
    found = [str(path) for path in versions] or [shutil.which("psql")]
    if not found[0]:
        sys.exit("psql is not installed; install the package postgresql-client-15")
    return found[0]


def ask(url, statement, parameters=()):
    """Output of one statement, in which ? stands for the parameters."""
    command = [psql(), "-XAtq", "-v", "ON_ERROR_STOP=1", url]
    for number, value in enumerate(parameters, 1):
        command += ["-v", f"p{number}={value}"]
        statement = statement.replace("?", f":'p{number}'", 1)
    finished = subprocess.run(command, input=statement, text=True, capture_output=True, timeout=60)
    if finished.returncode != 0:
        raise RuntimeError(finished.stderr.strip())
    return finished.stdout.strip()


def database_url(server, name):
    parts = urlsplit(server)
    return parts._replace(path="/" + name).geturl()


class Broker:
    """As much of AMQP 0-9-1 as deleting takes: frames of type, channel, size, payload and an end octet."""

    def __init__(self, url):
        parts = urlsplit(url)
        login = "\0{}\0{}".format(unquote(parts.username or "guest"), unquote(parts.password or "guest"))
        self.socket = socket.create_connection((parts.hostname, parts.port or 5672), timeout=20)
        self.socket.sendall(b"AMQP\x00\x00\x09\x01")
        self.expect(10, 10)
        secret = login.encode()
        self.send(0, 10, 11, struct.pack(">I", 0) + short("PLAIN") + struct.pack(">I", len(secret)) + secret + short("en_US"))
        limits = self.expect(10, 30)
        self.send(0, 10, 31, limits)
        self.send(0, 10, 40, short(unquote(parts.path[1:]) or "/") + short("") + b"\x00")
        self.expect(10, 41)
        self.send(1, 20, 10, short(""))
        self.expect(20, 11)

    def send(self, channel, class_id, method, arguments):
        payload = struct.pack(">HH", class_id, method) + arguments
        self.socket.sendall(struct.pack(">BHI", 1, channel, len(payload)) + payload + b"\xce")

    def read(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise ConnectionError("the broker hung up")
            data += part
        return data

    def expect(self, class_id, method):
        while True:
            kind, _, size = struct.unpack(">BHI", self.read(7))
            payload = self.read(size)
            self.read(1)
            if kind != 1:
                continue
            found = struct.unpack(">HH", payload[:4])
            if found == (class_id, method):
                return payload[4:]
            raise ConnectionError(f"the broker answered with method {found}")

    def delete(self, exchange, queues):
        for queue in queues:
            self.send(1, 50, 40, struct.pack(">H", 0) + short(queue) + b"\x00")
            self.expect(50, 41)
        self.send(1, 40, 20, struct.pack(">H", 0) + short(exchange) + b"\x00")
        self.expect(40, 21)


def short(text):
    return bytes([len(text.encode())]) + text.encode()


def hold(server, broker, queue, *databases):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    names = []
    try:
        for pair in databases:
            name, _, data = pair.partition("=")
            ask(server, f'CREATE DATABASE "{name}"')
            names.append(name)
            Path(data).mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(os.open(f"{data}/database-url", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(database_url(server, name))
        print("held", flush=True)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
    finally:
        for name in names:
            ask(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        Broker(broker).delete(queue, [queue + suffix for suffix in QUEUES])


if __name__ == "__main__":
    if sys.argv[1:2] != ["hold"] or len(sys.argv) < 6:
        sys.exit(__doc__)
    hold(*sys.argv[2:])
