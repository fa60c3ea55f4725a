"""Reports over real rows, opened with the readers that people's programs use."""

import csv
import email
import email.policy
import io
import json
import sqlite3
import tempfile
import threading
import time
import zipfile
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import openpyxl
import pytest
from aiosmtpd.controller import Controller
from pypdf import PdfReader

from jobs.executors.base import Cancelled, Context, DeadlineExceeded, ExecutionError, Payload
from jobs.executors.documents.sheets import write_xlsx
from jobs.executors.documents.tables import Column, Document
from jobs.executors.report import TYPE, execute
from jobs.executors.reports.files import Stream
from runs import figures
from runs.models import DeadLetter
from tests import factories
from tests.factories import NOON
from tests.jobs.executors.payloads import errors, form
from tests.servers import free_port

pytestmark = pytest.mark.django_db

DUE = NOON + timedelta(days=1)
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "＠A1", " =1"]  # noqa: RUF001


@pytest.fixture
def nightly():
    """A job whose days are those of Berlin, with runs of the day before DUE."""
    schedule = {"schedule_type": "CRON", "cron_expression": "0 2 * * *", "timezone": "Europe/Berlin"}
    job = factories.job(name="nightly-export", schedule=schedule)
    for minute, (state, took) in enumerate([("SUCCESS", 1.5), ("SUCCESS", 2.5), ("FAILURE", 65)]):
        factories.run(job, state, at=NOON + timedelta(minutes=minute), took=took, error_class="HTTP_503")
    return job


@pytest.fixture
def orders(settings, tmp_path):
    """A database of somebody's; gives what makes a table in it and its URL."""
    settings.FILE_ROOTS = [tmp_path]
    path = tmp_path / "orders.db"

    def made(*statements):
        with sqlite3.connect(path) as connection:
            for statement, values in statements:
                connection.execute(statement, values)
        connection.close()
        return f"sqlite:///{path}"

    return made


def context(job=None, *, due=DUE, seconds=60, log=lambda *args, **fields: None, **more):
    ask = figures.reader(job.pk) if job else lambda name: [{"timezone": "UTC"}]
    deadline = time.monotonic() + seconds
    return Context("R1", job.pk if job else "j", "job", due, 1, deadline, log=log, figures=ask, **more)


def columns(**said):
    checked = form("REPORT", {"reportType": "JOB_SUMMARY", "format": "CSV", **said})
    assert errors(checked) == {}
    return Payload(checked.columns())


def report(job=None, *, within=None, **said):
    return execute(columns(**said), within or context(job))


def content(result):
    (file,) = result.artefacts
    return file.content


def rows(result):
    return list(csv.DictReader(io.StringIO(content(result).decode(), newline="")))


def book(result):
    return openpyxl.load_workbook(io.BytesIO(content(result)))


def pdf(result):
    return " ".join(page.extract_text() for page in PdfReader(io.BytesIO(content(result))).pages)


class Page(HTMLParser):
    """The texts of a page's cells, and the tags in it."""

    def __init__(self, text):
        super().__init__()
        self.cells, self.tags, self._open = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self._open = tag in ("td", "th")
        if self._open:
            self.cells.append("")

    def handle_data(self, data):
        if self._open:
            self.cells[-1] += data

    def handle_endtag(self, tag):
        self._open = False


# What each kind shows


def test_a_job_summary_counts_the_runs_of_each_job(nightly):
    (row,) = rows(report(nightly))
    assert (row["name"], row["schedule"]) == ("nightly-export", "0 2 * * * (Europe/Berlin)")
    assert [row[name] for name in ("runs", "succeeded", "failed", "success_rate")] == [
        "3", "2", "1", str(2 / 3),
    ]  # fmt: skip
    assert (row["last_run"], row["last_outcome"]) == ("2026-03-02T13:03:05+01:00", "FAILURE")


def test_execution_statistics_have_a_row_a_day_type_and_outcome(nightly):
    found = rows(report(nightly, reportType="EXECUTION_STATS"))
    told = [(row["day"], row["ended"], row["runs"], float(row["average_ms"])) for row in found]
    assert told == [("2026-03-02", "FAILURE", "1", 65_000), ("2026-03-02", "SUCCESS", "2", 2_000)]


def test_dead_letters_tell_what_gave_up(nightly):
    DeadLetter.objects.create(job=nightly, failure_reason="refused", created_at=NOON)
    DeadLetter.objects.update(created_at=NOON)
    (row,) = rows(report(nightly, reportType="DEAD_LETTERS"))
    assert (row["job_name"], row["reason"], row["status"]) == ("nightly-export", "refused", "PENDING")


def test_late_and_failed_runs_are_told_newest_first(nightly):
    factories.run(nightly, "TIMEOUT", at=NOON + timedelta(hours=1))
    found = rows(report(nightly, reportType="LATE_AND_FAILED"))
    assert [(row["outcome"], row["error_class"]) for row in found] == [
        ("TIMEOUT", ""),
        ("FAILURE", "HTTP_503"),
    ]


def test_a_query_gives_its_rows(orders):
    url = orders(
        ("CREATE TABLE orders (region TEXT, total REAL)", ()),
        ("INSERT INTO orders VALUES ('north', 1.5), ('south', 2)", ()),
    )
    asked = {"reportType": "QUERY", "databaseUrl": url, "parameters": {"region": "north"}}
    result = report(query="SELECT region, total FROM orders WHERE region = ?", **asked)
    assert rows(result) == [{"region": "north", "total": "1.5"}]
    assert result.summary.startswith("A query's rows: 1 row as a-query-s-rows-2026-03-03.csv, ")


def test_a_placeholder_in_a_query_is_bound_and_never_pasted(orders):
    url = orders(("CREATE TABLE orders (region TEXT)", ()))
    within = context(value=lambda said: "x' OR '1'='1")
    asked = {"reportType": "QUERY", "databaseUrl": url}
    query = "SELECT {{ param:region }} AS said FROM (SELECT 1)"
    assert rows(report(within=within, query=query, **asked)) == [{"said": "x' OR '1'='1"}]


def test_a_query_that_changes_something_is_refused(orders):
    url = orders(("CREATE TABLE orders (region TEXT)", ()))
    with pytest.raises(ExecutionError) as caught:
        report(reportType="QUERY", databaseUrl=url, query="DELETE FROM orders RETURNING region")
    assert caught.value.error_class in ("READ_ONLY_VIOLATION", "PERMISSION_DENIED")


def test_columns_of_one_name_are_kept_apart(orders):
    asked = {"reportType": "QUERY", "databaseUrl": orders(), "format": "JSON"}
    found = json.loads(content(report(query="SELECT 1 AS a, 2 AS a, 3 AS a", **asked)))
    assert found["rows"] == [{"a": 1, "a_2": 2, "a_3": 3}]


# Which time


def test_days_are_those_of_the_zone_also_where_clocks_change():
    schedule = {"schedule_type": "CRON", "cron_expression": "0 2 * * *", "timezone": "Europe/Berlin"}
    job = factories.job(schedule=schedule)
    # The 29th of March has 23 hours in Berlin: from 23:00 UTC to 22:00 UTC.
    for hour in (22.9, 23, 45.9, 46):
        factories.run(job, at=datetime(2026, 3, 28, tzinfo=UTC) + timedelta(hours=hour))
    within = context(job, due=datetime(2026, 3, 30, 6, tzinfo=UTC))
    asked = {"reportType": "EXECUTION_STATS", "from": "2026-03-29", "to": "2026-03-29"}
    result = report(within=within, **asked)
    assert [row["runs"] for row in rows(result)] == ["2"]
    assert (result.data["since"], result.data["until"]) == (
        "2026-03-29T00:00:00+01:00",
        "2026-03-30T00:00:00+02:00",
    )


@pytest.mark.parametrize(
    ("said", "since", "until"),
    [
        ({}, "2026-02-24T00:00:00+01:00", "2026-03-03T13:00:00+01:00"),
        ({"days": 1}, "2026-03-02T00:00:00+01:00", "2026-03-03T13:00:00+01:00"),
        ({"period": "YESTERDAY"}, "2026-03-02T00:00:00+01:00", "2026-03-03T00:00:00+01:00"),
        ({"period": "LAST_WEEK"}, "2026-02-23T00:00:00+01:00", "2026-03-02T00:00:00+01:00"),
        ({"period": "LAST_MONTH"}, "2026-02-01T00:00:00+01:00", "2026-03-01T00:00:00+01:00"),
        ({"period": "THIS_MONTH"}, "2026-03-01T00:00:00+01:00", "2026-03-03T13:00:00+01:00"),
        ({"from": "2026-03-01"}, "2026-03-01T00:00:00+01:00", "2026-03-03T13:00:00+01:00"),
        ({"days": 1, "timezone": "UTC"}, "2026-03-02T00:00:00+00:00", "2026-03-03T12:00:00+00:00"),
    ],
)
def test_the_period_counts_from_when_the_run_was_due(nightly, said, since, until):
    data = report(nightly, **said).data
    assert (data["since"], data["until"]) == (since, until)


def test_a_period_of_ages_is_refused(nightly):
    with pytest.raises(ExecutionError, match="days; a report looks at 3,660 at most"):
        report(nightly, **{"from": "0002-01-01", "to": "8000-01-01"})


# Formats


def test_excel_gets_numbers_dates_and_a_chart(nightly):
    found = book(report(nightly, format="XLSX"))
    head, row = found["Rows"].iter_rows(values_only=True)
    told = dict(zip(head, row, strict=True))
    assert (told["Runs"], told["Average, ms"]) == (3, 23_000)
    assert told["Last run"] == datetime(2026, 3, 2, 13, 3, 5)
    (chart,) = found["Summary"]._charts
    heads = [series.tx.strRef.f.rpartition("!")[2].replace("$", "") for series in chart.series]
    assert [found["Summary"][each].value for each in heads[:2]] == ["Succeeded", "Failed"]
    cover = [row for row in found["Summary"].iter_rows(values_only=True) if row[0] == "2026-03-02"]
    assert cover[0][1:4] == (2, 1, 0)


def test_json_tells_what_it_is_about(nightly):
    found = json.loads(content(report(nightly, format="JSON")))
    assert (found["report"], found["timezone"], found["totals"]["failure"]) == (
        "JOB_SUMMARY",
        "Europe/Berlin",
        1,
    )
    assert found["rows"][0]["average_ms"] == 23_000
    assert found["columns"][0] == {"name": "name", "heading": "Job", "unit": "plain"}


def test_a_page_stands_alone_and_shows_totals_chart_and_rows(nightly):
    text = content(report(nightly, format="HTML")).decode()
    page = Page(text)
    assert {"svg", "rect", "table"} <= set(page.tags)
    assert "script" not in page.tags
    assert "http://" not in text
    assert {"nightly-export", "23.0 s", "66.7 %", "2026-03-02 13:03:05"} <= set(page.cells)


def test_a_pdf_shows_totals_chart_and_rows(nightly):
    text = pdf(report(nightly, format="PDF", title="Was lief, что было, τι έγινε"))
    assert "Was lief, что было, τι έγινε" in text
    assert {"nightly-export", "Succeeded", "66.7", "Page"} <= set(text.split())


def test_a_pdf_says_which_characters_no_font_has(nightly):
    text = pdf(report(nightly, format="PDF", title="日報 🚀"))
    assert "3 characters are in none of this report's fonts and are shown as ◊ (U+65E5" in text


def test_a_pdf_takes_the_fonts_that_the_administrator_names(nightly, settings):
    font = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
    settings.PDF_FONTS = [font]
    try:
        text = pdf(report(nightly, format="PDF", title="שלום"))
    except FileNotFoundError:
        pytest.skip("DejaVu is not on this machine")
    assert "none of this report's fonts" not in text


def test_a_zip_holds_the_file(nightly):
    (file,) = report(nightly, compress=True).artefacts
    with zipfile.ZipFile(io.BytesIO(file.content)) as archive:
        assert archive.namelist() == [file.name.removesuffix(".zip")]
        assert archive.read(archive.namelist()[0]).startswith(b"name,type,")


def test_a_totals_only_report_has_a_row_a_day(nightly):
    found = rows(report(nightly, templateName="SUMMARY", days=1))
    assert [(row["day"], row["success"], row["failure"]) for row in found] == [
        ("2026-03-02", "2", "1"),
        ("2026-03-03", "0", "0"),
    ]


def test_a_rows_only_report_has_no_chart(nightly):
    assert "svg" not in Page(content(report(nightly, format="HTML", templateName="ROWS")).decode()).tags


def test_many_days_are_drawn_by_week_and_very_many_by_month(nightly):
    for days, word in ((92, "week"), (700, "month")):
        found = json.loads(content(report(nightly, templateName="SUMMARY", days=days, format="JSON")))
        assert found["columns"][0]["name"] == word
        assert sum(row["success"] for row in found["rows"]) == 2


def test_an_empty_report_is_a_report():
    job = factories.job()
    for name in ("CSV", "XLSX", "HTML", "PDF", "JSON"):
        assert report(job, reportType="EXECUTION_STATS", format=name).data["rows"] == 0


# What people write


def test_texts_take_what_the_template_data_says_and_show_the_rest(nightly):
    said = {"title": "Runs for $team", "intro": "Period: ${period}, $$5", "footer": "Ask $team."}
    text = content(
        report(nightly, format="HTML", templateData={"team": "billing", "cost": 7}, **said)
    ).decode()
    assert "<h1>Runs for billing</h1>" in text
    assert "Period: 2026-02-24 to 2026-03-03, $5" in text
    assert "cost: 7" in text
    assert "team: billing" not in text


def test_what_is_put_in_is_never_read_again(nightly):
    data = {"team": "$cost {% include '/etc/passwd' %} <script>alert(1)</script>", "cost": "7"}
    text = content(report(nightly, format="HTML", title="$team $cost", templateData=data)).decode()
    escaped = "$cost {% include &#x27;/etc/passwd&#x27; %} &lt;script&gt;alert(1)&lt;/script&gt; 7"
    assert f"<h1>{escaped}</h1>" in text


def test_a_name_that_stands_for_nothing_fails_as_a_template():
    job = factories.job()
    payload = Payload({"metadata": {"report_type": "JOB_SUMMARY", "format": "CSV", "title": "$team"}})
    with pytest.raises(ExecutionError, match="team stands for nothing") as caught:
        execute(payload, context(job))
    assert caught.value.error_class == "TEMPLATE_ERROR"


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_is_a_formula(orders, text):
    url = orders(("CREATE TABLE t (a TEXT)", ()), ("INSERT INTO t VALUES (?)", (text,)))
    asked = {"reportType": "QUERY", "databaseUrl": url, "query": "SELECT a, -5 AS n FROM t"}
    assert rows(report(**asked)) == [{"a": f"'{text}", "n": "-5"}]
    cell = book(report(format="XLSX", **asked))["Rows"]["A2"]
    assert cell.data_type == "s"


def test_the_names_of_columns_are_no_formulas_either(orders):
    asked = {"reportType": "QUERY", "databaseUrl": orders(), "query": 'SELECT 1 AS "=cmd()"'}
    assert list(rows(report(**asked))[0]) == ["'=cmd()"]


@pytest.mark.parametrize("name", ["CSV", "XLSX", "HTML", "PDF", "JSON"])
def test_every_value_that_a_database_knows_can_be_written(orders, name):
    values = ["a\x01\x1b[31m\nb", b"\x00\xff" * 40, 2**62, 1e308, None, "\u202eabc", "😀 Ж 日"]
    marks = ", ".join("?" * len(values))
    url = orders(
        (f"CREATE TABLE t ({', '.join(f'c{n}' for n in range(len(values)))})", ()),
        (f"INSERT INTO t VALUES ({marks})", values),
    )
    result = report(reportType="QUERY", databaseUrl=url, query="SELECT * FROM t", format=name)
    assert result.data["rows"] == 1
    if name == "XLSX":
        row = [cell.value for cell in book(result)["Rows"][2]]
        assert row[0] == "a\ufffd\ufffd[31m\nb"
        # A spreadsheet would round it.
        assert row[2] == str(2**62)


# Much


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {}) SELECT i, {} AS a FROM n"


@pytest.mark.parametrize("name", ["CSV", "XLSX"])
def test_a_hundred_thousand_rows_are_written_and_no_more(orders, name):
    asked = {"reportType": "QUERY", "databaseUrl": orders(), "query": ENDLESS.format(100_001, "'text'")}
    said = []
    within = context(log=lambda level, message, **fields: said.append((level, message)))
    result = report(within=within, format=name, **asked)
    assert (result.data["rows"], result.data["cut"]) == (100_000, True)
    assert ("WARN", "Only the first 100,000 rows are shown; there are more.") in said


def test_a_pdf_is_cut_where_nobody_reads_on(orders):
    asked = {"reportType": "QUERY", "databaseUrl": orders(), "query": ENDLESS.format(5_001, "i")}
    result = report(format="PDF", **asked)
    assert result.data["rows"] == 5_000
    last = PdfReader(io.BytesIO(content(result))).pages[-1].extract_text()
    assert "Only the first 5,000 rows are shown; there are more. CSV, XLSX and JSON hold more." in last


def test_a_file_that_grows_too_large_is_given_up(orders, settings):
    settings.ARTEFACT_LIMIT_MB = 1
    asked = {
        "reportType": "QUERY",
        "databaseUrl": orders(),
        "query": ENDLESS.format(2_000, "hex(randomblob(500))"),
    }
    with pytest.raises(ExecutionError, match="larger than 1 MB: compress it") as caught:
        report(**asked)
    assert caught.value.error_class == "ARTEFACT_TOO_LARGE"


def test_what_cannot_fit_is_not_read_to_its_end():
    source = (["x" * 100] for _ in range(1_000))
    with pytest.raises(ExecutionError, match="larger than"):
        list(Stream(source, context(), most=1_000, room=450))
    assert len(list(source)) == 995


def test_what_compresses_well_may_be_larger_before(orders, settings):
    settings.ARTEFACT_LIMIT_MB = 1
    asked = {
        "reportType": "QUERY",
        "databaseUrl": orders(),
        "query": ENDLESS.format(2_000, "hex(zeroblob(500))"),
    }
    assert len(content(report(compress=True, **asked))) < 100_000


# Stopping


@pytest.mark.parametrize("stop", ["cancel", "deadline"])
def test_a_report_under_way_is_stopped_in_time(orders, stop):
    asked = {"reportType": "QUERY", "databaseUrl": orders(), "query": ENDLESS.format(10**9, "1")}
    within = context(seconds=60 if stop == "cancel" else 1)
    threading.Timer(1, within.cancel if stop == "cancel" else within.interrupt).start()
    began = time.monotonic()
    with pytest.raises(Cancelled if stop == "cancel" else DeadlineExceeded):
        report(within=within, query=f"SELECT count(*) FROM ({asked.pop('query')})", **asked)
    assert time.monotonic() - began < 3


def test_figures_are_asked_no_further_once_cancelled(nightly):
    within = context(nightly)
    within.cancel()
    with pytest.raises(Cancelled):
        report(within=within)


# Where it goes


class Mailbox:
    def __init__(self):
        self.taken, self.refusing = [], set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refusing:
            return "450 4.2.1 Later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.taken.append(envelope)
        return "250 OK"


@pytest.fixture
def mailbox(settings):
    controller = Controller(Mailbox(), hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    yield controller.handler
    controller.stop()


def test_a_report_is_mailed_with_its_totals_in_the_letter(nightly, mailbox):
    said = {"title": "Runs", "intro": "Good morning.", "recipients": ["ops@example.com", "cto@example.com"]}
    result = report(nightly, format="XLSX", **said)
    (envelope,) = mailbox.taken
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    (attached,) = message.iter_attachments()
    assert envelope.rcpt_tos == ["ops@example.com", "cto@example.com"]
    assert (attached.get_filename(), attached.get_content()) == ("runs-2026-03-03.xlsx", content(result))
    assert {"Good morning.", "Failed: 1"} <= set(message.get_body().get_content().splitlines())
    assert result.summary.endswith("; mailed to 2 people")


def test_a_retry_mails_the_report_to_those_who_have_not_got_it(nightly, mailbox):
    mailbox.refusing = {"cto@example.com"}
    to = ["ops@example.com", "cto@example.com"]
    first = context(nightly)
    with pytest.raises(ExecutionError, match="Delivered to 1 of 2"):
        report(nightly, within=first, recipients=to)
    mailbox.refusing = set()
    report(nightly, within=context(nightly, state=first.remembered), recipients=to)
    assert [each.rcpt_tos for each in mailbox.taken] == [["ops@example.com"], ["cto@example.com"]]


def test_a_workbook_that_comes_to_nothing_leaves_no_file_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def rows():
        yield ["a"]
        assert list(tmp_path.iterdir())
        raise Cancelled

    with pytest.raises(Cancelled):
        write_xlsx(Document("Names", [Column("name", "Name")], rows()), io.BytesIO())
    assert not list(tmp_path.iterdir())


def test_mail_that_fails_leaves_the_report(nightly, settings):
    settings.EMAIL_HOST = ""
    with pytest.raises(ExecutionError) as caught:
        report(nightly, recipients=["ops@example.com"])
    assert caught.value.error_class == "EMAIL_NOT_CONFIGURED"
    assert caught.value.artefacts[0].content.startswith(b"name,type")
    assert caught.value.result["rows"] == 1


@pytest.mark.parametrize(
    ("place", "more", "kept"),
    [
        ("a/b/runs.csv", {}, "a/b/runs.csv"),
        ("", {}, "runs-2026-03-03.csv"),
        ("a/", {}, "a/runs-2026-03-03.csv"),
        ("runs.csv", {"compress": True}, "runs.csv.zip"),
    ],
)
def test_a_copy_is_kept_and_replaced(nightly, settings, tmp_path, place, more, kept):
    settings.FILE_ROOTS = [tmp_path]
    for _ in range(2):
        result = report(nightly, title="Runs", outputPath=f"{tmp_path}/{place}", **more)
    assert (tmp_path / kept).read_bytes() == content(result)
    assert result.summary.endswith(f"; kept at {tmp_path / kept}")


def test_no_copy_is_kept_outside_the_folders_for_files(nightly, settings, tmp_path):
    settings.FILE_ROOTS = [tmp_path / "files"]
    with pytest.raises(ExecutionError, match="outside the folders") as caught:
        report(nightly, outputPath=str(tmp_path / "runs.csv"))
    assert caught.value.error_class == "FILE_ERROR"
    assert caught.value.artefacts


def test_no_copy_is_kept_through_a_link(nightly, settings, tmp_path):
    settings.FILE_ROOTS = [tmp_path / "files"]
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "out").symlink_to(tmp_path)
    with pytest.raises(ExecutionError) as caught:
        report(nightly, outputPath=str(tmp_path / "files" / "out" / "runs.csv"))
    assert caught.value.error_class == "FILE_ERROR"
    assert not (tmp_path / "runs.csv").exists()


def test_a_report_is_made_again_without_asking():
    assert TYPE.repeatable(columns())
