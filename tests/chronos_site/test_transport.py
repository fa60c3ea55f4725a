"""What browsers are told of TLS: to come by it for a year where it is there, and nothing elsewhere."""

import os
import subprocess
import sys

import pytest
from django.conf import settings

ASK = """
import django
django.setup()
from django.test import Client
for secure in (True, False):
    passed_on = {"HTTP_X_FORWARDED_PROTO": "https" if secure else "http"}
    answer = Client(SERVER_NAME="localhost").get("/sign-in/", secure=secure, **passed_on)
    print(answer.status_code, answer.headers.get("Strict-Transport-Security", "nothing"))
"""


@pytest.mark.parametrize(
    ("https", "told"),
    [("1", ["200 max-age=31536000", "301 nothing"]), ("0", ["200 nothing", "200 nothing"])],
)
def test_browsers_are_told_to_come_by_tls_where_it_is_there(https, told, tmp_path):
    around = {name: os.environ[name] for name in ("PATH", "SECRET_KEY", "CHRONOS_SECRETS_KEYS")}
    here = {"CHRONOS_ENV_FILE": os.devnull, "CHRONOS_DATA_DIR": str(tmp_path), "CHRONOS_HTTPS": https}
    command = [sys.executable, "-c", ASK]
    environment = {**around, **here, "DJANGO_SETTINGS_MODULE": "chronos_site.settings", "CHRONOS_DEBUG": "1"}
    said = subprocess.run(
        command,
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert said.stdout.splitlines() == told
