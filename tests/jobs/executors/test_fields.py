import pytest
from django import forms

from jobs.executors.fields import DecimalField, FlagField, NumberField, NumbersField, TextField, WordField
from tests.jobs.executors.payloads import refusal


def test_lines_are_only_kept_where_there_is_room():
    assert TextField(lines=3).clean("a\r\nb\tc") == "a\nb\tc"
    assert refusal(TextField(), "a\r\nb") == "This holds a control character."


def test_numbers_that_are_shown_are_read_back():
    field = NumbersField(least=0, most=9)
    assert field.clean(field.prepare_value([1, 2])) == [1, 2]


@pytest.mark.parametrize("wrong", [True, [], {}, [1], {"a": 1}])
@pytest.mark.parametrize("field", [NumberField, DecimalField])
def test_a_number_is_no_flag_and_no_list(field, wrong):
    assert "number from 0 to 9." in refusal(field(least=0, most=9, required=False), wrong)


@pytest.mark.parametrize(
    ("said", "meant"),
    [("on", True), ("False", False), (True, True), (None, True), ("", True), ("off", False)],
)
def test_a_flag_reads_pages_and_requests(said, meant):
    assert FlagField(default=True).clean(said) is meant


@pytest.mark.parametrize(
    ("said", "kept"),
    [("read committed", "READ_COMMITTED"), (" AES_256_GCM", "aes-256-gcm"), ("AES-256-GCM", "aes-256-gcm")],
)
def test_a_word_in_any_spelling_is_kept_as_the_choices_spell_it(said, kept):
    assert WordField(choices={"READ_COMMITTED": "", "aes-256-gcm": ""}).clean(said) == kept


def test_a_word_that_is_no_choice_is_told_as_it_was_said():
    assert refusal(WordField(choices={"": "Any", "ONE": "One"}), "Two") == "'Two' is none of ONE."


def test_a_flags_box_says_no_when_it_is_not_ticked():
    class Page(forms.Form):
        loud = FlagField(default=True)

    assert [
        str(Page({}).as_p()).count(each) for each in ('type="hidden" name="loud" value="false"', " checked")
    ] == [1, 1]
    assert "checked>" not in str(Page({"loud": "false"})["loud"])
