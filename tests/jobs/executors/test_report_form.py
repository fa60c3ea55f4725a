import pytest

from tests.jobs.executors.payloads import errors, full, small


def stats(**over):
    return small("REPORT", reportType="EXECUTION_STATS", **over)


def test_a_report_needs_a_kind_and_a_format():
    assert errors(small("REPORT", reportType=None, format=None)) == {
        "report_type": "This field is required.",
        "format": "This field is required.",
    }


def test_a_querys_rows_need_the_query():
    assert errors(small("REPORT", reportType="query")) == {
        "database_url": "Say which database to ask.",
        "query": "Say what to ask.",
    }


def test_only_a_querys_rows_come_from_a_database():
    asked = {"databaseUrl": "postgresql://db/shop", "query": "SELECT 1"}
    assert errors(small("REPORT", **asked)).keys() == {"database_url", "query"}


def test_excel_is_xlsx():
    checked = small("REPORT", format="Excel")
    assert checked.is_valid()
    assert checked.columns()["metadata"]["format"] == "XLSX"


@pytest.mark.parametrize(
    "said",
    [
        {"period": "last week"},
        {"dateRange": "YESTERDAY"},
        {"days": 31},
        {"from": "2026-03-01"},
        {"from": "2026-03-01", "to": "2026-03-01"},
        {"from": "{{ fire.date - 7d }}", "to": "{{ fire.date - 1d }}"},
        {"from": "{{ param:from }}", "to": "2026-03-01"},
        {"timezone": "{{ param:zone=UTC }}"},
    ],
)
def test_a_period_is_said_in_one_of_several_ways(said):
    assert errors(stats(**said)) == {}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"period": "LAST_WEEK", "days": 7}, "days"),
        ({"days": 7, "from": "2026-03-01"}, "first_day"),
        ({"to": "2026-03-01"}, "first_day"),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "last_day"),
        ({"period": "LAST_DECADE"}, "period"),
        ({"from": "2026-02-30"}, "first_day"),
        ({"from": "01.03.2026"}, "first_day"),
        ({"from": "0001-01-01"}, "first_day"),
        ({"timezone": "Berlin"}, "timezone"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused_at_its_field(said, field):
    assert errors(stats(**said)).keys() == {field}


def test_a_query_looks_at_no_period():
    assert errors(full("REPORT", days=7)) == {
        "days": "A query says itself which time it looks at: leave this empty."
    }


def test_names_in_texts_must_stand_for_something():
    assert errors(stats(title="Costs of $team in $$", intro="$5 of $period")) == {
        "title": "$team stands for nothing: add it to the template data, or write $$ for $."
    }
    assert errors(stats(title="Costs of ${team}", templateData={"team": "billing"})) == {}


def test_parameters_of_figures_are_template_data():
    assert errors(stats(title="Costs of $team", parameters={"team": "billing"})) == {}
    assert errors(full("REPORT", title="Costs of $zone")).keys() == {"title"}


def test_a_querys_rows_have_no_totals():
    assert errors(full("REPORT", templateName="summary")) == {"template": "A query's rows have no totals."}


def test_code_in_texts_is_text_or_refused():
    assert errors(stats(intro="{% include '/etc/passwd' %} {x.__class__.__mro__} ${7*7}")) == {}
    assert "no placeholder" in errors(stats(intro="{{ settings.SECRET_KEY }}"))["intro"]


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        ("format", "DOCX", "format"),
        ("reportType", "WEATHER", "report_type"),
        ("recipients", ["nobody"], "recipients"),
        ("outputPath", "reports/a.csv", "output_path"),
        ("databaseUrl", "jdbc:h2:mem:a", "database_url"),
        ("templateData", ["a"], "template_data"),
        ("templateName", "weekly", "template"),
        ("query", "SELECT '{{ fire.date }}'", "query"),
    ],
)
def test_what_cannot_be_made_is_refused_at_its_field(key, value, field):
    assert field in errors(full("REPORT", **{key: value}))
