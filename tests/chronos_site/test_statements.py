"""Queries that are compiled once: they give what the ORM gives, whoever asks and whatever for."""

from datetime import timedelta
from threading import Thread

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, connection
from django.db.models import Count, F, Prefetch, QuerySet, Value, When
from django.db.models.expressions import Case

from accounts.models import Role
from chronos_site.branches import compiled_together
from chronos_site.statements import compiled
from jobs.models import Job, JobTag
from runs.days import JobDay
from runs.models import Run
from tests import factories
from tests.factories import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.databases]

HOUR = timedelta(hours=1)


@pytest.fixture
def alice():
    return factories.alice()


@pytest.fixture
def job(alice):
    return factories.job(alice, name="nightly", tags=["finance", "night"])


@pytest.fixture
def runs(job):
    return [factories.run(job, at=NOON + HOUR * n) for n in range(3)]


def building(query):
    """A compiled query, and what it was built for."""
    built = []

    def build(*values, **shape):
        built.append(shape)
        return query(*values, **shape)

    return compiled(build), built


def test_a_query_is_built_once_and_answers_each_time_anew(job, runs):
    since, built = building(lambda at: Run.objects.filter(scheduled_time__gte=at).order_by("pk"))
    assert [run.pk for run in since(NOON + HOUR)] == [run.pk for run in runs[1:]]
    assert [run.pk for run in since(NOON + 2 * HOUR)] == [runs[2].pk]
    later = factories.run(job, at=NOON + 4 * HOUR)
    assert [run.pk for run in since(NOON + 3 * HOUR)] == [later.pk]
    assert len(built) == 1


def test_each_shape_is_a_query_of_its_own(runs):
    def ordered(at, *, by):
        return Run.objects.filter(scheduled_time__gte=at).order_by(by)

    since, built = building(ordered)
    forth, back = since(NOON, by="pk"), since(NOON, by="-pk")
    assert [run.pk for run in forth] == [run.pk for run in back[::-1]] == [run.pk for run in runs]
    assert built == [{"by": "pk"}, {"by": "-pk"}]


def test_a_person_is_shown_what_they_may_see(alice, runs):
    visible, built = building(lambda user: Run.objects.visible_to(user))
    other = factories.charlie()
    foreign = factories.run(factories.job(other))
    assert {run.pk for run in visible(alice)} == {run.pk for run in runs}
    assert {run.pk for run in visible(other)} == {foreign.pk}
    assert {run.pk for run in visible(factories.bob())} == {*(run.pk for run in runs), foreign.pk}
    assert len(built) == 2
    assert {run.pk for run in visible(alice)} == {run.pk for run in runs}


def test_rows_come_with_what_belongs_to_them(job, runs, django_assert_num_queries):
    @compiled
    def of(wanted: Job) -> QuerySet[Job]:
        rows = Job.objects.filter(pk=wanted).select_related("owner", "schedule").prefetch_related("tags")
        return rows.annotate(ran=Count("runs"))

    with django_assert_num_queries(2):
        found = of(job.pk)[0]
        told = (found.owner.email, found.schedule.timezone, found.ran, {tag.name for tag in found.tags.all()})
    assert told == (job.owner.email, job.schedule.timezone, 3, {"finance", "night"})


def test_several_ids_are_compared_at_once(runs, django_assert_num_queries):
    @compiled
    def among(ids: list[str]) -> QuerySet[Run]:
        return Run.objects.filter(pk__in=ids).order_by("pk")

    for some in (runs, runs[1:], [runs[2]]):
        with django_assert_num_queries(1):
            assert [run.pk for run in among([run.pk for run in some])] == [run.pk for run in some]
    assert among([]) == []
    assert [run.pk for run in among({runs[0].pk})] == [runs[0].pk]


def test_as_many_values_as_there_are(job):
    @compiled
    def tagged(*names: str) -> QuerySet[JobTag]:
        return JobTag.objects.filter(name__in=names).order_by("name")

    assert [tag.name for tag in tagged("finance", "night")] == ["finance", "night"]
    assert [tag.name for tag in tagged("night")] == ["night"]
    assert tagged("night' OR ''='") == []


def test_days_and_conditions_on_values(job, runs):
    JobDay.objects.create(job=job, day=NOON.date(), succeeded=7)

    @compiled
    def on(wanted: Job, day: object) -> QuerySet[JobDay]:
        return JobDay.objects.filter(job=wanted, day=day)

    @compiled
    def parts(*since: object) -> QuerySet[Run]:
        place = Case(*(When(scheduled_time__gte=at, then=Value(n)) for n, at in enumerate(since)), default=9)
        return Run.objects.values("outcome").annotate(place=place, number=Count("pk")).order_by("place")

    assert [day.succeeded for day in on(job, NOON.date())] == [7]
    assert on(job, NOON.date() - timedelta(days=1)) == []
    found = [(row["place"], row["number"]) for row in parts(NOON + 2 * HOUR, NOON + HOUR)]
    assert found == [(0, 1), (1, 1), (9, 1)]


def test_lists_that_are_put_together(job, runs):
    @compiled_together
    def ends(wanted: Job, at: object) -> list[QuerySet[Run]]:
        shown = Run.objects.filter(job=wanted, scheduled_time__gte=at).values("id", due=F("scheduled_time"))
        return [shown.order_by("id")[:1], shown.order_by("-id")[:1], shown.filter(pk__in=[])]

    assert [run.pk for run in ends(job, NOON)] == [runs[0].pk, runs[2].pk]
    assert [run.pk for run in ends(job, NOON + HOUR)] == [runs[1].pk, runs[2].pk]


def test_what_can_have_no_rows_is_not_asked(django_assert_num_queries):
    @compiled
    def none(at: object) -> QuerySet[Run]:
        return Run.objects.filter(pk__in=[], scheduled_time__gte=at)

    with django_assert_num_queries(0):
        assert none(NOON) == []


@pytest.mark.parametrize("value", [None, AnonymousUser(), 1.5, {"a": 1}.keys()])
def test_what_is_no_value_is_refused(value):
    @compiled
    def of(owner: object) -> QuerySet[Job]:
        return Job.objects.filter(owner=owner)

    with pytest.raises(TypeError, match="shapes a query"):
        of(value)


@pytest.mark.parametrize(
    "misuse",
    [
        lambda value: Job.objects.filter(name=f"job {value}"),
        lambda value: Job.objects.prefetch_related(Prefetch("runs", Run.objects.filter(attempt__gt=value))),
    ],
    ids=["part of a text", "another query"],
)
def test_a_value_stands_beside_a_column_alone(job, misuse):
    with pytest.raises((TypeError, DatabaseError)):
        compiled(misuse)("nightly")


def test_a_value_is_never_looked_for_by_another_text(job):
    @compiled
    def owned(email: str) -> QuerySet[Job]:
        return Job.objects.filter(owner__email__iexact=email)

    if connection.vendor == "postgresql":
        assert owned(job.owner.email.upper()) == [job]
    else:
        with pytest.raises(TypeError, match="no text"):
            owned(job.owner.email)


def test_several_values_are_compared_with_ids_alone(job):
    @compiled
    def named(names: list[str]) -> QuerySet[Job]:
        return Job.objects.filter(name__in=names)

    if connection.vendor == "postgresql":
        with pytest.raises(TypeError, match="ids alone"):
            named(["nightly"])
    else:
        assert named(["nightly"]) == [job]


def test_among_several_ids_nothing_is_nobody(job, runs):
    @compiled
    def others(ids: set[str | None]) -> QuerySet[Run]:
        return Run.objects.exclude(pk__in=ids).order_by("pk")

    assert others({runs[0].pk, None}) == runs[1:]


def test_a_person_whose_role_changes_is_shown_less(alice, runs):
    visible, _ = building(lambda user: Run.objects.visible_to(user))
    bob = factories.bob()
    assert len(visible(bob)) == 3
    bob.roles = Role.USER.value
    assert visible(bob) == []


def test_the_first_row_or_none(job):
    @compiled
    def of(wanted: Job) -> QuerySet[Job]:
        return Job.objects.filter(pk=wanted)

    assert (of.first(job), of.first("nobody")) == (job, None)


@pytest.mark.django_db(transaction=True)
def test_threads_ask_on_connections_of_their_own(runs):
    @compiled
    def at(instant: object) -> QuerySet[Run]:
        return Run.objects.filter(scheduled_time=instant)

    found: dict[int, set[str]] = {}

    def ask(n: int) -> None:
        found[n] = {run.pk for _ in range(20) for run in at(NOON + HOUR * n)}
        connection.close()

    threads = [Thread(target=ask, args=[n]) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: {run.pk} for n, run in enumerate(runs)}
