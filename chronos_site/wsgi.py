"""The web process's entry point."""

import os

from django.core.wsgi import get_wsgi_application

from chronos_site.checks import refuse_unsafe

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chronos_site.settings")

refuse_unsafe()
application = get_wsgi_application()
