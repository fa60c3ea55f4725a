"""Write jobs to a file that `import_jobs` reads."""

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs.management.people import person
from jobs.models import Job
from jobs.transfer import documents, exporting


class Command(BaseCommand):
    help = (
        "Write the definitions of jobs as requests that import_jobs reads. Passwords and other secrets are "
        "written as ***, which import_jobs refuses, unless --with-secrets is given."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", default="-", help="default: -, standard output")
        parser.add_argument("--owner", metavar="EMAIL", help="only this person's jobs")
        parser.add_argument(
            "--format", choices=["json", "yaml"], help="default: by the file's name, else json"
        )
        parser.add_argument("--with-secrets", action="store_true", help="write secrets as they are")

    def handle(self, **options: Any) -> None:
        jobs = Job.objects.select_related("schedule", "payload").prefetch_related("tags").order_by("pk")
        if options["owner"]:
            jobs = jobs.filter(owner=person(options["owner"]))
        document = exporting.document(jobs.iterator(chunk_size=500), with_secrets=options["with_secrets"])
        file_format = options["format"] or documents.format_of(options["file"]) or "json"
        text = documents.write(document, file_format)
        if options["file"] == "-":
            self.stdout.write(text, ending="")
            return
        _save(options["file"], text)
        self.stderr.write(f"{len(document['jobs'])} jobs written to {options['file']}.")


def _save(path: str, text: str) -> None:
    """Write the file for its owner alone: even a masked definition tells much."""
    try:
        with open(path, "w", encoding="utf-8", opener=_private) as file:
            file.write(text)
    except (OSError, ValueError) as error:
        raise CommandError(f"{path!a} cannot be written: {_reason(error)}.", returncode=2) from None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
