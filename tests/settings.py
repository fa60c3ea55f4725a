"""The product's settings for tests: nothing of the developer's environment or `.env` counts."""

import os
import tempfile

_KEPT = {"DATABASE_URL", "CHRONOS_REQUIRE_SERVICES"}
for name in [name for name in os.environ if name.startswith("CHRONOS_") or name in {"PORT", "REDIS_URL"}]:
    if name not in _KEPT:
        del os.environ[name]
os.environ["CHRONOS_ENV_FILE"] = os.devnull
os.environ["CHRONOS_DATA_DIR"] = tempfile.mkdtemp(prefix="chronos-tests-")
os.environ["SECRET_KEY"] = "only for tests, long enough and not a secret at all 0123456789"
os.environ.setdefault("DATABASE_URL", "sqlite://:memory:")

from chronos_site.settings import *  # noqa: E402, F403
from chronos_site.settings import STATIC_ROOT, STORAGES  # noqa: E402

# Hashing a password slowly is the point in the product and only costs time here.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Pages are rendered without collecting the static files first.
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
