"""The examples in the documentation import as they stand, and come back from an export as they went."""

import re
from collections import Counter
from pathlib import Path

import pytest

from jobs import definition
from jobs.executors import TYPES
from jobs.models import Job
from jobs.transfer import documents, exporting, requests
from jobs.transfer.importing import Import, entries_of
from jobs.transfer.stars import masked
from tests import factories
from tests.factories import NOON

pytestmark = pytest.mark.django_db
FOLDER = Path(__file__).parents[2] / "docs" / "examples"
FILES = sorted(path.name for path in FOLDER.iterdir())


def bring(owner, content, name, **options):
    asked = Import(owner, by=None, at=NOON, **options)
    return asked.carry_out(entries_of(documents.read(content, documents.format_of(name))))


@pytest.fixture
def owner(settings):
    """Somebody who may define scripts."""
    settings.SCRIPT_ENABLED = True
    return factories.ada()


def test_the_request_that_the_documentation_explains_is_a_good_one():
    page = (FOLDER.parent / "importing.md").read_text()
    [block] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    reading = requests.read(documents.read(block.encode(), "yaml"))
    assert (reading.problems, reading.warnings) == ([], [])


@pytest.mark.parametrize("name", FILES)
def test_an_example_imports_without_a_word(owner, name):
    for verdict in bring(owner, (FOLDER / name).read_bytes(), name):
        assert (verdict.problems, verdict.warnings) == ([], [])


def test_the_examples_show_all_types_in_both_formats_and_live_side_by_side(owner):
    for name in FILES:
        bring(owner, (FOLDER / name).read_bytes(), name)
    jobs = Job.objects.all()
    assert {job.type for job in jobs} == set(TYPES)
    assert Counter(job.name for job in jobs).most_common(1)[0][1] == 1
    assert {documents.format_of(name) for name in FILES} == {"json", "yaml"}


@pytest.mark.parametrize("file_format", ["json", "yaml"])
@pytest.mark.parametrize("name", FILES)
def test_an_example_comes_back_from_an_export_as_it_went(owner, name, file_format):
    before = [definition.of(each.job) for each in bring(owner, (FOLDER / name).read_bytes(), name)]
    text = documents.write(exporting.document(Job.objects.order_by("pk")), file_format)
    again = bring(owner, text.encode(), f"again.{file_format}", allow_duplicates=True)
    assert [definition.of(each.job) for each in again] == before


@pytest.mark.parametrize("name", FILES)
def test_no_example_holds_a_secret(owner, name):
    for verdict in bring(owner, (FOLDER / name).read_bytes(), name):
        whole = definition.of(verdict.job)
        assert masked(whole) == whole
