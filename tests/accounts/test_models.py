import pytest

from accounts.models import Role, User
from tests import factories


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        ("USER", Role.USER),
        ("USER,OPERATOR", Role.OPERATOR),
        ("admin , USER", Role.ADMIN),
        ("", Role.USER),
        ("SUPERADMIN", Role.USER),
    ],
)
def test_the_highest_role_counts(roles, role):
    assert User(roles=roles).role is role


def test_who_is_not_active_has_no_powers():
    ada = User(roles="ADMIN", is_active=False)
    assert not any([ada.is_administrator, ada.is_operator, ada.is_staff, ada.has_perm("any")])


@pytest.mark.django_db
def test_an_email_is_kept_in_lower_case():
    assert User.objects.create(email="Dora@Example.COM", password="!").email == "dora@example.com"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("roles", "active", "counts"),
    [
        ("ADMIN", True, True),
        ("USER, ADMIN", True, True),
        ("ADMIN", False, False),
        ("SUPERADMIN", True, False),
    ],
)
def test_administrators_are_those_who_may_administer_now(roles, active, counts):
    user = User.objects.create(email="a@example.com", password="!", roles=roles, is_active=active)
    assert (user in User.objects.administrators()) == counts


@pytest.mark.django_db
def test_no_account_has_a_usable_password_unless_it_was_given_one():
    assert not User.objects.create_user("dora@example.com").has_usable_password()
    assert factories.alice().has_usable_password()
