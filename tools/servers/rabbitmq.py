"""RabbitMQ as a node of its own: own port mapper, own cookie, own data, one user."""

import os
import secrets

from .server import Server, exchange

SCRIPT = "/usr/lib/rabbitmq/bin/rabbitmq-server"


class RabbitMq(Server):
    name = "rabbitmq"
    programs = {SCRIPT: "rabbitmq-server", "epmd": "erlang-base"}

    def start(self):
        script, mapper = self.program(SCRIPT), self.program("epmd")
        port, distribution, mapper_port = self.port(), self.port(), self.port()
        user, password = "assay", secrets.token_hex(12)
        config = self.write("rabbitmq.conf", f"""\
listeners.tcp.1 = 127.0.0.1:{port}
default_user = {user}
default_pass = {password}
default_user_tags.administrator = true
vm_memory_high_watermark.absolute = 1GiB
disk_free_limit.absolute = 50MB
""")
        plugins = self.write("enabled_plugins", "[].\n")
        environment = {
            "HOME": str(self.folder),
            "RABBITMQ_NODENAME": f"assay-{os.getpid()}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port),
            "RABBITMQ_DIST_PORT": str(distribution),
            "ERL_EPMD_PORT": str(mapper_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_CONFIG_FILE": str(config),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            # No busy waiting of the schedulers, which would take a core from the tests.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none",
            # The script then becomes the server instead of watching over it.
            "RUNNING_UNDER_SYSTEMD": "true",
        }
        first = self.spawn("epmd", mapper, "-port", mapper_port, "-address", "127.0.0.1")
        names_request = b"\x00\x01n"
        self.wait_until("an answer to NAMES", lambda: len(exchange(mapper_port, names_request, 4)) == 4, first)
        process = self.spawn("rabbitmq", script, environment=environment)
        # Protocol header of AMQP 0-9-1; the server greets with a method frame (type 1) of channel 0.
        header = b"AMQP\x00\x00\x09\x01"
        self.wait_until("a greeting in AMQP 0-9-1", lambda: exchange(port, header, 3) == b"\x01\x00\x00", process)
        return {"ASSAY_LIVE_RABBITMQ": f"amqp://{user}:{password}@127.0.0.1:{port}/"}
