"""Tags put on many jobs, or taken off them."""

from datetime import datetime
from functools import reduce
from operator import and_

from django import forms
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from jobs.definition import Definition
from jobs.models import Job, JobQuerySet, JobTag
from jobs.tags import MOST, TagsField
from runs.bulk_actions.base import Before, Parameters, Refused
from runs.bulk_actions.changing import Change


class TagForm(forms.Form):
    """Which ones."""

    tags = TagsField(label=_("Tags"), help_text=_("One or more, separated by commas or blanks."))


class Tagging(Change):
    """An edit of each job's tags."""

    icon = "tag"
    form = TagForm

    def targets(self, user: User) -> JobQuerySet:
        return super().targets(user).prefetch_related("tags")

    def told(self, parameters: Parameters) -> str:
        return ", ".join(parameters["tags"])

    def value(self, job: Job) -> list[str]:
        return sorted(tag.name for tag in job.tags.all())

    def put(self, value: list[str], into: Definition) -> None:
        into["tags"] = value

    def words(self, value: list[str]) -> str:
        return ", ".join(value) or "none"


class AddTags(Tagging):
    code, verb, done = "ADD_TAG", "Add tags", "tagged"
    same = "It has these tags already."

    def having(self, parameters: Parameters) -> Q:
        return reduce(and_, (Q(_tagged(name)) for name in parameters["tags"]))

    def wanted(self, now: list[str], parameters: Parameters) -> list[str]:
        return sorted({*now, *parameters["tags"]})

    def apply(self, target: Job, parameters: Parameters, *, by: User, at: datetime) -> Before:
        if len(self.wanted(self.value(target), parameters)) > MOST:
            raise Refused(f"A job has at most {MOST} tags.")
        return super().apply(target, parameters, by=by, at=at)


class RemoveTags(Tagging):
    code, verb, done = "REMOVE_TAG", "Remove tags", "rid of"
    same = "It has none of these tags."

    def having(self, parameters: Parameters) -> Q:
        return reduce(and_, (~Q(_tagged(name)) for name in parameters["tags"]))

    def wanted(self, now: list[str], parameters: Parameters) -> list[str]:
        return sorted(set(now) - set(parameters["tags"]))


def _tagged(name: str) -> Exists:
    return Exists(JobTag.objects.filter(job=OuterRef("pk"), name=name))
