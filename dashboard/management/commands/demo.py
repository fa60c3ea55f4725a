"""manage.py demo: jobs and history to look around in."""

from typing import Any

from django.core.management.base import BaseCommand

from chronos_site import env
from chronos_site.clock import database_now
from dashboard.demo import make


class Command(BaseCommand):
    help = "Add demo jobs, safe to run anywhere, and two weeks of history as they might have been."

    def handle(self, *args: Any, **options: Any) -> None:
        made = make(database_now(), env.address())
        if made is None:
            self.stdout.write("The demo is there already.")
        else:
            self.stdout.write(f"Added {made.jobs} demo jobs and {made.runs:,} runs of the last two weeks.")
