"""Who may define what, whatever way a definition comes in."""

import pytest

from jobs import actions
from jobs.rights import NotAllowed
from tests import factories
from tests.factories import NOON, ada, alice, bob, charlie

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
