"""REPORT: put figures or a query's rows into a file, keep it and mail it."""

from typing import Any, ClassVar

from jobs.executors.addresses import DatabaseUrlField, EmailsField, PathField
from jobs.executors.base import JobType
from jobs.executors.database import QueryForm
from jobs.executors.fields import FlagField, JsonField, NumberField, TextField, WordField

KINDS = {
    "JOB_SUMMARY": "Job summary",
    "EXECUTION_STATS": "Execution statistics",
    "DEAD_LETTERS": "Dead letters",
    "QUERY": "A query's rows",
}
FORMATS = {"CSV": "CSV", "XLSX": "Excel", "HTML": "HTML", "PDF": "PDF", "JSON": "JSON"}


class FormatField(WordField):
    """A file format; EXCEL is XLSX."""

    def to_python(self, value: Any) -> str:
        word = super().to_python(value)
        return "XLSX" if word == "EXCEL" else word


class ReportForm(QueryForm):
    options: ClassVar[tuple[str, ...]] = (
        "report_type",
        "format",
        "title",
        "days",
        "recipients",
        "output_path",
        "compress",
        "template",
        "template_data",
    )

    report_type = WordField(label="Report", choices=KINDS)
    format = FormatField(label="Format", choices=FORMATS, initial="CSV")
    days = NumberField(
        label="Days back", required=False, least=1, most=3_660, help_text="How much to look at; 7 if empty."
    )
    title = TextField(label="Title", required=False, help_text="For example Runs of the last week")
    template = TextField(label="Template", required=False, help_text="For example weekly-summary")
    compress = FlagField(label="Compress", help_text="As a ZIP file.")
    database_url = DatabaseUrlField(
        required=False, help_text="For a query's rows, such as postgresql://reader@db:5432/orders"
    )
    query = TextField(
        label="Query",
        required=False,
        lines=6,
        mono=True,
        help_text="Such as SELECT region, total FROM orders",
    )
    parameters = JsonField(
        label="Parameters",
        lines=2,
        required=False,
        help_text='For the query or the template, such as {"region": "north"}',
    )
    recipients = EmailsField(
        label="Mail to", lines=0, required=False, help_text="Separated by commas, for example ops@example.com"
    )
    output_path = PathField(
        label="Keep a copy at", required=False, help_text="For example /srv/reports/summary.csv"
    )
    template_data = JsonField(
        label="Template data",
        lines=2,
        required=False,
        help_text='What the template shows, such as {"team": "billing"}',
    )
    metadata = JsonField(label="Other options", required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        asked = cleaned.get("report_type") == "QUERY"
        for name, sentence, wanted in (
            ("database_url", "Say which database to ask.", asked),
            ("query", "Say what to ask.", asked),
            ("template_data", "Say what the template shows.", cleaned.get("template")),
        ):
            if wanted and not cleaned.get(name) and name not in self.errors:
                self.add_error(name, sentence)
        return cleaned


TYPE = JobType(
    code="REPORT",
    label="Report",
    hint="Render and deliver",
    icon="ty-report",
    form=ReportForm,
    aliases={
        "reportType": "report_type",
        "format": "format",
        "title": "title",
        "days": "days",
        "databaseUrl": "database_url",
        "query": "query",
        "parameters": "parameters",
        "recipients": "recipients",
        "outputPath": "output_path",
        "compress": "compress",
        "templateName": "template",
        "templateData": "template_data",
        "metadata": "metadata",
    },
    ceiling=4,
    limit=600,
    repeatable=lambda payload: True,
    error_classes=(
        "REPORT_ERROR",
        "TEMPLATE_ERROR",
        "DATABASE_ERROR",
        "EMAIL_ERROR",
        "FILE_ERROR",
        "CONNECTION_ERROR",
        "TIMEOUT",
    ),
)
