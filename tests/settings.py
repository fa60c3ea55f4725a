"""The product's settings for tests: nothing of the developer's environment or `.env` counts."""

import atexit
import os
import shutil
import tempfile

for name in list(os.environ):
    if name in {"PORT", "REDIS_URL"} or (name.startswith("CHRONOS_") and name != "CHRONOS_REQUIRE_SERVICES"):
        del os.environ[name]
folder = tempfile.mkdtemp(prefix="chronos-tests-")
atexit.register(shutil.rmtree, folder, ignore_errors=True)
os.environ |= {
    "CHRONOS_ENV_FILE": os.devnull,
    "CHRONOS_DATA_DIR": folder,
    "SECRET_KEY": "only for tests, long enough and not a secret at all 0123456789",
    "CHRONOS_SECRETS_KEYS": "b25seSBmb3IgdGVzdHMsIG5vdCBhIHNlY3JldCAuLi4=",
}

from chronos_site.settings import *  # noqa: E402, F403
from chronos_site.settings import DATA_DIR, DATABASES, STATIC_ROOT, STORAGES  # noqa: E402

# Hashing a password slowly is the point in the product and only costs time here.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# A file, not memory: several connections, with the locks that the product has.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}

# Pages are rendered without collecting the static files first.
STORAGES = STORAGES | {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
