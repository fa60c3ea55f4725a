"""Servers in this process that HTTP jobs call, good ones and bad ones."""

import json
import socket
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import unquote

import pytest

from jobs.executors.base import Context, ExecutionError, Payload
from jobs.executors.http import execute
from tests.factories import NOON


class Handler(BaseHTTPRequestHandler):
    seen: ClassVar[list[dict]] = []

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        self.seen.append({"method": self.command, "headers": dict(self.headers), "body": body})
        route = self.path.partition("?")[0].strip("/").split("/")
        getattr(self, f"answer_{route[0]}")(*route[1:])

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = do_GET

    def answer_status(self, code):
        self.reply(int(code), b'{"answer": 42}')

    def answer_large(self, size):
        self.reply(200, b"x" * int(size))

    def answer_to(self, *target):
        self.send_response(302)
        self.send_header("Location", self.path.removeprefix("/to"))
        self.end_headers()

    def answer_location(self, *target):
        """A redirect to what the rest of the path says, as it stands."""
        self.send_response(302)
        self.send_header("Location", "/".join(target))
        self.end_headers()

    def answer_away(self, port):
        self.send_response(302)
        self.send_header("Location", f"http://127.0.0.2:{port}/status/200")
        self.end_headers()

    def answer_lost(self):
        self.send_response(302)
        self.send_header("Location", "http://[")
        self.end_headers()

    def answer_flood(self):
        """A redirect with a body that nobody needs."""
        self.send_response(302)
        self.send_header("Location", "/status/200")
        self.end_headers()
        with suppress(OSError):
            for _ in range(1000):
                self.wfile.write(b"x" * 65536)
            self.seen.append({"method": "read to its end"})

    def answer_secrets(self):
        self.send_response(200)
        self.send_header("Set-Cookie", "session=s3cret")
        self.send_header("X-Auth-Token", "s3cret")
        self.end_headers()
        self.wfile.write(b'{"access_token": "s3cret", "day": 1}')

    def answer_elsewhere(self, host, port, *tls):
        """A redirect to another server."""
        self.send_response(307)
        self.send_header("Location", f"http{'s' if tls else ''}://{host}:{port}/status/200")
        self.end_headers()

    def answer_later(self, code, *when):
        self.send_response(int(code))
        self.send_header("Retry-After", "/".join(when).replace("%20", " "))
        self.end_headers()

    def answer_echo(self):
        self.reply(200, json.dumps({"got": self.headers["Authorization"]}).encode())

    def answer_said(self, *path):
        """The query, unquoted, as the answer."""
        self.reply(200, unquote(self.path.partition("?")[2]).encode())

    def answer_hang(self):
        time.sleep(30)

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *args):
        pass


@contextmanager
def serving(host="127.0.0.1", tls=None):
    with ThreadingHTTPServer((host, 0), Handler) as running:
        running.daemon_threads = True
        running.block_on_close = False
        if tls:
            running.socket = tls.wrap_socket(running.socket, server_side=True)
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running.server_port
        running.shutdown()


@contextmanager
def saying(*parts, then=None):
    """A server that says these bytes to everybody, goes on with `then` and hangs up; gives its URL."""

    def answer(connection):
        with suppress(OSError), connection:
            connection.recv(65536)
            for part in parts:
                connection.sendall(part)
            if then:
                then(connection)
            else:
                # Closed with the rest of a request unread, what was said would be lost on its way.
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass

    def accept():
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def context(logged=(), seconds=10):
    def log(level, message, **fields):
        if isinstance(logged, list):
            logged.append((level, message))

    return Context("r", "j", "job", NOON, 1, time.monotonic() + seconds, log=log)


def call(url, method="GET", *, within=None, metadata=None, **columns):
    payload = Payload({"http_url": url, "http_method": method, "metadata": metadata or {}, **columns})
    return execute(payload, within or context())


def refusal(*args, **kwargs):
    with pytest.raises(ExecutionError) as caught:
        call(*args, **kwargs)
    return caught.value
