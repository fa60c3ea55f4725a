"""Who may define what, whatever way a definition comes in."""

import pytest
from django.urls import reverse

from accounts.models import User
from audit.models import AuditEvent
from jobs import actions
from jobs.models import Job, JobVersion
from jobs.rights import NotAllowed
from jobs.transfer.importing import Entry, Import
from runs.models import DeadLetter
from runs.trials import Trial
from tests import factories
from tests.factories import NOON, ada, alice, bob, charlie
from tests.jobs.test_views import SCRIPT as TYPED
from tests.jobs.transfer.requests import of_type

pytestmark = pytest.mark.django_db
SCRIPT = {"type": "SCRIPT", "payload": {"script_content": "echo done"}}


def create(*, owner, by):
    return actions.create(factories.definition(**SCRIPT), owner=owner, by=by, at=NOON)


@pytest.mark.parametrize("somebody", [alice, bob, charlie])
def test_scripts_are_created_by_administrators_only(settings, somebody):
    settings.SCRIPT_ENABLED = True
    user = somebody()
    with pytest.raises(NotAllowed, match="Only administrators"):
        create(owner=user, by=user)


def test_administrators_create_scripts_only_where_they_are_allowed(settings):
    user = ada()
    with pytest.raises(NotAllowed, match="CHRONOS_SCRIPT_ENABLED"):
        create(owner=user, by=user)
    settings.SCRIPT_ENABLED = True
    assert create(owner=user, by=user).type == "SCRIPT"


def test_other_types_are_everyones():
    user = charlie()
    assert actions.create(factories.definition(), owner=user, by=user, at=NOON).owner == user


def test_a_script_from_the_command_line_must_belong_to_somebody_who_may_define_it(settings):
    settings.SCRIPT_ENABLED = True
    with pytest.raises(NotAllowed):
        create(owner=alice(), by=None)
    assert create(owner=ada(), by=None).status == "SCHEDULED"


def test_scripts_are_changed_by_administrators_only(settings):
    job = factories.script(alice())
    change = factories.definition(**{**SCRIPT, "payload": {"script_content": "rm -r /"}})
    with pytest.raises(NotAllowed):
        actions.edit(job, change, by=job.owner, at=NOON)
    with pytest.raises(NotAllowed):
        actions.edit(job, change, by=None, at=NOON)
    settings.SCRIPT_ENABLED = True
    assert actions.edit(job, change, by=ada(), at=NOON).version == 2


def test_no_job_becomes_a_script_or_stops_being_one_by_an_edit():
    owner = alice()
    for job, after in ((factories.job(owner), SCRIPT), (factories.script(owner), {})):
        with pytest.raises(NotAllowed):
            actions.edit(job, factories.definition(**after), by=owner, at=NOON)


# Every way in, as everybody

OTHER = {**SCRIPT, "payload": {"script_content": "echo other"}}


@pytest.fixture
def job(settings):
    """A script job with two versions and a dead letter, of whoever asks."""
    settings.SCRIPT_ENABLED = True

    def make(owner: User) -> Job:
        maker = factories.person("maker", factories.Role.ADMIN)
        made = actions.create(factories.definition(**SCRIPT), owner=owner, by=maker, at=NOON)
        made = actions.edit(made, factories.definition(**OTHER), by=maker, at=NOON)
        DeadLetter.objects.create(run=factories.run(made, "FAILURE"), job=made, failure_reason="x: y")
        return made

    return make


def typed(job):
    return {**TYPED, "name": job.name, "owner": job.owner.email}


def by_form(client, job):
    client.post(reverse("job_create"), typed(job))


def by_copy(client, job):
    client.post(f"{reverse('job_create')}?from={job.pk}", typed(job))


def by_edit(client, job):
    client.post(reverse("job_edit", args=[job.pk]), {**typed(job), "version": job.version})


def by_rollback(client, job):
    client.post(reverse("job_restore", args=[job.pk, 1]), {"version": job.version})


def by_trial(client, job):
    client.post(reverse("job_test"), typed(job))


def by_replay(client, job):
    letter = DeadLetter.objects.get(job=job)
    sent = {"shown": "SCRIPT", "version": job.version, "keep": "1", "payload-script_content": "echo new"}
    client.post(reverse("letter_replay_changed", args=[letter.pk]), sent)


PAGES = [by_form, by_copy, by_edit, by_rollback, by_trial, by_replay]


def stored():
    """How much there is that something executes or has executed."""
    return Job.objects.count(), JobVersion.objects.count(), Trial.objects.count()


@pytest.mark.parametrize("way", PAGES)
@pytest.mark.parametrize(
    ("somebody", "enabled"), [(alice, True), (bob, True), (ada, False), (alice, False), (bob, False)]
)
def test_no_page_takes_a_script_from_others_and_each_attempt_is_recorded(
    client, settings, job, way, somebody, enabled
):
    user = somebody()
    one = job(user)
    settings.SCRIPT_ENABLED = enabled
    client.force_login(user)
    before = stored()
    way(client, one)
    assert stored() == before
    assert AuditEvent.objects.filter(action="DENIED", user_email=user.email).count() == 1


@pytest.mark.parametrize("way", PAGES)
def test_every_page_takes_a_script_from_administrators_where_they_are_allowed(client, job, way):
    one = job(ada())
    client.force_login(one.owner)
    before = stored()
    way(client, one)
    assert stored() != before
    assert not AuditEvent.objects.filter(action="DENIED").exists()


@pytest.mark.parametrize(
    ("somebody", "enabled", "taken"), [(alice, True, 0), (bob, True, 0), (ada, True, 1), (ada, False, 0)]
)
def test_a_file_brings_in_scripts_of_administrators_alone(settings, somebody, enabled, taken):
    settings.SCRIPT_ENABLED = enabled
    user = somebody()
    request = of_type("SCRIPT", {"scriptContent": "echo done"})
    verdicts = Import(owner=user, by=user, at=NOON).carry_out([Entry("#1", request)])
    assert Job.objects.count() == taken, verdicts[0].problems


@pytest.mark.parametrize("somebody", [alice, bob, ada])
def test_no_form_makes_a_script_of_another_job(client, settings, somebody):
    settings.SCRIPT_ENABLED = True
    one = factories.job(user := somebody())
    client.force_login(user)
    sent = {**TYPED, "name": one.name, "version": one.version}
    client.post(reverse("job_edit", args=[one.pk]), sent)
    one.refresh_from_db()
    assert one.type == "DUMMY"
