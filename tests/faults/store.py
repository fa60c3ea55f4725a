"""A Valkey of the test's own, which it starts, stops, empties and kills."""

import os
import signal
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from redis import Redis

from chronos_site.valkey import answers, socket_path
from tests import servers
from tests.faults.installation import until


@dataclass
class Store:
    folder: Path
    running: ExitStack = field(default_factory=ExitStack)

    @property
    def url(self):
        return f"unix://{socket_path(self.folder)}"

    @property
    def client(self):
        return Redis.from_url(self.url)

    @property
    def pid(self):
        with self.up() as client:
            return client.info("server")["process_id"]

    def up(self):
        """A client, once the store answers: it may have died a moment ago."""
        until(lambda: answers(socket_path(self.folder)), "up again")
        return self.client

    def start(self):
        self.running.enter_context(servers.valkey(self.folder))

    def stop(self):
        self.running.close()

    def lose_all(self):
        with self.up() as client:
            client.flushall()

    def die(self):
        os.kill(self.pid, signal.SIGKILL)
