"""What messages say."""

import re
from html.parser import HTMLParser

import pytest

from notifications import vocabulary
from notifications.texts import PARTS, Texts
from notifications.wording import CODES, built_in, fill


def told(code, channel, facts):
    """By the built-in text."""
    return fill(built_in(code, channel), code, channel, facts)


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("channel", PARTS)
@pytest.mark.parametrize("code", CODES)
def test_every_built_in_text_says_something_and_leads_somewhere(code, channel, many, settings):
    settings.BASE_URL = "https://chronos.example.com/"
    made = fill(built_in(code, channel), code, channel, vocabulary.example(code, many=many), id="1")
    said = " ".join([made.subject, made.text, made.html, made.sms])
    assert made.subject
    assert "https://chronos.example.com/" in made.text
    assert re.search(r"\{[{%]|None|  \.|, \.", said.replace("{ ", "")) is None


@pytest.mark.parametrize("channel", PARTS)
@pytest.mark.parametrize("code", CODES)
def test_a_text_needs_no_fact_at_all(code, channel):
    assert told(code, channel, {}).text


def test_a_failure_says_what_and_how_often_in_its_subject():
    assert told("JOB_FAILURE", "EMAIL", vocabulary.EXAMPLE).subject == (
        "Failed: nightly-invoice-export (HTTP_503), 3rd time in a row"
    )


def test_many_failures_are_one_message():
    made = told("JOB_FAILURE", "EMAIL", vocabulary.EXAMPLE_OF_MANY)
    assert made.subject == "11 failures of 3 jobs"
    assert "- nightly-invoice-export, 7 times: 503 Service Unavailable" in made.text
    assert "<td>stale-upload-sweep</td>" in re.sub("</?a[^>]*>", "", made.html)


def test_a_mail_says_by_which_rule_it_comes_and_where_to_mute_it(settings):
    settings.BASE_URL = "https://chronos.example.com/"
    made = told("JOB_FAILURE", "EMAIL", vocabulary.EXAMPLE)
    for part in (made.text, made.html):
        assert "Failures of billing" in part
        assert "https://chronos.example.com/notifications/" in part


def test_a_text_message_is_one_line():
    made = told("DLQ_OPENED", "SMS", vocabulary.EXAMPLE)
    assert made.sms == (
        "Gave up: nightly-invoice-export (HTTP_503), 3rd time in a row. Needs a decision."
        " http://127.0.0.1:8000/dead-letters/"
    )


class Tags(HTMLParser):
    """The tags of a page, and whether each that opens is closed."""

    def __init__(self):
        super().__init__()
        self.open, self.all = [], set()

    def handle_starttag(self, tag, attrs):
        self.all.add(tag)
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("code", CODES)
def test_a_mail_is_whole_html_without_anything_from_elsewhere(code, many):
    page = told(code, "EMAIL", vocabulary.example(code, many=many)).html
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert tags.all & {"img", "script", "link", "iframe", "form"} == set()
    assert "url(" not in page


def test_markup_in_any_fact_is_text():
    def hostile(value):
        if isinstance(value, dict):
            return {name: hostile(each) for name, each in value.items()}
        return "<script>alert(1)</script>" if isinstance(value, str) else value

    for code in CODES:
        assert "<script" not in told(code, "EMAIL", hostile(dict(vocabulary.EXAMPLE))).html


def test_a_subject_of_several_lines_is_one():
    assert fill(Texts("a\nBcc: b\r\n\r\n c", "text"), "TEST", "WEBHOOK", {}).subject == "a Bcc: b c"


def test_the_page_of_a_mail_cannot_be_left_by_its_subject():
    texts = Texts("{{ job.name }}", "text", "<p>{{ job.name }}</p>")
    name = "<!-- what the template says -->"
    page = fill(texts, "TEST", "EMAIL", {"job": {"name": name}}).html
    assert page.count(name) == 0
    assert page.count("&lt;!-- what the template says --&gt;") == 3
