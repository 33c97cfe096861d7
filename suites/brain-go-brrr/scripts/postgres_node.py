#!/usr/bin/env python3
"""One of two PostgreSQL servers that take over from each other, on loopback and without passwords.

    postgres_node.py primary DATA PORT PEER_PORT RETURN_FILE
    postgres_node.py replica DATA PORT PEER_PORT RETURN_FILE

The replica is a copy of its peer and follows it; from then on the peer answers a commit when the replica has it too. A
primary that is started again waits until RETURN_FILE exists, and comes back as a follower of its peer: started as it was, it
would be a second primary. DATA is removed at an orderly end.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BIN = Path("/usr/lib/postgresql/15/bin")
USER = "montage"


class Node:
    def __init__(self, folder, port, peer):
        self.port, self.peer = port, peer
        # PostgreSQL refuses to run as root. Its own user must then reach the folder.
        self.prefix = []
        if os.geteuid() == 0:
            self.prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
        self.data = self.own(Path(folder))

    def own(self, link):
        if link.exists():
            return link.resolve()
        link.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="postgres-node-"))
        if self.prefix:
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
        link.symlink_to(folder)
        return folder

    def run(self, program, *arguments):
        subprocess.run([*self.prefix, str(BIN / program), *map(str, arguments)], check=True, cwd="/", stdin=subprocess.DEVNULL)

    def url(self, port):
        return f"postgresql://{USER}@127.0.0.1:{port}/postgres"

    def make(self):
        self.run("initdb", "-D", self.data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as settings:
            # Losing the machine may lose the data: it lives as long as a run.
            settings.write("\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\n")

    def copy_peer(self):
        for entry in self.data.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        self.run("pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast", "--no-sync", "-d", self.url(self.peer))

    def make_peer_wait_for_us(self):
        self.run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", "ALTER SYSTEM SET synchronous_standby_names = '*'",
                 "-c", "SELECT pg_reload_conf()", self.url(self.peer))

    def serve(self):
        """Until the server ends, or this process is told to; then also its files go."""
        server = subprocess.Popen([*self.prefix, str(BIN / "postgres"), "-D", str(self.data), "-p", self.port], cwd="/",
                                  stdin=subprocess.DEVNULL)
        told = []

        def end(number, _):
            told.append(number)
            server.send_signal(signal.SIGINT)  # the fast shutdown: it ends sessions instead of waiting for them
        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        code = server.wait()
        if told:
            shutil.rmtree(self.data, ignore_errors=True)
            return 0
        print(f"the server ended with {code}", flush=True)
        return 1


def main():
    role, folder, port, peer, return_file = sys.argv[1:]
    node = Node(folder, port, peer)
    is_new = not any(node.data.iterdir())
    if is_new and role == "primary":
        node.make()
    elif is_new:
        node.copy_peer()
        node.make_peer_wait_for_us()
    elif role == "primary":
        print("waiting to be called back", flush=True)
        while not Path(return_file).exists():
            time.sleep(0.05)
        node.copy_peer()
    return node.serve()


if __name__ == "__main__":
    if len(sys.argv) != 6 or sys.argv[1] not in ("primary", "replica"):
        sys.exit(__doc__)
    sys.exit(main())
