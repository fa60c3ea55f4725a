"""The product inside the measuring process."""

import atexit
import os
import shutil
import tempfile


def set_up(database: str) -> None:
    """Make Django ready on the database, migrated; call it once, before any model is imported."""
    folder = tempfile.mkdtemp(prefix="chronos-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "chronos_site.settings",
        "DATABASE_URL": database,
        "SECRET_KEY": "only for measurements, long enough and not a secret at all 0123456789",
        "CHRONOS_ALLOWED_HOSTS": "testserver,127.0.0.1,localhost",
        "CHRONOS_DATA_DIR": folder,
        "CHRONOS_ENV_FILE": os.devnull,
    }
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
