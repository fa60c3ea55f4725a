"""What the audit trail keeps of a definition."""

import pytest

from audit.models import AuditEvent
from jobs import actions, recorded
from jobs import definition as definitions
from tests import factories
from tests.factories import NOON


def of(**payload):
    return {"name": "probe", "schedule": {"timezone": "UTC"}, "payload": payload}


def test_a_changed_field_is_told_before_and_after():
    assert recorded.changes(of(http_url="https://a"), of(http_url="https://b")) == {
        "payload.http_url": ("https://a", "https://b")
    }


def test_a_changed_secret_is_told_without_its_values():
    before, after = (of(http_headers={"Authorization": word}) for word in ("one", "other"))
    told = recorded.changes(before, after)
    assert list(told) == ["payload.http_headers.Authorization"]
    assert "one" not in str(told)
    assert "other" not in str(told)


def test_a_new_job_is_told_field_by_field_and_a_deleted_one_too():
    told = recorded.changes({}, of(http_url="https://a", http_body=""))
    assert told == {
        "name": (None, "probe"),
        "payload.http_url": (None, "https://a"),
        "schedule.timezone": (None, "UTC"),
    }
    assert recorded.changes(of(http_url="https://a"), {})["name"] == ("probe", None)


def test_a_long_text_has_an_end():
    told = recorded.changes(of(script_content="a"), of(script_content="b" * 10_000))
    assert len(told["payload.script_content"][1]) == recorded.LONGEST + 1


@pytest.mark.django_db
def test_an_edit_tells_the_trail_what_it_was_before():
    job = factories.job()
    changed = definitions.of(job) | {"priority": "HIGH"}
    actions.edit(job, changed, by=job.owner, at=NOON)
    told = AuditEvent.objects.get(action="JOB_UPDATED").details["changes"]
    assert told == {"priority": ["MEDIUM", "HIGH"]}
