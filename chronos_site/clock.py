"""The one clock that all processes share: the database's."""

from datetime import UTC, datetime

from django.db import connection

_QUESTIONS = {"postgresql": "SELECT clock_timestamp()", "mysql": "SELECT UTC_TIMESTAMP(6)"}


def database_now() -> datetime:
    """The instant by the database's clock, aware, in UTC; SQLite's is this machine's."""
    question = _QUESTIONS.get(connection.vendor)
    if question is None:
        return datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute(question)
        told: datetime = cursor.fetchone()[0]
    return told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
