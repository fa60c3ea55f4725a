"""Lists of ids in questions to the database."""

import pytest

from chronos_site.schema import new_ulid
from jobs.models import Job
from runs.models import Run
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

ODD = ["", "NULL", "a,b", "}", '"', "'", "\\", "ß", " "]


def test_ids_are_found_among_odd_ones():
    job = factories.job()
    assert list(Job.objects.filter(pk__in=[*ODD, job.pk])) == [job]
    assert not Job.objects.filter(pk__in=ODD).exists()


def test_ids_are_found_among_thousands_and_once():
    job = factories.job()
    many = [new_ulid() for _ in range(3000)]
    assert list(Job.objects.filter(pk__in={*many, job.pk})) == [job]
    assert list(Job.objects.filter(pk__in=[job.pk, *many, job.pk])) == [job]


def test_references_are_found_by_ids_by_rows_and_by_queries():
    run = factories.run(factories.job())
    for jobs in ([run.job_id], [run.job_id, None], [run.job], Job.objects.all(), Job.objects.values("pk")):
        assert list(Run.objects.filter(job__in=jobs)) == [run]
    assert not Run.objects.filter(job__in=ODD).exists()


def test_nothing_is_one_of_nothing():
    factories.job()
    assert not Job.objects.filter(pk__in=[]).exists()
    assert not Job.objects.filter(pk__in=[None]).exists()
