"""Where in HTML values may stand."""

import pytest

from notifications import markup
from notifications.language import Mistake


@pytest.mark.parametrize(
    "html",
    [
        "<p>{{ job.name }}</p>",
        '<a href="{{ link }}" title="{{ job.name }} & more">x</a>',
        "<a href='{{ each.url }}'>x</a>",
        '<a href="https://example.com/?a=b">x</a><a href="mailto:a@example.com">y</a>',
        '<td style="color: red">{{ count }}</td>',
        "a < b and {{ count }} > c",
        '{% if run.url %}<a href="{{ run.url }}">{% endif %}x',
        "<!-- a note -->",
    ],
)
def test_text_and_quoted_attributes_hold_values(html):
    markup.check(html)


@pytest.mark.parametrize(
    "html",
    [
        "<a href={{ link }}>",
        "<a {{ job.name }}>",
        "<{{ job.name }}>",
        "<a title=x{{ job.name }}>",
        '<a href="{{ job.name }}">',
        '<a href="https://example.com/{{ job.name }}">',
        '<a href="{{ link }}{{ job.name }}">',
        '<a href="javascript:alert(1)">',
        '<a href=" java\tscript:alert(1)">',
        '<img src="data:text/html,x">',
        '<p style="color: {{ job.name }}">',
        '<p onclick="x">',
        "<script>x</script>",
        "<style>p {}</style>",
        "<iframe src='https://example.com/'>",
        "<form action='https://example.com/'>",
        "<!-- {{ job.name }} -->",
    ],
)
def test_elsewhere_a_value_is_refused(html):
    with pytest.raises(Mistake):
        markup.check(html)


def test_the_line_of_the_mistake_is_told():
    with pytest.raises(Mistake, match=r"Line 3: inside a tag, a value stands between quotes"):
        markup.check("<p>\n{% if link %}\n<a href={{ link }}>x</a>{% endif %}")
