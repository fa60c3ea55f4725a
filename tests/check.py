"""What can be known without running the product: lint, types, settings, migrations, vulnerabilities."""

import base64
import os
import secrets
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PACKAGES = ("accounts", "api", "audit", "chronos_site", "dashboard", "jobs", "notifications", "runs")
# The longest first: the others are done beside it.
CHECKS = {
    "types": ["-m", "mypy", "--no-error-summary"],
    "lint": ["-m", "ruff", "check", "--quiet"],
    "format": ["-m", "ruff", "format", "--check", "--quiet"],
    "settings": ["manage.py", "check", "--deploy", "--fail-level", "WARNING"],
    "migrations": ["manage.py", "makemigrations", "--check", "--dry-run"],
    "weaknesses": ["-m", "bandit", "-q", "-ll", "-c", "pyproject.toml", "-r", *PACKAGES],
    "vulnerabilities": ["-m", "pip_audit", "--progress-spinner", "off", "--timeout", "20"],
}
# What pip-audit says when it has nobody to ask.
UNREACHABLE = ("ConnectionError", "ServiceError", "Max retries", "timed out", "NameResolutionError")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as threads:
        environment = os.environ | production(Path(folder))
        passed = threads.map(lambda name: passes(name, CHECKS[name], environment), CHECKS)
        failed = [name for name, well in zip(CHECKS, passed, strict=True) if not well]
    sys.exit(f"Failed: {', '.join(failed)}" if failed else 0)


def production(folder: Path) -> dict[str, str]:
    """The environment of a product in use, behind a proxy that speaks TLS."""
    return {
        "CHRONOS_ENV_FILE": os.devnull,
        "CHRONOS_DATA_DIR": str(folder),
        "CHRONOS_DEBUG": "0",
        "CHRONOS_HTTPS": "1",
        "CHRONOS_ALLOWED_HOSTS": "chronos.example.com",
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "CHRONOS_SECRETS_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }


def passes(name: str, words: list[str], environment: dict[str, str]) -> bool:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    verdict = "ok" if done.returncode == 0 else "FAILED"
    if name == "vulnerabilities" and done.returncode and any(word in said for word in UNREACHABLE):
        verdict = "not checked: the index of known vulnerabilities cannot be reached"
    print(f"{name:<16} {verdict} ({time.monotonic() - began:.1f} s)", flush=True)
    if verdict == "FAILED":
        print(said, flush=True)
    return verdict != "FAILED"


if __name__ == "__main__":
    main()
