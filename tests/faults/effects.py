"""What jobs did to the world, noted outside the database: an HTTP server that remembers who called."""

import threading
import time
from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.faults.checker import Call

SLOW_SECONDS = 0.7


class Effects(ThreadingHTTPServer):
    """Notes each request by method and name, `/NAME`; keeps those to `/held/NAME` waiting until released,
    and those to `/slow/NAME` for a moment.

    `then` maps a name to what is to happen as soon as it was called, while the caller waits. `calls` is the
    history, by the runs that the callers say they are: `/NAME?run=ID`.
    """

    request_queue_size = 512
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen = Counter()
        self.released = threading.Event()
        self.then = {}
        self.calls = []
        # Where the callers find it.
        self.address = f"127.0.0.1:{self.server_port}"

    def url(self, name):
        """The address for a job, whose runs say which they are."""
        return f"http://{self.address}/{name}?run={{{{ run.id }}}}"

    def of(self, name):
        """How often the name was called."""
        return sum(count for (_, called), count in self.seen.items() if called == name)

    def doubled(self, method="POST"):
        """What was called more than once."""
        return {name for (how, name), count in self.seen.items() if how == method and count > 1}

    def handle_error(self, request, client_address):
        """A caller that is gone is what these tests are about."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        began, asked = time.time(), urlsplit(self.path)
        name, run = asked.path.rpartition("/")[2], "".join(parse_qs(asked.query).get("run", []))
        self.server.seen[self.command, name] += 1
        self.server.then.get(name, int)()
        if asked.path.startswith("/held/"):
            self.server.released.wait(60)
        if asked.path.startswith("/slow/"):
            time.sleep(SLOW_SECONDS)
        if run:
            self.server.calls.append(Call(run, name, began, time.time()))
        with suppress(OSError):
            self.send_response(204)
            self.end_headers()

    do_POST = do_GET

    def log_message(self, *args):
        pass
