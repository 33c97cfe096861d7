"""An S3 server that checks signatures: Ceph's object gateway over one monitor and one store in memory."""

import base64
import os
import secrets
import struct
import time
import uuid

from .server import Server, ServerError, exchange

CAPABILITIES = {
    "mon.": {"mon": "allow *"},
    "client.admin": {"mon": "allow *", "osd": "allow *", "mgr": "allow *"},
    "client.rgw.a": {"mon": "allow rw", "osd": "allow rwx"},
    "osd.0": {"mon": "allow profile osd", "osd": "allow *"},
}


def cephx_key():
    """A secret in the form of a keyring: type AES, time of creation, length, 16 bytes, all little endian."""
    now = time.time_ns()
    head = struct.pack("<HIIH", 1, now // 10**9, now % 10**9, 16)
    return base64.b64encode(head + os.urandom(16)).decode()


class Ceph(Server):
    name = "ceph"
    programs = {"ceph-mon": "ceph-mon", "ceph-osd": "ceph-osd", "radosgw": "radosgw", "radosgw-admin": "radosgw",
                "ceph": "ceph-common", "monmaptool": "ceph-base"}

    def start(self):
        for program in self.programs:
            self.program(program)
        self.cluster = str(uuid.uuid4())
        gateway, address = self.port(), f"[v2:127.0.0.1:{self.port()}]"
        config = self._configure(address, gateway)
        for part in ("mon", "osd", "rgw", "run"):
            (self.folder / part).mkdir()
        map_file = self.folder / "monmap"
        self.run(self.program("monmaptool"), "--create", "--fsid", self.cluster, "--addv", "a", address, map_file)
        self.run(self.program("ceph-mon"), *config, "--mkfs", "-i", "a", "--monmap", map_file)
        monitor = self.spawn("mon", self.program("ceph-mon"), *config, "-f", "-i", "a")
        store = str(uuid.uuid4())
        self.run(self.program("ceph"), *config, "--connect-timeout", "30", "osd", "new", store)
        self.run(self.program("ceph-osd"), *config, "-i", "0", "--mkfs", "--osd-uuid", store)
        self.spawn("osd", self.program("ceph-osd"), *config, "-f", "-i", "0")
        process = self.spawn("rgw", self.program("radosgw"), *config, "-f", "-n", "client.rgw.a")
        self.wait_until("an answer of the gateway", lambda: self._answers(gateway), process)
        if not monitor.alive():
            raise ServerError("the monitor ended\n" + self.log_end("mon"))
        key, secret = "ASSAY" + secrets.token_hex(8).upper(), secrets.token_hex(20)
        self.run(self.program("radosgw-admin"), *config, "user", "create", "--uid=assay", "--display-name=assay",
                 f"--access-key={key}", f"--secret-key={secret}")
        return {"ASSAY_LIVE_S3": f"http://{key}:{secret}@127.0.0.1:{gateway}"}

    @staticmethod
    def _answers(port):
        return exchange(port, b"GET / HTTP/1.0\r\n\r\n", 12).endswith(b" 200")

    def _configure(self, monitor_address, gateway):
        keyring = self.write("keyring", "".join(
            f"[{who}]\n\tkey = {cephx_key()}\n" + "".join(f'\tcaps {part} = "{what}"\n' for part, what in caps.items())
            for who, caps in CAPABILITIES.items()))
        settings = {
            "fsid": self.cluster,
            "keyring": keyring,
            "mon initial members": "a",
            "mon host": monitor_address,
            "public network": "127.0.0.0/8",
            "public addr": "127.0.0.1",
            "cluster addr": "127.0.0.1",
            "ms bind ipv6": "false",
            "auth allow insecure global id reclaim": "false",
            # One store holds the only copy of everything.
            "osd pool default size": 1,
            "osd pool default min size": 1,
            "osd pool default pg num": 8,
            "osd pool default pgp num": 8,
            "osd pool default pg autoscale mode": "off",
            "osd crush chooseleaf type": 0,
            "mon allow pool size one": "true",
            "mon max pg per osd": 1000,
            "mon warn on pool no redundancy": "false",
            "osd objectstore": "memstore",
            "memstore device bytes": 2 << 30,
            "mon data": self.folder / "mon",
            "osd data": self.folder / "osd",
            "rgw data": self.folder / "rgw",
            "run dir": self.folder / "run",
            "log file": f"{self.folder}/$name.detail.log",
            # Nobody asks through them, and their paths would exceed the limit of socket files in deep folders.
            "admin socket": "",
            # Without tcp_nodelay every small answer waits for a delayed acknowledgement.
            "rgw frontends": f"beast endpoint=127.0.0.1:{gateway} tcp_nodelay=1",
            "rgw thread pool size": 16,
            "rgw enable usage log": "false",
            "rgw enable ops log": "false",
        }
        text = "[global]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items())
        return ["-c", self.write("ceph.conf", text)]
