"""What is known of failures from before there was a table for it."""

from collections.abc import Iterator
from typing import Any

from django.db import migrations
from django.db.models import Count, Max, Min, Q

# Pure functions of a text, which group what comes later too.
from runs.failure_signatures import title
from runs.signature import signature

BATCH = 500


def _batches(rows: Any) -> Iterator[list[Any]]:
    while found := list(rows.order_by("pk")[:BATCH]):
        yield found


def remember(apps: Any, schema_editor: Any) -> None:
    letters = apps.get_model("runs", "DeadLetter").objects
    for batch in _batches(letters.filter(signature=None)):
        for letter in batch:
            error_class, colon, message = letter.failure_reason.partition(": ")
            letter.signature = signature(error_class, message) if colon else signature("", error_class)
        letters.bulk_update(batch, ["signature"])
    known = (
        letters.order_by()
        .values("signature")
        .annotate(
            first=Min("created_at"),
            last=Max("created_at"),
            events=Count("pk"),
            resolved=Count("pk", filter=Q(status="RESOLVED")),
            ignored=Count("pk", filter=Q(status="IGNORED")),
            one=Min("pk"),
        )
    )
    groups = list(known)
    for start in range(0, len(groups), BATCH):
        _keep(apps, groups[start : start + BATCH])


def _keep(apps: Any, groups: list[dict[str, Any]]) -> None:
    reasons = dict(
        apps.get_model("runs", "DeadLetter")
        .objects.filter(pk__in=[group["one"] for group in groups])
        .values_list("pk", "failure_reason")
    )
    kind = apps.get_model("runs", "FailureSignature")
    found = []
    for group in groups:
        error_class, told = title(reasons[group["one"]])
        found.append(
            kind(
                signature=group["signature"],
                title=told,
                error_class=error_class,
                first_seen_at=group["first"],
                last_seen_at=group["last"],
                events=group["events"],
                resolved=group["resolved"],
                ignored=group["ignored"],
            )
        )
    kind.objects.bulk_create(found)


class Migration(migrations.Migration):
    dependencies = [("runs", "0008_triage")]

    operations = [migrations.RunPython(remember, migrations.RunPython.noop)]
