from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.template import Context, Template
from django.utils import timezone

NOW = datetime(2026, 3, 28, 2, 12, 40, tzinfo=UTC)


def rendered(markup, **context):
    return Template("{% load chronos %}" + markup).render(Context({"now": NOW, **context}))


def test_an_icon_is_a_use_of_the_sheet():
    assert rendered('{% icon "pause" "small" "tx-bad" %}') == (
        '<svg class="i i-sm tx-bad" aria-hidden="true"><use href="/static/chronos/icons.svg#pause"/></svg>'
    )


def test_an_icon_follows_the_name_that_the_sheet_gets_when_collected(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STATICFILES_DIRS = [path for path in settings.STATICFILES_DIRS if path.name == "static"]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    sheet = next(path.name for path in (tmp_path / "chronos").glob("icons.*.svg"))
    assert f'href="/static/chronos/{sheet}#plus"' in rendered('{% icon "plus" %}')


def test_a_status_is_icon_and_word():
    html = rendered("{% status state %}", state="FAILURE")
    assert html.startswith('<span class="st st-failed"><svg')
    assert html.endswith("Failed</span>")


def test_a_status_takes_another_word_as_plain_text():
    assert "Late &lt;b&gt;</span>" in rendered('{% status "LATE" word %}', word="Late <b>")


def test_no_state_is_nothing():
    assert rendered("{% status None %}{% status_icon None %}{% when None %}") == ""


def test_a_lone_icon_says_its_word_to_those_who_do_not_see_it():
    assert '<span class="visually-hidden">Timed out</span>' in rendered('{% status_icon "TIMEOUT" %}')


@pytest.mark.parametrize(
    ("offset", "style", "shown"),
    [
        (timedelta(minutes=-20), "relative", ' data-ago="1200">20 min ago<'),
        (timedelta(seconds=140), "relative", ' data-in="140" data-words>in 2 min 20 s<'),
        (timedelta(days=-14), "relative", '">14 Mar 2026<'),
        (timedelta(seconds=20), "countdown", ' class="cd cd-soon" data-in="20">20 s<'),
        (timedelta(hours=1), "countdown", ' class="cd" data-in="3600">1 h 00 min<'),
        (timedelta(0), "absolute", '">Sat 28 Mar 2026 02:12:40 UTC<'),
        (timedelta(0), "short", '">02:12:40<'),
        (timedelta(days=-1), "short", '">27 Mar 02:12<'),
        (timedelta(days=365), "short", '">28 Mar 2027 02:12<'),
        (timedelta(0), "both", '">Sat 28 Mar 2026 02:12:40 UTC<'),
    ],
)
def test_an_instant_is_shown_as_asked(offset, style, shown):
    assert shown in rendered("{% when at style %}", at=NOW + offset, style=style)


def test_every_instant_tells_machines_and_the_pointer_when_it_is():
    html = rendered("{% when at %}", at=NOW)
    assert html.startswith('<time datetime="2026-03-28T02:12:40Z" title="Sat 28 Mar 2026 02:12:40 UTC"')


def test_instants_are_shown_in_the_viewers_zone():
    with timezone.override("Europe/Berlin"):
        html = rendered('{% when at "both" %}', at=NOW)
    assert '>Sat 28 Mar 2026 03:12:40 CET<span class="abs">02:12:40 UTC</span><' in html


@pytest.mark.parametrize(
    ("choice", "shown"),
    [("job", ">Fri 27 Mar 2026 22:12:40 EDT<"), ("UTC", ">Sat 28 Mar 2026 02:12:40 UTC<")],
)
def test_the_jobs_own_zone_counts_for_those_who_chose_it(choice, shown):
    html = rendered('{% when at "absolute" zone="America/New_York" %}', at=NOW, zone_choice=choice)
    assert shown in html


@pytest.mark.parametrize(
    ("query", "tag", "link"),
    [
        ("status=FAILED&after=x", '{% query_string q="a b" %}', "?status=FAILED&amp;q=a+b"),
        ("status=FAILED&after=x", "{% query_string status=None %}", "?"),
        ("status=FAILED&before=x", '{% query_string after="y" before=None %}', "?status=FAILED&amp;after=y"),
        ("type=A&type=B", "{% query_string type=types %}", "?type=B&amp;type=C"),
        ("q=%3Cscript%3E", "{% query_string %}", "?q=%3Cscript%3E"),
    ],
)
def test_a_link_changes_one_parameter_and_starts_at_the_first_page(rf, query, tag, link):
    assert rendered(tag, request=rf.get(f"/?{query}"), types=["B", "C"]) == link


def test_figures_that_are_not_there_are_empty():
    assert rendered("{{ none|duration_ms }}{{ none|span }}{{ none|first_line }}", none=None) == ""
