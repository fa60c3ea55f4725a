from datetime import timedelta

import pytest
from django.utils import timezone

from api.models import Answer
from runs import signals
from runs.housekeeping import House
from tests import factories

pytestmark = pytest.mark.django_db


def test_answers_go_after_a_day_and_no_sooner():
    owner, now = factories.alice(), timezone.now()
    for key, age in (("old", timedelta(hours=25)), ("new", timedelta(hours=23))):
        answer = Answer.objects.create(owner=owner, key=key, digest="")
        Answer.objects.filter(pk=answer.pk).update(created_at=now - age)
    signals.upkeep.send(House)
    assert list(Answer.objects.values_list("key", flat=True)) == ["new"]
