#!/usr/bin/env python3
"""Run Chronos's management commands."""

import os
import sys

try:
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
except ModuleNotFoundError:
    sys.exit("This Python lacks Chronos's packages. `make run` installs them: .venv/bin/python manage.py …")


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chronos_site.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"Chronos is not configured: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
