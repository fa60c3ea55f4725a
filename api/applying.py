"""Jobs as code: an owner's jobs become what the body says, all of it or nothing."""

from collections.abc import Iterator
from typing import Annotated, Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest
from ninja import Query, Router, Schema

from accounts.access import person
from accounts.models import User
from api.given import taken
from api.keys import Bearer
from api.models import Scope
from api.once import APPLY, YAML
from api.problems import ANSWERS, FieldError, Invalid
from audit import denials
from chronos_site.clock import database_now
from jobs import tags
from jobs.transfer import described
from jobs.transfer.applying import Apply, Deed, Plan, Step
from jobs.transfer.importing import entries_of
from jobs.transfer.limits import AT_ONCE_LIMIT
from jobs.transfer.part import Problem

router = Router(tags=["jobs"])

Set = Annotated[str, Query(alias="set", max_length=100, description="The tag that marks these jobs.")]
Owner = Annotated[str, Query(max_length=255, description="Whose the jobs are, by e-mail; else yours.")]


class Difference(Schema):
    """What a field was and what it becomes; secrets are hidden."""

    field: str
    before: Any
    after: Any


class StepShown(Schema):
    source: str
    name: str
    deed: Deed
    job_id: str | None
    differences: list[Difference]
    errors: list[FieldError]
    warnings: list[str]


class PlanShown(Schema):
    """What was done, or would be; `left` are the jobs of the set that nothing names any more."""

    dry_run: bool
    refused: bool
    steps: list[StepShown]
    left: list[str]


@router.post(
    "",
    response={200: PlanShown, **ANSWERS},
    auth=Bearer(Scope.WRITE),
    operation_id="apply_jobs",
    url_name=APPLY,
    openapi_extra=taken(described.FILE, YAML[0]),
)
def apply_jobs(
    request: HttpRequest, dry_run: bool = False, prune: bool = False, tag: Set = "applied", owner: Owner = ""
) -> Any:
    """Create what is new, change what differs, leave the rest alone; `prune` removes what is not named."""
    user = person(request)
    asked = Apply(
        _owner(owner, user), by=user, at=database_now(), tag=_tag(tag), dry_run=dry_run, prune=prune
    )
    plan = asked.carry_out(entries_of(request.json, AT_ONCE_LIMIT))  # type: ignore[attr-defined]
    if plan.is_denied:
        denials.note(request)
    if plan.is_refused and not dry_run:
        raise Invalid((f"{step.source} {each.field}".strip(), each.reason) for step, each in _problems(plan))
    return {
        "dry_run": dry_run,
        "refused": plan.is_refused,
        "steps": [_shown(step) for step in plan.steps],
        "left": [job.name for job in plan.left],
    }


def _owner(email: str, user: User) -> User:
    if not email or email.lower() == user.email:
        return user
    if not user.is_administrator:
        raise PermissionDenied("Only administrators apply jobs that are others'.")
    # PostgreSQL does not even look for a NUL.
    if "\0" not in email and (found := User.objects.filter(email__iexact=email, is_active=True).first()):
        return found
    raise Invalid([("owner", "Nobody with an active account has this e-mail.")])


def _tag(name: str) -> str:
    try:
        return tags.one(name)
    except ValidationError as error:
        raise Invalid([("set", error.messages[0])]) from None


def _problems(plan: Plan) -> Iterator[tuple[Step, Problem]]:
    return ((step, each) for step in plan.steps for each in step.problems)


def _shown(step: Step) -> dict[str, Any]:
    sides = step.differences.items()
    return {
        "source": step.source,
        "name": step.name,
        "deed": step.deed,
        "job_id": step.job.pk if step.job else None,
        "differences": [{"field": name, "before": before, "after": after} for name, (before, after) in sides],
        "errors": [{"field": each.field, "message": each.reason} for each in step.problems],
        "warnings": step.warnings,
    }
