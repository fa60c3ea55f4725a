"""What people read is marked, so that another language can be added."""

import re
from copy import deepcopy
from gettext import NullTranslations
from html.parser import HTMLParser

import pytest
from django.conf import settings as product
from django.urls import reverse
from django.utils import translation
from django.utils.translation import trans_real

from dashboard.templatetags.chronos import status
from tests import factories

TEMPLATES = product.BASE_DIR / "templates"
# Names, keys and units, which are the same in every language.
NAMES = {"Chronos", "UTC", "SHA-256", "Ctrl", "Shift", "Esc", "Enter", "ms"}
# What a model's choice, a condition of the job list and a bulk change are called, which are not marked.
NOT_MARKED = {"Timed out", "Last run", "Run now"}
# A part of a tag, which holds no text.
ATTRIBUTES_ALONE = "dashboard/runs/_earlier.html"
_MARKED = re.compile(
    r"{%\s*(blocktranslate|comment|verbatim)\b.*?{%\s*end\1\s*%}|<(code|script|style)\b.*?</\2>", re.DOTALL
)
_TAG = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL)
_WORD = re.compile(r"[A-Za-z][a-z]+|[A-Z]{2,}")


class Texts(HTMLParser):
    """What is read or heard of a page: its texts and those of these attributes."""

    ATTRIBUTES = {"title", "aria-label", "placeholder", "alt"}

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        self.found += [value for name, value in attributes if name in self.ATTRIBUTES and value]

    def handle_data(self, data):
        self.found.append(data)


def texts(html):
    reader = Texts()
    reader.feed(html)
    return [" ".join(each.split()) for each in reader.found]


def wordy(found):
    return {each for each in found if _WORD.search(each) and each.strip(" ·:,.…") not in NAMES}


def unmarked(source):
    """The words that a template holds outside of what is marked."""
    return wordy(texts(_TAG.sub("", _MARKED.sub("", source))))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('<b title="{% translate "All" %}">{% blocktranslate %}Of {{ n }}{% endblocktranslate %}</b>', set()),
        ("<p>All <b>{% translate 'jobs' %}</b></p>", {"All"}),
        ('<a href="{% url "job_list" %}" title="All jobs">{{ count }}</a>', {"All jobs"}),
    ],
)
def test_a_text_that_is_not_marked_is_found(source, found):
    assert unmarked(source) == found


def test_every_text_of_the_templates_is_marked():
    found = {str(path.relative_to(TEMPLATES)): unmarked(path.read_text()) for path in TEMPLATES.rglob("*.*")}
    assert {name for name, texts in found.items() if texts} == {ATTRIBUTES_ALONE}


class Brackets(NullTranslations):
    """A language in which everything is said in English, between brackets."""

    def gettext(self, message):
        return f"[{message}]"

    def ngettext(self, one, many, count):
        return self.gettext(one if count == 1 else many)

    def to_language(self):
        return "xx"


@pytest.fixture
def brackets(settings, monkeypatch):
    """The product with another language, which is the one that people see."""
    settings.LANGUAGES = [("en", "English"), ("xx", "Brackets")]
    settings.LANGUAGE_CODE, settings.USE_I18N = "xx", True
    settings.TEMPLATES = deepcopy(settings.TEMPLATES)
    monkeypatch.setattr(translation, "_trans", type(translation._trans)())
    monkeypatch.setitem(trans_real._translations, "xx", Brackets())
    with translation.override("xx"):
        yield


def outside(text):
    """What stands outside of the brackets."""
    while (less := re.sub(r"\[[^][]*\]", "", text)) != text:
        text = less
    return text


def constants():
    """The texts that templates show as they are."""
    marked = re.compile(r"""{% translate (["'])(.*?)\1 %}""")
    return {each[2] for path in TEMPLATES.rglob("*.*") for each in marked.finditer(path.read_text())}


def untranslated(page):
    """The texts of templates that stand on a page in English; one word may be that of a choice, say."""
    found = wordy(map(outside, texts(page))) & constants() - NOT_MARKED
    return {each for each in found if " " in each}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name",
    [
        "overview",
        "job_list",
        "job_create",
        "run_list",
        "calendar",
        "dead_letter_list",
        "notification_list",
        "rule_list",
        "contact_list",
        "audit_list",
        "bulk_list",
        "system",
        "handover",
        "people",
        "retention",
        "token_list",
    ],
)
def test_a_page_says_what_it_says_in_the_other_language(client, brackets, name):
    client.force_login(factories.ada())
    factories.run(factories.job())
    page = client.get(reverse(name)).content.decode()
    assert untranslated(page) == set()
    assert page.count("[") > 40


@pytest.mark.django_db
def test_pages_about_one_thing_say_what_they_say_in_the_other_language(client, brackets):
    run = factories.run(factories.job(), "FAILURE")
    client.force_login(factories.ada())
    for name, of in {"job_detail": run.job, "job_edit": run.job, "run_detail": run}.items():
        page = client.get(reverse(name, args=[of.pk])).content.decode()
        assert untranslated(page) == set()
        assert page.count("[") > 40


@pytest.mark.django_db
def test_who_is_not_signed_in_reads_the_other_language(client, brackets):
    page = client.get(reverse("sign_in")).content.decode()
    assert 'lang="xx"' in page
    assert "[Sign in]" in page
    assert untranslated(page) == set()


def test_states_that_are_kept_drawn_are_kept_for_each_language(brackets):
    assert "[Paused]" in status("PAUSED")
    with translation.override("en"):
        assert "[Paused]" not in status("PAUSED")
