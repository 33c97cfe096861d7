"""Redis that wants a password."""

import secrets

from .server import Server, exchange


class Redis(Server):
    name = "redis"
    programs = {"redis-server": "redis-server"}

    def start(self):
        port, password = self.port(), secrets.token_hex(12)
        config = self.write("redis.conf", f"""\
bind 127.0.0.1
port {port}
requirepass {password}
dir {self.folder}
daemonize no
save ""
appendonly no
""")
        process = self.spawn("redis", self.program("redis-server"), config)
        ping = f"AUTH {password}\r\nPING\r\n".encode()
        self.wait_until("an answer to PING", lambda: exchange(port, ping, 12) == b"+OK\r\n+PONG\r\n", process)
        return {"ASSAY_LIVE_REDIS": f"redis://:{password}@127.0.0.1:{port}"}
