"""The corpus's requests pointed at servers of our own, with the waits of minutes made waits of moments."""

import json
import re
import time
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

# What people's waits are divided by.
HURRY = 20
SECONDS = ("simulatedDelaySeconds", "simulatedCpuWorkSeconds", "timeoutAfterSeconds")


class Site(BaseHTTPRequestHandler):
    """Answers as httpbin.org and httpstat.us do, with their delays made short."""

    def do_GET(self):
        word, _, number = self.path.strip("/").rpartition("/")
        if word == "delay":
            time.sleep(int(number) / HURRY)
        self.send_response(int(number) if word in ("status", "") and number.isdecimal() else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        with suppress(OSError):
            # Who ran out of time has gone.
            self.wfile.write(b"{}")

    def log_message(self, *args):
        """Nobody reads it."""


@dataclass(frozen=True)
class Places:
    """Where the targets are: addresses as their clients take them."""

    site: str
    mariadb: str
    postgresql: str
    kafka: str
    rabbitmq_port: int
    files: Path
    scratch: Path

    def pointed(self, job: dict[str, Any]) -> dict[str, Any]:
        """The request with its targets on this machine."""
        job = deepcopy(job)
        if job["type"] == "SCRIPT":
            job["payload"] = json.loads(json.dumps(job["payload"]).replace("/tmp/", f"{self.scratch}/"))
        else:
            job["payload"] = _hurried(json.loads(self._swapped(json.dumps(job["payload"]))))
        return job

    def _swapped(self, payload: str) -> str:
        for pattern, here in (
            (r"https://(httpbin\.org|httpstat\.us)", self.site),
            (r"jdbc:mysql://[\w.]+:3306/(\w+)\?user=\w+&password=\w+", rf"{self.mariadb}/\1"),
            (r"jdbc:postgresql://[\w.]+:5432/(\w+)\?user=\w+&password=\w+", rf"{self.postgresql}/\1"),
            (r"nonexistent-kafka:9092", "127.0.0.1:1"),
            (r"\bkafka:9092", self.kafka),
            (r'"rabbitmq", "port": 5672', f'"127.0.0.1", "port": {self.rabbitmq_port}'),
            (r"/(tmp|app|backup)/", rf"{self.files}/\1/"),
        ):
            payload = re.sub(pattern, here, payload)
        return payload


def _hurried(payload: dict[str, Any]) -> dict[str, Any]:
    others = payload.get("metadata") or {}
    for name in SECONDS:
        if name in others:
            others[name] = others[name] / HURRY
    if "timeoutSeconds" in payload and "/delay/" in payload.get("httpUrl", ""):
        payload["timeoutSeconds"] = max(1, payload["timeoutSeconds"] // HURRY)
    return payload
