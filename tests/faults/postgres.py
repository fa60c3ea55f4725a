"""A PostgreSQL server of the test's own, which it stops and starts."""

import signal
from contextlib import ExitStack

from django.db import connection

FAST, AS_AFTER_A_CRASH = signal.SIGINT, signal.SIGQUIT


class Postgres:
    def __init__(self, prepared):
        self.prepared = prepared
        self._running = ExitStack()
        self._process = None

    @property
    def address(self):
        return ("127.0.0.1", self.prepared.port)

    @property
    def runs(self):
        return self._process is not None and self._process.poll() is None

    @property
    def said(self):
        """What it wrote since it was started."""
        return (self.prepared.folder / "log").read_text()

    def start(self, **how):
        self._process = self._running.enter_context(self.prepared.running(**how))

    def stop(self, how=FAST):
        """End it; asked by SIGTERM, it would wait for everybody's connection to end."""
        connection.close()
        self._process.send_signal(how)
        self._process.wait()
        self._running.close()

    def close(self):
        if self.runs:
            self.stop()
