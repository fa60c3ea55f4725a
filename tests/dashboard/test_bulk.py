"""The pages about bulk operations."""

import pytest
from django.urls import reverse

from chronos_site.clock import database_now
from jobs.models import Job, Status
from runs import bulk
from runs.bulk import BulkOperation
from runs.bulk_actions import ACTIONS
from runs.carry_out import _tried, carry_out
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return factories.alice()


@pytest.fixture
def operation(alice):
    """A pause of two jobs that has not begun."""
    for name in ("one", "two"):
        factories.job(alice, name=name)
    targets = Job.objects.visible_to(alice)
    return bulk.start(
        ACTIONS["PAUSE"],
        targets,
        by=alice,
        parameters={"note": "Night"},
        expected=2,
        at=database_now(),
        conditions=[("status", "SCHEDULED"), ("nonsense", "x")],
    )


@pytest.fixture
def done(operation):
    carry_out(operation, go_on=lambda: True)
    operation.refresh_from_db()
    return operation


def get(client, user, name, *args, query="", **headers):
    client.force_login(user)
    return client.get(reverse(name, args=args) + query, headers=headers)


def post(client, user, name, operation, **data):
    client.force_login(user)
    return client.post(reverse(name, args=[operation.pk]), data)


def test_while_it_is_under_way_the_page_asks_again(client, alice, operation):
    page = get(client, alice, "bulk_detail", operation.pk).content.decode()
    assert 'hx-trigger="every 1s"' in page
    assert "0 of 2 done." in page
    assert "Cancel the rest" in page


def test_at_the_end_it_asks_no_more_and_offers_undo(client, alice, done):
    page = get(client, alice, "bulk_detail", done.pk).content.decode()
    assert "every 1s" not in page
    assert "2 jobs are paused." in page
    assert "Undo: 2 jobs" in page


def test_htmx_gets_the_part_that_changes(client, alice, operation):
    part = get(client, alice, "bulk_detail", operation.pk, **{"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith('<div class="stack" id="operation"')


def test_it_says_how_the_jobs_were_found_and_why(client, alice, done):
    page = get(client, alice, "bulk_detail", done.pk)
    assert [(chip.label, chip.value) for chip in page.context["chips"]] == [("status", "Scheduled")]
    assert "Night" in page.content.decode()


def test_what_was_refused_is_shown_first_with_its_reason(client, alice, operation):
    Job.objects.filter(name="two").update(status=Status.PAUSED)
    carry_out(operation, go_on=lambda: True)
    page = get(client, alice, "bulk_detail", operation.pk)
    assert page.context["reasons"] == [("It is paused already.", 1)]
    assert [each.target.name for each in page.context["items"]] == ["two"]


@pytest.mark.parametrize(("show", "count"), [("DONE", 2), ("REFUSED", 0), ("PENDING", 0), ("'\x00", 2)])
def test_the_items_are_listed_by_what_became_of_them(client, alice, done, show, count):
    page = get(client, alice, "bulk_detail", done.pk, query=f"?show={show}")
    assert len(page.context["items"]) == count


def test_a_target_that_is_gone_is_told_by_its_id(client, alice, done):
    gone = Job.objects.get(name="one")
    pk = gone.pk
    gone.delete()
    assert pk in get(client, alice, "bulk_detail", done.pk).content.decode()


@pytest.mark.parametrize("name", ["bulk_detail", "bulk_cancel", "bulk_undo"])
def test_others_operations_are_not_there(client, operation, name):
    client.force_login(factories.charlie())
    address = reverse(name, args=[operation.pk])
    answer = client.get(address) if name == "bulk_detail" else client.post(address)
    assert answer.status_code == 404


def test_the_rest_is_cancelled(client, alice, operation):
    response = post(client, alice, "bulk_cancel", operation)
    operation.refresh_from_db()
    assert response.url == reverse("bulk_detail", args=[operation.pk])
    assert operation.cancel_requested_at


def test_what_has_ended_is_not_cancelled(client, alice, done):
    response = post(client, alice, "bulk_cancel", done)
    assert response.status_code == 409
    assert "It has ended already" in response.content.decode()


def test_it_is_undone_and_leads_back(client, alice, done):
    response = post(client, alice, "bulk_undo", done, next="/jobs/?status=PAUSED")
    assert response.url == "/jobs/?status=PAUSED"
    assert not Job.objects.filter(status=Status.PAUSED).exists()
    assert "2 jobs are as they were." in client.get("/jobs/").content.decode()


def test_what_was_undone_in_part_says_so_and_offers_the_rest(client, alice, done):
    undoing = bulk.undo(done, by=alice, at=database_now())
    _tried(undoing, 1)
    bulk.cancel(undoing, by=alice, at=database_now())
    carry_out(undoing, go_on=lambda: True)
    page = get(client, alice, "bulk_detail", done.pk).content.decode()
    assert ("taken back in part" in page, "Undo: 1 job<" in page) == (True, True)
    assert "undone in part" in get(client, alice, "bulk_list").content.decode()
    post(client, alice, "bulk_undo", done)
    assert Job.objects.filter(status=Status.SCHEDULED).count() == 2


def test_what_is_under_way_is_not_undone(client, alice, operation):
    response = post(client, alice, "bulk_undo", operation)
    assert response.status_code == 409
    assert "still under way" in response.content.decode()


def test_operators_take_back_what_others_did(client, done):
    post(client, factories.bob(), "bulk_undo", done)
    assert BulkOperation.objects.get(undoes=done).done == 2


def test_the_list_holds_one_s_own_and_for_operators_everyone_s(client, alice, done):
    bob = factories.bob()
    assert list(get(client, alice, "bulk_list").context["page"].rows) == [done]
    assert list(get(client, bob, "bulk_list").context["page"].rows) == []
    assert list(get(client, bob, "bulk_list", query="?by=everyone").context["page"].rows) == [done]


def test_nobody_else_s_are_listed_for_a_user(client, done):
    charlie = factories.charlie()
    assert list(get(client, charlie, "bulk_list", query="?by=everyone").context["page"].rows) == []


@pytest.mark.parametrize(("name", "most"), [("bulk_list", 8), ("bulk_detail", 10)])
def test_a_page_costs_a_constant_number_of_queries(
    client, alice, done, name, most, django_assert_max_num_queries
):
    client.force_login(alice)
    args = [done.pk] if name == "bulk_detail" else []
    with django_assert_max_num_queries(most):
        client.get(reverse(name, args=args))
