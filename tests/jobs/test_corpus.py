"""The requests that people wrote for another system: 61 of them, and each states a complete job.

Their file is not part of the project: without it beside the checkout, these tests are skipped by name.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from jobs import definition
from jobs.models import Job, Status
from jobs.transfer import documents, exporting
from jobs.transfer.importing import Import, entries_of
from runs.models import Run
from tests import factories
from tests.factories import NOON

pytestmark = pytest.mark.django_db

# Each request's verdict, and what it is warned of: a priority above ours (critical), what is asked of a shell
# or an environment (translated), secrets that are not there yet, and a time that has passed.
VERDICTS = """
README.txt#1               imported passed
README.txt#3               imported
cache-jobs.txt#2           imported passed
cache-jobs.txt#4           imported
cache-jobs.txt#6           imported passed
cache-jobs.txt#8           imported
cache-jobs.txt#10          imported
cache-jobs.txt#12          imported passed
database-jobs.txt#2        imported passed
database-jobs.txt#4        imported
database-jobs.txt#6        imported
database-jobs.txt#8        imported passed
database-jobs.txt#10       imported critical passed
database-jobs.txt#12       imported passed
db-to-kafka-jobs.txt#2     imported passed
db-to-kafka-jobs.txt#4     imported critical
db-to-kafka-jobs.txt#6     imported passed
db-to-kafka-jobs.txt#8     imported passed
db-to-kafka-jobs.txt#10    imported
dummy-jobs.txt#2           imported passed
dummy-jobs.txt#4           imported passed
dummy-jobs.txt#6           imported critical
dummy-jobs.txt#8           imported passed
dummy-jobs.txt#10          imported passed
dummy-jobs.txt#12          imported passed
dummy-jobs.txt#14          imported passed
file-system-jobs.txt#1     imported passed
file-system-jobs.txt#3     imported passed
file-system-jobs.txt#5     imported passed
file-system-jobs.txt#7     imported
file-system-jobs.txt#9     imported
file-system-jobs.txt#11    imported critical translated secrets passed
http-jobs.txt#1            imported passed
http-jobs.txt#3            imported passed
http-jobs.txt#5            imported
http-jobs.txt#7            imported
http-jobs.txt#9            imported passed
message-queue-jobs.txt#1   imported passed
message-queue-jobs.txt#3   imported passed
message-queue-jobs.txt#5   imported passed
message-queue-jobs.txt#7   imported passed
message-queue-jobs.txt#9   imported critical passed
message-queue-jobs.txt#11  imported translated translated secrets passed
retry-jobs.txt#1           imported passed
retry-jobs.txt#3           imported critical passed
retry-jobs.txt#5           imported passed
retry-jobs.txt#7           imported passed
retry-jobs.txt#9           imported passed
script-jobs.txt#1          imported passed
script-jobs.txt#3          imported passed
script-jobs.txt#5          imported
script-jobs.txt#7          imported
script-jobs.txt#9          imported passed
script-jobs.txt#11         imported
CURL_EXAMPLES_GUIDE.md#1   imported passed
CURL_EXAMPLES_GUIDE.md#3   imported
CURL_EXAMPLES_GUIDE.md#5   imported translated
CURL_EXAMPLES_GUIDE.md#7   imported passed
CURL_EXAMPLES_GUIDE.md#9   imported
CURL_EXAMPLES_GUIDE.md#11  imported
CURL_EXAMPLES_GUIDE.md#13  imported
"""


# What a request asks of a shell or an environment, which becomes a placeholder.
TRANSLATED = {
    "CURL_EXAMPLES_GUIDE.md#5": ["/backup/config/application-$(date +%Y%m%d).yml"],
    "message-queue-jobs.txt#11": ["${AWS_ACCESS_KEY_ID}", "${AWS_SECRET_ACCESS_KEY}"],
}


@pytest.fixture
def owner(settings):
    """Somebody who may define scripts."""
    settings.SCRIPT_ENABLED = True
    return factories.ada()


def bring(owner, document):
    return Import(owner, by=None, at=NOON, allow_duplicates=True).carry_out(entries_of(document))


@pytest.fixture
def verdicts(owner, corpus):
    return bring(owner, documents.read(corpus.read_bytes(), "json"))


def told(verdict) -> str:
    warnings = verdict.warnings
    words = {
        "CRITICAL": "critical",
        "has passed": "passed",
        "Fails until there are secrets": "secrets",
        "becomes {{": "translated",
        "the key is {{": "translated",
    }
    said = [next((word for part, word in words.items() if part in each), each) for each in warnings]
    problems = [f"{problem.field}: {problem.reason}" for problem in verdict.problems]
    return f"{verdict.source:<27}{' '.join([verdict.outcome.value, *said, *problems])}"


def leaves(value: Any) -> Iterator[Any]:
    """Everything said but `false`, which for many options says the same as nothing."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if inner is None:
        yield from [] if value is False else [value]
    else:
        for each in inner:
            yield from leaves(each)


def test_every_request_is_imported_and_warned_of_what_it_should_know(verdicts):
    found = "\n".join(map(told, verdicts))
    assert found == VERDICTS.strip(), f"The verdicts are now:\n{found}"


@pytest.mark.databases
def test_only_what_lies_ahead_is_armed(verdicts):
    for verdict in verdicts:
        armed = not any(warning.startswith("Stays pending") for warning in verdict.warnings)
        job = Job.objects.select_related("schedule").get(pk=verdict.job.pk)
        assert job.status == (Status.SCHEDULED if armed else Status.PENDING), verdict.source
        assert (job.schedule.next_fire_at is not None and job.schedule.next_fire_at > NOON) is armed
    assert not Run.objects.exists()


def test_nothing_that_was_said_is_lost(verdicts):
    for verdict in verdicts:
        request = verdict.reading.request
        kept = list(leaves(exporting.request(definition.of(verdict.job))))
        missing = [each for each in leaves([request["name"], request["payload"]]) if each not in kept]
        assert missing == TRANSLATED.get(verdict.source, []), verdict.source


@pytest.mark.databases
@pytest.mark.parametrize("file_format", ["json", "yaml"])
def test_every_job_comes_back_from_an_export_as_it_went(owner, verdicts, file_format):
    jobs = Job.objects.order_by("pk")
    text = documents.write(exporting.document(jobs, with_secrets=True), file_format)
    again = bring(owner, documents.read(text.encode(), file_format))
    before = [definition.of(verdict.job) for verdict in verdicts]
    assert [definition.of(Job.objects.get(pk=verdict.job.pk)) for verdict in again] == before


def test_a_masked_export_shows_none_of_the_passwords(verdicts):
    shown = documents.write(exporting.document(Job.objects.all()), "json")
    assert "password=example" not in shown
    assert "Bearer test-token" not in shown
    assert '"password": "guest"' not in shown
