import pytest

from tests.jobs.executors.payloads import errors, full, small


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


def test_a_template_needs_its_data():
    assert errors(small("REPORT", templateName="weekly")) == {"template_data": "Say what the template shows."}


def test_excel_is_xlsx():
    checked = small("REPORT", format="Excel")
    assert checked.is_valid()
    assert checked.columns()["metadata"]["format"] == "XLSX"


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        ("format", "DOCX", "format"),
        ("reportType", "WEATHER", "report_type"),
        ("days", 0, "days"),
        ("recipients", ["nobody"], "recipients"),
        ("outputPath", "reports/a.csv", "output_path"),
        ("databaseUrl", "jdbc:h2:mem:a", "database_url"),
        ("templateData", ["a"], "template_data"),
    ],
)
def test_what_cannot_be_made_is_refused_at_its_field(key, value, field):
    assert errors(full("REPORT", **{key: value})).keys() == {field}
