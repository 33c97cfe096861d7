#!/usr/bin/env python3
"""Databases, buckets and queues of one run, on servers that are there already. Python's standard library and psql only.

    POSTGRES_URL=... AMQP_URL=... S3_URL=... production.py hold QUEUE USER PASSWORD_FILE NAME=DATA [NAME=DATA...]

Makes the login USER, and for each data directory DATA a database NAME that it owns and the buckets that Montage uses, whose
names begin with NAME (with - for _). DATA/stores.json says where they are, for store.py. Then it says `held`, and waits. When
it is told to stop it removes databases, login and buckets, and deletes the exchange QUEUE with its queues, which Montage
makes itself.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import s3

BUCKETS = ["recordings", "results", "cache"]
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


def database_url(server, name, user, password):
    parts = urlsplit(server)
    address = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{address}", path="/" + name).geturl()


def objects_url(service, name):
    return f"{service}{'&' if '?' in service else '?'}prefix={name.replace('_', '-')}-"


class Stores:
    """What belongs to the run; each part is noted before it is made, so that `remove` finds it."""

    def __init__(self, user, password):
        self.server, self.broker, self.service = (os.environ[name] for name in ("POSTGRES_URL", "AMQP_URL", "S3_URL"))
        self.user, self.password = user, password
        self.names = []

    def make_login(self):
        ask(self.server, f'CREATE ROLE "{self.user}" LOGIN PASSWORD ?', [self.password])

    def make(self, name, data):
        self.names.append(name)
        ask(self.server, f'CREATE DATABASE "{name}" OWNER "{self.user}"')
        places = {"database": database_url(self.server, name, self.user, self.password),
                  "objects": objects_url(self.service, name)}
        for bucket in BUCKETS:
            s3.Service(places["objects"]).make_bucket(bucket)
        Path(data).mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(f"{data}/stores.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(places, file)

    def remove(self, queue):
        with contextlib.ExitStack() as stack:  # a failure of one does not keep the others from being removed
            stack.callback(lambda: Broker(self.broker).delete(queue, [queue + suffix for suffix in QUEUES]))
            stack.callback(lambda: ask(self.server, f'DROP ROLE IF EXISTS "{self.user}"'))
            for name in self.names:
                stack.callback(self._remove_buckets, name)
                stack.callback(ask, self.server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _remove_buckets(self, name):
        service = s3.Service(objects_url(self.service, name))
        for bucket in service.buckets():
            service.remove_bucket(bucket)


def hold(queue, user, password_file, *databases):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    stores = Stores(user, Path(password_file).read_text().strip())
    try:
        stores.make_login()
        for pair in databases:
            stores.make(*pair.split("=", 1))
        print("held", flush=True)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
    finally:
        stores.remove(queue)


if __name__ == "__main__":
    if sys.argv[1:2] != ["hold"] or len(sys.argv) < 6:
        sys.exit(__doc__)
    hold(*sys.argv[2:])
