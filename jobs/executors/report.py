"""REPORT: put figures or a query's rows into a file, keep it and mail it."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation.trans_null import gettext_noop

from jobs import zones
from jobs.executors import database
from jobs.executors.addresses import DatabaseUrlField, EmailsField, PathField, inside_folders
from jobs.executors.base import Context, JobType, Payload, Result
from jobs.executors.database import QueryForm
from jobs.executors.fields import FlagField, NumberField, TextField, WordField
from jobs.executors.json_fields import JsonField, OptionsField
from jobs.executors.mailing import mail
from jobs.executors.reports import periods, texts

KINDS = {
    "JOB_SUMMARY": "Job summary",
    "EXECUTION_STATS": "Execution statistics",
    "LATE_AND_FAILED": "Late and failed runs",
    "DEAD_LETTERS": "Dead letters",
    "QUERY": "A query's rows",
}
FORMATS = {"CSV": "CSV", "XLSX": "Excel", "HTML": "HTML", "PDF": "PDF", "JSON": "JSON"}
LAYOUTS = {"": "Totals, chart and rows", "SUMMARY": "Totals only", "ROWS": "Rows only"}
TEXTS = ("title", "intro", "footer")


class FormatField(WordField):
    """A file format; EXCEL is XLSX."""

    def to_python(self, value: Any) -> str:
        word = super().to_python(value)
        return "XLSX" if word.upper() == "EXCEL" else word


class DayField(TextField):
    """A day of the calendar, such as 2026-03-01."""

    def to_python(self, value: Any) -> str:
        said = super().to_python(value)
        if said and not _DAY.fullmatch(said):
            raise forms.ValidationError(_DAY_SENTENCE)
        try:
            return date.fromisoformat(said).isoformat() if said else ""
        except ValueError as error:
            raise forms.ValidationError(_DAY_SENTENCE) from error


# Years in which there is a day before and a day after in every zone.
_DAY = re.compile(r"(?!0000|0001|9999)\d{4}-\d\d-\d\d|0001-01-02|9999-12-30")
_DAY_SENTENCE = "Write a day like 2026-03-01."


class ZoneField(TextField):
    """A time zone by its IANA name."""

    def to_python(self, value: Any) -> str:
        name = super().to_python(value)
        try:
            return zones.zone(name).key if name else ""
        except zones.UnknownZone as error:
            raise forms.ValidationError(str(error)) from error


class ReportForm(QueryForm):
    options: ClassVar[tuple[str, ...]] = (
        "report_type",
        "format",
        "days",
        "period",
        "first_day",
        "last_day",
        "timezone",
        "title",
        "template",
        "intro",
        "footer",
        "recipients",
        "output_path",
        "compress",
        "template_data",
    )
    groups: ClassVar[Mapping[str, tuple[str, ...]]] = {
        gettext_noop("A query's rows"): ("database_url", "query", "parameters"),
        gettext_noop("Texts"): ("template", "intro", "footer", "template_data"),
    }

    report_type = WordField(label=_("Report"), choices=KINDS)
    format = FormatField(label=_("Format"), choices=FORMATS, initial="CSV")
    period = WordField(
        label=_("Period"),
        required=False,
        choices={"": _("By days, below"), **periods.NAMED},
        help_text=_("As it stands when the run is due."),
    )
    days = NumberField(
        label=_("Days back"),
        required=False,
        least=1,
        most=periods.MOST_DAYS,
        help_text=format_lazy(
            _("Whole days before that of the run, and that one so far; {days} if empty."), days=periods.DAYS
        ),
    )
    first_day = DayField(
        label=_("From"),
        required=False,
        sample="0001-01-02",
        help_text=_("The first day, such as 2026-03-01 or {{ fire.date - 7d }}"),
    )
    last_day = DayField(
        label=_("To"), required=False, sample="9999-12-30", help_text=_("The last day, included.")
    )
    timezone = ZoneField(
        label=_("Time zone"),
        required=False,
        sample="Antarctica/Troll",
        help_text=_("Whose days and clock, such as Europe/Berlin; that of the job's schedule if empty."),
    )
    title = TextField(label=_("Title"), required=False, help_text=_("For example Runs of $period"))
    template = WordField(
        label=_("Layout"),
        required=False,
        choices=LAYOUTS,
        help_text=_("Totals only is one row a day, week or month."),
    )
    intro = TextField(
        label=_("Text above"),
        required=False,
        lines=3,
        help_text=_("Such as For $team: names stand for what the template data says, $$ is a dollar sign."),
    )
    footer = TextField(label=_("Text below"), required=False, lines=2)
    template_data = JsonField(
        label=_("Template data"),
        lines=2,
        required=False,
        help_text=_('What $names stand for, such as {"team": "billing"}; the rest is shown below the title.'),
    )
    compress = FlagField(label=_("Compress"), help_text=_("As a ZIP file."))
    database_url = DatabaseUrlField(
        required=False, help_text=_("For a query's rows, such as postgresql://reader@db:5432/orders")
    )
    query = TextField(
        label=_("Query"),
        required=False,
        lines=6,
        mono=True,
        help_text=_("Such as SELECT region, total FROM orders"),
    )
    parameters = JsonField(
        label=_("Parameters"),
        lines=2,
        required=False,
        help_text=_('For the query, such as {"region": "north"}; in other reports as template data.'),
    )
    recipients = EmailsField(
        label=_("Mail to"),
        lines=0,
        required=False,
        help_text=_("Separated by commas, for example ops@example.com"),
    )
    output_path = PathField(
        label=_("Keep a copy at"),
        required=False,
        help_text=inside_folders("Inside ", "; one that ends with / is a folder."),
    )
    metadata = OptionsField()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        asked = cleaned.get("report_type") == "QUERY"
        for name, sentence in (
            ("database_url", "Say which database to ask."),
            ("query", "Say what to ask."),
        ):
            if asked and not cleaned.get(name) and name not in self.errors:
                self.add_error(name, sentence)
            if cleaned.get("report_type") and not asked and cleaned.get(name):
                self.add_error(name, _("Only a query's rows come from a database: choose that report."))
        self._check_period(cleaned, asked)
        self._check_texts(cleaned, asked)
        return cleaned

    def _check_period(self, cleaned: dict[str, Any], asked: bool) -> None:
        said = [name for name in ("period", "days", "first_day", "last_day") if cleaned.get(name)]
        if asked and said:
            self.add_error(said[0], _("A query says itself which time it looks at: leave this empty."))
        elif len(said) > 1 and said != ["first_day", "last_day"]:
            self.add_error(said[1], _("Say one of period, days back, and from and to."))
        elif said == ["last_day"]:
            self.add_error("first_day", _("Say the first day too."))
        elif "last_day" in said and cleaned["last_day"] < cleaned["first_day"]:
            self.add_error("last_day", _("The last day is before the first."))

    def _check_texts(self, cleaned: dict[str, Any], asked: bool) -> None:
        if asked and cleaned.get("template") == "SUMMARY":
            self.add_error("template", _("A query's rows have no totals."))
        given = texts.data(
            cleaned.get("report_type"), cleaned.get("parameters"), cleaned.get("template_data")
        )
        known = {*given, *(() if asked else (texts.PERIOD,))}
        for name in TEXTS:
            unknown = [each for each in texts.named(cleaned.get(name) or "") if each not in known]
            if unknown and "template_data" not in self.errors:
                self.add_error(
                    name,
                    _("$%(unknown)s stands for nothing: add it to the template data, or write $$ for $.")
                    % {"unknown": unknown[0]},
                )


def execute(payload: Payload, context: Context) -> Result:
    """Make the report. Raises ExecutionError with the classes of the type."""
    # Only here: what writes Excel and PDF takes 40 MB, and few processes ever make such a file.
    from jobs.executors.reports import reporting

    return reporting.execute(payload, context)


TYPE = JobType(
    code="REPORT",
    label="Report",
    hint="Render and deliver",
    icon="ty-report",
    form=ReportForm,
    aliases={
        "reportType": "report_type",
        "format": "format",
        "period": "period",
        "dateRange": "period",
        "days": "days",
        "from": "first_day",
        "to": "last_day",
        "timezone": "timezone",
        "title": "title",
        "templateName": "template",
        "intro": "intro",
        "footer": "footer",
        "templateData": "template_data",
        "databaseUrl": "database_url",
        "query": "query",
        "parameters": "parameters",
        "recipients": "recipients",
        "outputPath": "output_path",
        "compress": "compress",
        "metadata": "metadata",
    },
    execute=execute,
    ceiling=4,
    limit=600,
    repeatable=lambda payload: not payload.options.get("recipients"),
    remembers=True,
    error_classes=tuple(
        dict.fromkeys(
            (
                "REPORT_ERROR",
                "TEMPLATE_ERROR",
                "ARTEFACT_TOO_LARGE",
                "FILE_ERROR",
                *database.ERROR_CLASSES,
                *mail.ERROR_CLASSES,
                "TIMEOUT",
            )
        )
    ),
)
