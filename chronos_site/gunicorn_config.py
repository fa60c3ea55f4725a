"""How gunicorn serves the web process."""

import os
import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.template import engines
from django.urls import reverse

from chronos_site import checks, collector, env

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chronos_site.settings")
try:
    # Asked here too: what the application raises ends in a page of gunicorn's own.
    checks.refuse_unsafe()
    _host, _port = env.listening()
except ImproperlyConfigured as error:
    sys.exit(f"Chronos cannot start. {error}")

bind = f"[{_host}]:{_port}" if ":" in _host else f"{_host}:{_port}"
workers = env.number("CHRONOS_WEB_PROCESSES", 2, least=1)
threads = env.number("CHRONOS_WEB_THREADS", 4, least=1)
worker_class = "gthread"
# The processes share what was loaded before they were forked.
preload_app = True
# Requests in progress get this long at a stop.
graceful_timeout = env.number("CHRONOS_STOP_GRACE_SECONDS", 30)
timeout = 60
# A heartbeat file on a disk that is busy would stall the process.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
control_socket_disable = True
accesslog = None
loglevel = "warning"


def when_ready(server: Any) -> None:
    """Before the first fork: load what every page needs, keep it shared, and say once where to go."""
    # Each process would load it for itself, at its first page: views, the API's schemas, template tags.
    reverse("overview")
    engines.all()
    # The collector would write into the pages of memory that the processes have in common.
    collector.settle()
    collector.put_off()
    print(f"Chronos is ready: {env.address()}", flush=True)


def post_request(worker: Any, request: Any, environ: Any, response: Any) -> None:
    """After the answer is sent."""
    collector.tidy()
