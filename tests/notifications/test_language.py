"""The language of messages: what it does, and that it does nothing else."""

import html
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications import language
from notifications.language import Mistake, TooLong

NAMES = {"name", "job.name", "jobs", "each.name", "each.url"}
JOBS = [{"name": "a", "url": "/a"}, {"name": "b"}]


def filled(text, escape=str, **values):
    return language.read(text, NAMES).fill({"job.name": "nightly", "jobs": [], **values}, escape)


@pytest.mark.parametrize(
    ("text", "values", "wanted"),
    [
        ("{{ job.name }} and {{job.name}}", {}, "nightly and nightly"),
        ("{{ name }}.", {}, "."),
        ("{{ name }}.", {"name": 0}, "0."),
        ("{% if name %}yes{% else %}no{% endif %}", {"name": "x"}, "yes"),
        ("{% if name %}yes{% else %}no{% endif %}", {"name": ""}, "no"),
        ("{% if not name %}none{% endif %}", {}, "none"),
        ("{% for each in jobs %}{{ each.name }}{{ each.url }} {% endfor %}", {"jobs": JOBS}, "a/a b "),
        (
            "{% for each in jobs %}{% if each.url %}{{ job.name }}{% endif %}{% endfor %}",
            {"jobs": JOBS},
            "nightly",
        ),
        ("a\n  {% if name %}\nb\n{% endif %}\nc", {"name": "x"}, "a\nb\nc"),
        ("50 % of {this} costs $1", {}, "50 % of {this} costs $1"),
    ],
)
def test_values_are_put_into_text(text, values, wanted):
    assert filled(text, **values) == wanted


def test_every_value_is_escaped_and_no_text_is():
    assert filled("<b>{{ job.name }}</b>", html.escape, **{"job.name": '<i a="b">'}) == (
        "<b>&lt;i a=&quot;b&quot;&gt;</b>"
    )


def test_what_a_value_says_is_not_read_again():
    assert filled("{{ name }}", name="{{ job.name }}{% if x %}") == "{{ job.name }}{% if x %}"


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("a\n{{ secret }}", 2, "there is no value called secret."),
        ("{{ job.name.upper }}", 1, "{{ job.name.upper }} is nothing that messages know."),
        ("{{ job.__class__ }}", 1, "there is no value called job.__class__."),
        ("{{ name|upper }}", 1, "{{ name|upper }} is nothing that messages know."),
        ("{{ name() }}", 1, "{{ name() }} is nothing that messages know."),
        ("\n\n{% include 'x' %}", 3, "{% include 'x' %} is nothing that messages know."),
        ("{{ name", 1, "{{ name is nothing that messages know."),
        ("x }}", 1, "}} is nothing that messages know."),
        ("{% if name %}", 1, "this {% if %} has no {% endif %}."),
        ("\n{% for each in jobs %}\n", 2, "this {% for %} has no {% endfor %}."),
        ("{% endif %}", 1, "{% endif %} belongs to nothing here."),
        ("{% if name %}{% endfor %}", 1, "{% endfor %} belongs to nothing here."),
        ("{% if name %}{% else %}{% else %}{% endif %}", 1, "{% else %} belongs to nothing here."),
        ("{% for each in jobs %}\n{% else %}{% endfor %}", 2, "{% else %} belongs to nothing here."),
        ("{{ each.name }}", 1, "each.name stands outside of {% for each in jobs %}."),
        (
            "{% for each in jobs %}{% for each in jobs %}{% endfor %}{% endfor %}",
            1,
            "a {% for %} cannot stand in another one.",
        ),
        ("{% for x in name %}{% endfor %}", 1, "{% for x in name %} is nothing that messages know."),
        ("{% if name %}" * 9, 1, "tags stand in each other more than 8 deep."),
    ],
)
def test_a_mistake_is_told_with_its_line(text, line, sentence):
    with pytest.raises(Mistake) as caught:
        language.read(text, NAMES)
    assert (caught.value.line, str(caught.value)) == (line, f"Line {line}: {sentence}")


def test_a_text_has_a_limit_before_and_after_it_is_filled():
    with pytest.raises(Mistake, match="longer than 20,000 characters"):
        language.read("x" * 20_001, NAMES)
    with pytest.raises(TooLong):
        filled("{{ name }}" * 2_000, name="x" * 300)


PIECES = ["{{", "}}", "{%", "%}", " ", "\n", "name", "if", "endif", "for", "else"]


@given(st.lists(st.sampled_from(PIECES)))
def test_any_text_is_a_template_or_a_mistake(parts):
    with suppress(Mistake):
        assert "{%" not in filled("".join(parts), name="v")
