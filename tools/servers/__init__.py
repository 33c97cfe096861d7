"""The real servers that the live tests talk to, one module a server."""

from .ceph import Ceph
from .mosquitto import Mosquitto
from .postgres import Postgres
from .rabbitmq import RabbitMq
from .redis import Redis

ALL = [Ceph, RabbitMq, Postgres, Redis, Mosquitto]  # the slowest first
