import pytest
from django.contrib.contenttypes.models import ContentType

from accounts.actions import BACKEND
from accounts.forms import AccountForm
from accounts.models import Role, User
from audit.models import AuditEvent
from tests import factories
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
NEW = "a quite different sentence"


@pytest.fixture
def ada(client):
    ada = factories.ada()
    client.force_login(ada, BACKEND)
    return ada


def save(client, user=None, **typed):
    address = f"/admin/accounts/user/{user.pk}/change/" if user else "/admin/accounts/user/add/"
    known = {"email": user.email, "role": user.role.value} if user else {"email": "dora@example.com"}
    return client.post(address, {"is_active": "on", "role": "USER", **known, **typed})


def errors(response):
    return response.context["adminform"].form.errors


def test_an_administrator_adds_a_person_who_can_sign_in(client, ada):
    assert save(client, role="OPERATOR", new_password=NEW, again=NEW).status_code == 302
    dora = User.objects.get(email="dora@example.com")
    assert (dora.role, dora.is_active, dora.check_password(NEW)) == (Role.OPERATOR, True, True)


def test_what_an_administrator_did_is_recorded_without_the_password(client, ada):
    save(client, role="OPERATOR", new_password=NEW, again=NEW)
    event = AuditEvent.objects.get()
    assert (event.action, event.user_email) == ("USER_CREATED", "ada@example.com")
    told = {"email": [None, "dora@example.com"], "role": [None, "OPERATOR"]}
    assert event.details == {"password": "set", "changes": told}


def test_a_change_of_role_tells_the_one_before(client, ada):
    save(client, factories.alice(), email="alice@example.com", role="OPERATOR")
    assert AuditEvent.objects.get().details == {"changes": {"role": ["USER", "OPERATOR"]}}


def test_saving_without_a_password_keeps_it(client, ada):
    alice = factories.alice()
    assert save(client, alice, role="OPERATOR").status_code == 302
    alice.refresh_from_db()
    assert (alice.role, alice.check_password(PASSWORD)) == (Role.OPERATOR, True)


def test_the_page_of_a_person_shows_no_hash(client, ada):
    alice = factories.alice()
    assert alice.password not in client.get(f"/admin/accounts/user/{alice.pk}/change/").content.decode()


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"email": "ADA@example.com"}, "email"),
        ({"email": "nobody"}, "email"),
        ({"role": "KING"}, "role"),
        ({"new_password": "short", "again": "short"}, "new_password"),
        ({"new_password": "", "again": ""}, "new_password"),
        ({"again": "something else"}, "again"),
    ],
)
def test_what_will_not_do_is_told_at_its_field(client, ada, typed, field):
    response = save(client, **{"new_password": NEW, "again": NEW, **typed})
    assert errors(response)[field]
    assert User.objects.count() == 1


@pytest.mark.parametrize("typed", [{"role": "USER"}, {"role": "OPERATOR"}, {"is_active": ""}])
def test_administrators_cannot_take_the_role_from_themselves(client, ada, typed):
    factories.person("second", Role.ADMIN)
    assert "cannot take this from yourself" in str(errors(save(client, ada, **typed)))
    ada.refresh_from_db()
    assert ada.is_administrator


def test_an_administrator_may_take_the_role_from_another(client, ada):
    second = factories.person("second", Role.ADMIN)
    assert save(client, second, role="USER").status_code == 302


def test_an_inactive_administrator_is_no_longer_signed_in(client, ada):
    second = factories.person("second", Role.ADMIN)
    save(client, second, is_active="")
    client.force_login(second, BACKEND)
    assert client.get("/admin/").status_code == 302


def test_nobody_is_deleted_because_their_jobs_would_go_with_them(client, ada):
    alice = factories.alice()
    assert client.post(f"/admin/accounts/user/{alice.pk}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=alice.pk).exists()


@pytest.mark.parametrize("name", ["alice", "bob", "charlie"])
@pytest.mark.parametrize(
    "address", ["/admin/", "/admin/login/", "/admin/accounts/user/", "/admin/accounts/user/add/"]
)
def test_the_administration_is_for_administrators(client, name, address):
    client.force_login(getattr(factories, name)(), BACKEND)
    assert client.get(address, follow=True).status_code == 403


def test_the_administration_has_no_sign_in_of_its_own(client):
    assert client.get("/admin/", follow=True).redirect_chain == [("/sign-in/?next=%2Fadmin%2F", 302)]
    assert client.get("/admin/login/").headers["Location"] == "/sign-in/?next=%2Fadmin%2Flogin%2F"


def test_leaving_the_administration_is_recorded_like_any_leaving(client, ada):
    client.post("/admin/logout/")
    assert AuditEvent.objects.get().action == "SIGNED_OUT"


def test_queues_and_groups_are_not_administered(client, ada):
    assert client.get("/admin/django_rq/queue/").status_code == 404
    assert client.get("/admin/auth/group/").status_code == 404


def test_no_address_leads_to_rows_of_any_table(client, ada):
    # Tables of packages that were never made are content types all the same.
    for content_type in ContentType.objects.all():
        assert client.get(f"/admin/r/{content_type.pk}/1/").status_code == 404


def test_two_administrators_cannot_take_the_role_from_each_other_at_once(ada):
    # The second was one when their request began, and no longer is when it is their turn.
    second = factories.person("second", Role.OPERATOR)
    form = type("Form", (AccountForm,), {"by": second})(
        {"email": ada.email, "role": "USER", "is_active": "on"}, instance=ada
    )
    assert form.errors["role"] == ["This is the last administrator."]
