"""The shorter ways of templates give what Django gives."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.forms import CharField, Form
from django.template import Context, TemplateDoesNotExist, base, engines
from django.template.base import TextNode
from django.urls import set_script_prefix
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from chronos_site.templates import Loader, Sentence, Template
from jobs.models import Status

ENGINE = engines["django"].engine


class Person:
    email = "<alice>@example.com"
    Choice = Status

    def hello(self) -> str:
        return "Hello & welcome"

    def called(self, name: str) -> str:
        return name

    def leave(self) -> str:
        raise AssertionError("A template changes nothing.")

    leave.alters_data = True

    @property
    def gone(self) -> str:
        raise LookupError("gone")


class Contact(Form):
    address = CharField(label="<Address>")


def names() -> dict[str, Any]:
    return {
        "person": Person(),
        "lazy": SimpleLazyObject(Person),
        "form": Contact(),
        "many": [{"items": "an item, not the method"}, ("first", "second")],
        "text": "<b>",
        "safe": SafeString("<b>"),
        "number": 1234567,
        "share": 0.5,
        "yes": True,
        "nothing": None,
        "later": gettext_lazy("<later>"),
        "at": datetime(2026, 3, 28, 2, 51, tzinfo=UTC),
        "Person": Person,
    }


@pytest.mark.parametrize(
    "source",
    [
        "{{ person.email }}{{ lazy.email }}{{ text }}{{ safe }}{{ number }}{{ share }}{{ yes }}{{ nothing }}",
        "{{ later }}{{ at }}{{ 1234567 }}{{ 0.5 }}{{ 'a<b' }}",
        "{{ person.hello }}{{ person.called }}{{ person.leave }}{{ Person.email }}{{ person.Choice.PAUSED }}",
        "{{ many.0.items }}{{ many.1.1 }}{{ many.1.count }}{{ many.9 }}{{ text.upper }}{{ text.0 }}",
        "{{ form.address.label }}{{ form.address.html_name }}{{ form.missing }}{{ form.is_bound }}",
        "{{ missing }}{{ missing.email }}{{ person.missing }}{{ nothing.email }}{{ missing|default:'none' }}",
        "{{ template_name }}{{ autoescape }}{{ text|default:person.email }}{{ text|add:person.hello }}",
        "{% autoescape off %}{{ text }}{{ person.hello }}{% url 'job_list' %}{% endautoescape %}",
        "{% if person.email == '<alice>@example.com' and not missing %}yes{% endif %}",
        "{% if many.9 %}yes{% else %}no{% endif %}{% if missing == nothing %}equal{% endif %}",
        "{% url 'job_list' %}{% url 'admin:index' %}{% url 'overview' as home %}{{ home }}",
        "{% url 'nowhere' as lost %}[{{ lost }}]",
        "{% load chronos %}{% icon 'pause' 'small' %}{% icon text %}{% status 'PAUSED' 'Held' %}",
        "{% load chronos %}{% icon 'pause' as drawing %}[{{ drawing }}]",
        "{% translate 'A & <b>B</b>: 50 %' %}{% translate 'All' as all %}{{ all }}{% translate text %}",
        "{% translate 'All'|upper %}{% translate 'All' context 'jobs' %}{{ missing|default:_('nothing') }}",
        "{% blocktranslate %}50 % of {{ text }}, {{ missing }}, {{ nothing }}{% endblocktranslate %}",
        "{% blocktranslate with a=person.email b=number|add:1 %}{{ a }}{{ b }}{% endblocktranslate %}",
        "{% blocktranslate count n=many|length %}{{ n }}{% plural %}{{ n }}s{% endblocktranslate %}",
        "{% blocktranslate count n=1 with a=text %}one {{ a }}{% plural %}many{% endblocktranslate %}",
        "{% blocktranslate trimmed %}\n a\n b{% endblocktranslate %}{% url 'job_list' as jobs %}{{ jobs }}",
        "{% for each in many %}{{ forloop.counter }}{{ forloop.last }}{% endfor %}",
    ],
)
def test_a_template_gives_what_django_gives(source):
    ours, django = (
        kind(source, engine=ENGINE).render(Context(names())) for kind in (Template, base.Template)
    )
    assert ours == django


def test_marked_texts_are_compiled_as_they_stand_where_there_is_one_language():
    source = "{% translate 'All' %}{% blocktranslate %}Of {{ text }}{% endblocktranslate %}"
    assert [type(each) for each in Template(source, engine=ENGINE).nodelist] == [TextNode, Sentence]


def test_what_fails_in_a_page_fails():
    with pytest.raises(LookupError):
        Template("{{ person.gone }}", engine=ENGINE).render(Context(names()))


def test_pages_and_what_they_include_take_the_shorter_ways():
    assert {type(ENGINE.get_template(name)) for name in ("base.html", "bootstrap5/field.html")} == {Template}


def test_links_follow_the_prefix_that_the_product_is_served_under():
    links = Template("{% url 'job_list' %}", engine=ENGINE)
    assert links.render(Context()) == "/jobs/"
    set_script_prefix("/chronos/")
    try:
        assert links.render(Context()) == "/chronos/jobs/"
    finally:
        set_script_prefix("/")


def test_a_template_that_is_nowhere_says_where_it_was_looked_for():
    loader = Loader(ENGINE, ["django.template.loaders.filesystem.Loader"])
    with pytest.raises(TemplateDoesNotExist) as missing:
        loader.get_template("nowhere.html")
    assert [origin.template_name for origin, _ in missing.value.tried] == ["nowhere.html"]
