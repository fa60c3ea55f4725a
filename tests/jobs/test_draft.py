"""What the page makes of a stored definition, and of what comes back from it."""

import pytest
from django.http import QueryDict

from jobs import actions, definition
from jobs.draft import Draft
from jobs.executors import TYPES
from jobs.transfer.requests import read
from tests import factories
from tests.factories import NOON
from tests.jobs.executors.payloads import FULL
from tests.jobs.transfer.requests import of_type

pytestmark = pytest.mark.django_db


def posted(draft):
    """What a browser sends when nobody touches the page."""
    data = QueryDict(mutable=True)
    data["shown"] = draft.type.code
    for form in (draft.basics, draft.schedule, draft.payload, draft.retry):
        for field in form:
            value = field.value()
            if value not in (None, ""):
                data[field.html_name] = str(value)
    return data


@pytest.mark.parametrize("retry", [{}, {"retry": {"max_attempts": 3, "retry_on": ["5XX"]}}])
@pytest.mark.parametrize("code", [code for code in TYPES if code != "SCRIPT"])
def test_saving_a_page_that_nobody_touched_makes_no_new_version(code, retry):
    alice = factories.alice()
    stored = {**read(of_type(code, FULL[code])).definition, **retry, "tags": ["night", "billing"]}
    stored["schedule"] |= {"start_within_seconds": 60, "end_by": "06:00"}
    job = actions.create(stored, owner=alice, by=alice, at=NOON)
    before = definition.of(job)
    assert definition.stored(stored) == before
    again = Draft.of(job, posted(Draft.of(job, None, user=alice, at=NOON)), user=alice, at=NOON)
    assert again.is_valid()
    assert actions.edit(job, again.definition(), by=alice, at=NOON).version == 1
    assert definition.of(job) == before


@pytest.mark.parametrize("code", ["HTTP", "DUMMY"])
def test_the_page_names_what_runs_of_the_type_fail_with(code):
    draft = Draft.blank(QueryDict(f"type={code}"), user=factories.alice(), at=NOON)
    offered = str(draft.retry["retry_on"])
    assert all(f'value="{name}"' in offered for name in (*TYPES[code].error_classes, "INTERNAL_ERROR"))


@pytest.mark.parametrize(
    ("said", "wrong"), [("GREMLINS", ["retry_on"]), ("GREMLINS, 5XX", ["retry_on"]), ("HTTP_503", [])]
)
def test_a_class_that_no_run_of_the_type_fails_with_is_refused(said, wrong):
    alice = factories.alice()
    stored = {**read(of_type("HTTP", FULL["HTTP"])).definition, "retry": {"retry_on": ["TIMEOUT"]}}
    job = actions.create(stored, owner=alice, by=alice, at=NOON)
    data = posted(Draft.of(job, None, user=alice, at=NOON))
    data.setlist("retry_on", ["TIMEOUT", said])
    draft = Draft.of(job, data, user=alice, at=NOON)
    assert draft.is_valid() is not bool(wrong)
    assert list(draft.retry.errors) == wrong


def test_a_class_that_an_import_kept_may_stay():
    alice = factories.alice()
    stored = {**factories.definition(), "retry": {"retry_on": ["GREMLINS"]}}
    job = actions.create(stored, owner=alice, by=alice, at=NOON)
    assert Draft.of(job, posted(Draft.of(job, None, user=alice, at=NOON)), user=alice, at=NOON).is_valid()


def typed(job, user, **over):
    """The draft while somebody types over the page of a job."""
    data = posted(Draft.of(job, None, user=user, at=NOON))
    for name, value in over.items():
        data[name] = value
    draft = Draft.of(job, data, user=user, at=NOON)
    draft.hush()
    return draft


def test_what_is_typed_is_told_against_what_is_saved():
    alice = factories.alice()
    job = factories.job(alice, tags=["night"])
    draft = typed(job, alice, tags="night, billing", interval_seconds="60")
    found = definition.changed(draft.saved, draft.typed)
    assert found == {
        "tags": (["night"], ["billing", "night"]),
        "schedule.interval_seconds": (300, 60),
    }


def test_a_part_that_makes_no_sense_yet_is_as_it_was_saved():
    alice = factories.alice()
    job = factories.job(alice)
    draft = typed(job, alice, name="", interval_seconds="soon", max_attempts="99")
    assert draft.typed == draft.saved


@pytest.mark.parametrize(("said", "limit"), [("90", 90), ("", 300), ("0", 300), ("x", 300), ("9" * 99, 300)])
def test_an_attempt_may_take_what_is_said_or_what_its_type_says(said, limit):
    data = QueryDict(mutable=True)
    data.update({"type": "HTTP", "shown": "HTTP", "payload-timeout_seconds": said, "max_attempts": "2"})
    draft = Draft(data, user=factories.alice(), at=NOON)
    assert draft.retries.limit == (limit if said == "90" else TYPES["HTTP"].limit)
