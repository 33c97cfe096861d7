"""PostgreSQL: a primary with TLS and a streaming replica, both with SCRAM passwords."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from .server import Server, ServerError

PACKAGE = "postgresql-15"
BIN = Path("/usr/lib/postgresql/15/bin")


class Postgres(Server):
    name = "postgres"
    programs = {str(BIN / program): PACKAGE for program in ("initdb", "postgres", "pg_basebackup", "psql")}

    def start(self):
        for program in self.programs:
            self.program(program)
        self.prefix = self._as_other_user()
        self.password = secrets.token_hex(12)
        primary, replica = self.port(), self.port()
        self._make_primary(primary)
        main = self._serve("primary", primary)
        self.wait_until("an answer of the primary", lambda: self._ask(primary, "SELECT 1") == "1", main)
        self._psql(primary, "CREATE DATABASE assay")
        self._as(BIN / "pg_basebackup", "-D", self.folder / "replica", "-R", "-X", "stream", "-c", "fast",
                 "-C", "-S", "replica", "--no-sync", "-d", self._address(primary, "postgres"))
        copy = self._serve("replica", replica)
        self.wait_until("an answer of the replica", lambda: self._ask(replica, "SELECT pg_is_in_recovery()") == "t", copy)
        streaming = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
        self.wait_until("streaming to the replica", lambda: self._ask(primary, streaming) == "1", copy)
        return {"ASSAY_LIVE_POSTGRES": self._address(primary, "assay", self.password),
                "ASSAY_LIVE_POSTGRES_REPLICA": self._address(replica, "assay", self.password),
                "ASSAY_LIVE_POSTGRES_CA": str(self.folder / "server.crt")}

    def _as_other_user(self):
        """PostgreSQL refuses to run as root. Its own user must then reach the folder."""
        if os.geteuid() != 0:
            return []
        try:
            user = pwd.getpwnam("postgres")
        except KeyError as error:
            raise ServerError(f"there is no user postgres; install the package {PACKAGE} (./dev setup)") from error
        prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"]
        reached = subprocess.run([*prefix, "test", "-x", str(self.folder)], check=False, capture_output=True)
        if reached.returncode != 0:
            elsewhere = Path(tempfile.mkdtemp(prefix="assay-postgres-"))
            shutil.rmtree(self.folder)
            self.folder.symlink_to(elsewhere)
            self.folder = elsewhere
        os.chown(self.folder, user.pw_uid, user.pw_gid)
        return prefix

    def _as(self, *command):
        return self.run(*self.prefix, *command, environment={"PGPASSWORD": self.password})

    def _make_primary(self, port):
        data = self.folder / "primary"
        first_line = self.write("password", self.password + "\n")
        if self.prefix:
            shutil.chown(first_line, "postgres", "postgres")
        self._as(BIN / "initdb", "-D", data, "-U", "assay", "-A", "scram-sha-256", f"--pwfile={first_line}",
                 "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        first_line.unlink()
        self._as("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost",
                 "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", self.folder / "server.key",
                 "-out", self.folder / "server.crt")
        with open(data / "postgresql.conf", "a", encoding="utf-8") as file:
            # Losing the machine may lose the data: it lives as long as a test run.
            file.write(f"""
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 100
fsync = off
ssl = on
ssl_cert_file = '{self.folder / "server.crt"}'
ssl_key_file = '{self.folder / "server.key"}'
""")

    def _serve(self, name, port):
        # SIGINT is the fast shutdown: it ends sessions instead of waiting for them.
        return self.spawn(name, *self.prefix, BIN / "postgres", "-D", self.folder / name, "-p", port, end=signal.SIGINT)

    @staticmethod
    def _address(port, database, password=None):
        secret = f":{password}" if password else ""
        return f"postgresql://assay{secret}@127.0.0.1:{port}/{database}"

    def _psql(self, port, statement):
        return self._as(BIN / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", statement,
                        self._address(port, "postgres")).strip()

    def _ask(self, port, statement):
        try:
            return self._psql(port, statement)
        except ServerError as error:
            raise OSError(str(error)) from error
