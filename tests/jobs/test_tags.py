"""The words that people put on jobs."""

import pytest
from django.core.exceptions import ValidationError

from jobs.models import JobTag
from jobs.tags import MOST_OFFERED, TagsField, completions, in_use
from tests.factories import alice, bob, charlie, job


@pytest.mark.parametrize(
    "typed", ["billing, Night", " billing night,", "NIGHT billing\tnight", ["Billing", "night"]]
)
def test_tags_are_words_in_lower_case_that_stand_once(typed):
    assert sorted(TagsField().clean(typed)) == ["billing", "night"]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("n" * 51, "at most 50 characters"),
        (",".join(f"t{n}" for n in range(21)), "at most 20 tags; these are 21"),
        ("a\u202eb", "is no tag"),
        ("a\x00b", "is no tag"),
        (["two words"], "is no tag"),
    ],
)
def test_what_is_no_tag_is_told(typed, sentence):
    with pytest.raises(ValidationError, match=sentence):
        TagsField().clean(typed)


def test_what_was_stored_is_shown_as_it_is_typed():
    assert TagsField().prepare_value(["billing", "night"]) == "billing, night"


@pytest.mark.django_db
@pytest.mark.databases
def test_tags_in_use_are_offered_by_name_and_once():
    owner = alice()
    for tags in (["night", "billing"], ["nightly"], ["night", "day"]):
        job(owner, tags=tags)
    assert [in_use(each, "nig") for each in (owner, bob(), charlie())] == [["night", "nightly"]] * 2 + [[]]
    assert in_use(owner, "") == ["billing", "day", "night", "nightly"]


@pytest.mark.django_db
@pytest.mark.databases
def test_tags_that_a_database_takes_for_one_are_no_error():
    assert job(alice(), tags=["cafe", "café"]).tags.count() in (1, 2)


@pytest.mark.django_db
def test_everyones_tags_are_not_read_to_the_last(django_assert_max_num_queries):
    job(alice(), tags=[f"t{n:02}" for n in range(20)])
    operator = bob()
    with django_assert_max_num_queries(MOST_OFFERED):
        assert len(in_use(operator, "t")) == MOST_OFFERED
    assert JobTag.objects.count() == 20


@pytest.mark.django_db
def test_a_line_of_tags_is_continued_by_those_that_it_lacks():
    owner = alice()
    job(owner, tags=["night", "nightly"])
    assert completions(owner, "night, Nig") == [("night, nightly", "nightly")]
    assert completions(owner, "day ") == [("day night", "night"), ("day nightly", "nightly")]
