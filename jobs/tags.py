"""Tags: the words that people put on jobs to find them together."""

import re
from collections.abc import Iterator
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from jobs.models import JobTag

LONGEST, MOST = 50, 20
MOST_OFFERED = 8
# Of their own jobs, people have few; still, no page reads them without end.
MOST_OWN = 1000
_ENDS = re.compile(r"[,\s]+")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


class TagsField(forms.CharField):
    """Words separated by commas or blanks; gives a list in lower case, each once."""

    def to_python(self, value: Any) -> Any:
        words = value if isinstance(value, list) else _ENDS.split(super().to_python(value) or "")
        names = list(dict.fromkeys(str(word).strip().lower() for word in words if str(word).strip()))
        if wrong := next((name for name in names if _ENDS.search(name) or _UNSEEN.search(name)), None):
            raise ValidationError(
                _("%(wrong)a is no tag: write one word, without commas.") % {"wrong": wrong[:60]}
            )
        if wrong := next((name for name in names if len(name) > LONGEST), None):
            raise ValidationError(
                _("A tag has at most %(longest)s characters; %(wrong)s… has %(length)s.")
                % {"longest": LONGEST, "wrong": wrong[:20], "length": len(wrong)}
            )
        if len(names) > MOST:
            raise ValidationError(
                _("A job has at most %(most)s tags; these are %(count)s.")
                % {"most": MOST, "count": len(names)}
            )
        return names

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(str(each) for each in value) if isinstance(value, list) else value


def one(name: str) -> str:
    """The tag that the name is. Raises ValidationError."""
    found = TagsField(required=False).clean(name)
    if len(found) != 1:
        raise ValidationError(_("Write one word, which becomes a tag."))
    return str(found[0])


def in_use(user: User, beginning: str, most: int = MOST_OFFERED) -> list[str]:
    """The first tags with this beginning on jobs that the person may see, by name."""
    beginning = beginning.lower()
    found = _everyones(beginning, most) if user.is_operator else _own(user, beginning)
    return [name for name in found if name.startswith(beginning)][:most]


def _own(user: User, beginning: str) -> list[str]:
    tags = JobTag.objects.filter(job__owner=user, name__startswith=beginning)
    return list(tags.order_by("name").values_list("name", flat=True).distinct()[:MOST_OWN])


def _everyones(beginning: str, most: int) -> Iterator[str]:
    """From name to name by the index: one tag may be on a hundred thousand jobs, which nobody need read."""
    names = JobTag.objects.order_by("name").values_list("name", flat=True)
    following = names.filter(name__gte=beginning)
    for _step in range(most):
        name = following.first()
        if name is None or not name.startswith(beginning):
            return
        yield name
        following = names.filter(name__gt=name)


def completions(user: User, typed: str) -> list[tuple[str, str]]:
    """What a line of tags may be continued to: the whole line, and the tag that it ends with."""
    before, last = typed[:2000], ""
    if found := re.search(r"[^,\s]*\Z", before):
        before, last = before[: found.start()], found[0]
    said = set(_ENDS.split(before.lower()))
    return [(before + name, name) for name in in_use(user, last) if name not in said]
