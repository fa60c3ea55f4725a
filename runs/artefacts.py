"""Files that runs leave behind, kept in the database so that every machine of an installation has them."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Self

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from chronos_site.schema import SeedIndex, UlidField, cascade, new_ulid
from jobs.executors import base
from runs.models import Run
from runs.storable import text

# MariaDB takes 16 MB in one statement, and a byte may need two there.
PART = 1_000_000
NAME_LIMIT = 255


class ArtefactQuerySet(models.QuerySet["Artefact"]):
    def visible_to(self, user: User) -> Self:
        """Files of their own jobs' runs, or everyone's for operators and administrators."""
        return self if user.is_operator else self.filter(run__job__owner=user)


class Artefact(models.Model):
    """One file of a run; its content is in its parts."""

    id = UlidField(primary_key=True, default=new_ulid, editable=False)
    run = models.ForeignKey(Run, on_delete=cascade, related_name="artefacts", db_index=False)
    name = models.CharField(max_length=NAME_LIMIT)
    media_type = models.CharField(max_length=100)
    size = models.BigIntegerField(help_text=_("Bytes."))
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ArtefactQuerySet.as_manager()

    class Meta:
        db_table = "run_artefacts"
        indexes = [SeedIndex(fields=["run"], name="idx_run_artefacts_run")]

    def __str__(self) -> str:
        return self.name

    def read(self) -> Iterator[bytes]:
        """The content, part by part."""
        for number in self.parts.order_by("number").values_list("number", flat=True):
            yield bytes(self.parts.get(number=number).content)


class Part(models.Model):
    artefact = models.ForeignKey(Artefact, on_delete=cascade, related_name="parts", db_index=False)
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        db_table = "run_artefact_parts"
        constraints = [models.UniqueConstraint(fields=["artefact", "number"], name="uniq_run_artefact_parts")]

    def __str__(self) -> str:
        return f"Part {self.number} of {self.artefact_id}"


def keep(files: Sequence[tuple[str, base.Artefact]]) -> None:
    """Store the files, each with the id of the run that left it behind."""
    rows = [(_row(run_id, file), file.content) for run_id, file in files]
    Artefact.objects.bulk_create([row for row, _ in rows])
    for row, content in rows:
        pieces = [content[start : start + PART] for start in range(0, len(content), PART)]
        for number, piece in enumerate(pieces):
            Part.objects.create(artefact=row, number=number, content=piece)


def _row(run_id: str, file: base.Artefact) -> Artefact:
    return Artefact(
        run_id=run_id,
        name=text(file.name)[-NAME_LIMIT:],
        media_type=file.media_type[:100],
        size=len(file.content),
        sha256=hashlib.sha256(file.content).hexdigest(),
    )
