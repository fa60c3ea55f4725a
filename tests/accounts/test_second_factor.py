"""The second factor: codes of the clock, used once, and recovery codes."""

import pyotp
import pytest
from cryptography.fernet import Fernet

from accounts import second_factor
from accounts.actions import BACKEND
from accounts.models import RecoveryCode, User
from audit.models import AuditEvent
from tests import factories

pytestmark = pytest.mark.django_db

KEY = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
AT = 1_772_452_800.0


@pytest.fixture(autouse=True)
def keys(settings):
    settings.SECRETS_KEYS = [Fernet.generate_key()]


@pytest.fixture
def alice():
    return factories.alice()


def code(at=AT):
    return pyotp.TOTP(KEY).at(int(at))


def on(user):
    codes = second_factor.switch_on(user, KEY, 0)
    user.refresh_from_db()
    return codes


def test_the_codes_are_those_of_the_standard():
    # RFC 6238, appendix B: SHA-1, the time 59, the last six digits.
    key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert second_factor.step_of(key, "287082", at=59) == 1


@pytest.mark.parametrize(
    "typed", ["", "12345", "abcdef", "\uff11\uff12\uff13\uff14\uff15\uff16", "000000", "1" * 500]
)
def test_anything_else_is_no_code(typed):
    assert second_factor.step_of(KEY, typed, at=AT) is None


def test_a_clock_may_be_a_step_off_and_no_more():
    found = [second_factor.step_of(KEY, code(AT + off), at=AT) is not None for off in (-60, -30, 0, 30, 60)]
    assert found == [False, True, True, True, False]


def test_a_code_is_good_once(alice):
    on(alice)
    assert second_factor.is_right(alice, code(), at=AT)
    assert not second_factor.is_right(alice, code(), at=AT)


def test_a_code_of_before_the_last_one_is_over(alice):
    on(alice)
    assert second_factor.is_right(alice, code(AT + 30), at=AT)
    assert not second_factor.is_right(alice, code(), at=AT)


def test_a_recovery_code_is_good_once(alice):
    codes = on(alice)
    assert len(set(codes)) == 10
    assert second_factor.is_right(alice, f" {codes[0].upper()} ")
    assert not second_factor.is_right(alice, codes[0])
    assert second_factor.is_right(alice, codes[1])


def test_the_key_is_encrypted_and_codes_are_hashed(alice):
    codes = on(alice)
    assert KEY not in User.objects.values_list("totp", flat=True).get()
    kept = set(RecoveryCode.objects.values_list("digest", flat=True))
    assert kept.isdisjoint(codes)


def test_others_recovery_codes_are_theirs(alice):
    codes, charlie = on(alice), factories.charlie()
    on(charlie)
    assert not second_factor.is_right(charlie, codes[0])


# The pages


SIGN_IN = {"email": "alice@example.com", "password": factories.PASSWORD}


def test_the_password_alone_opens_nothing_once_it_is_on(client, alice):
    on(alice)
    answer = client.post("/sign-in/?next=/jobs/", {**SIGN_IN, "next": "/jobs/"})
    assert answer.headers["Location"] == "/sign-in/code/?next=%2Fjobs%2F"
    assert client.get("/jobs/").headers["Location"].startswith("/sign-in/")


def test_the_code_of_now_lets_in_to_the_page_that_was_wanted(client, alice):
    on(alice)
    client.post("/sign-in/", SIGN_IN)
    answer = client.post("/sign-in/code/", {"code": pyotp.TOTP(KEY).now(), "next": "/jobs/"})
    assert answer.headers["Location"] == "/jobs/"
    assert client.get("/jobs/").status_code == 200
    assert AuditEvent.objects.filter(action="SIGNED_IN").count() == 1


def test_a_wrong_code_is_told_and_after_five_the_password_is_asked_again(client, alice):
    on(alice)
    client.post("/sign-in/", SIGN_IN)
    answers = [client.post("/sign-in/code/", {"code": "000000"}) for _ in range(5)]
    assert answers[0].context["form"].errors["code"]
    assert answers[-1].headers["Location"] == "/sign-in/"
    assert client.get("/sign-in/code/").headers["Location"] == "/sign-in/"
    assert AuditEvent.objects.filter(action="SIGN_IN_FAILED").count() == 5


def test_who_knows_the_password_cannot_go_on_guessing(client, alice):
    codes = on(alice)
    for _ in range(5):
        client.post("/sign-in/", SIGN_IN)
        for _ in range(5):
            client.post("/sign-in/code/", {"code": "000000"})
    client.post("/sign-in/", SIGN_IN)
    assert client.post("/sign-in/code/", {"code": codes[0]}).context["form"].errors["code"]
    assert RecoveryCode.objects.count() == 10


def test_the_second_step_needs_the_first(client, alice):
    codes = on(alice)
    assert client.post("/sign-in/code/", {"code": codes[0]}).headers["Location"] == "/sign-in/"
    assert RecoveryCode.objects.count() == 10


def test_a_new_password_ends_a_sign_in_that_is_half_way(client, alice):
    codes = on(alice)
    client.post("/sign-in/", SIGN_IN)
    alice.set_password("something else entirely")
    alice.save()
    assert client.post("/sign-in/code/", {"code": codes[0]}).headers["Location"] == "/sign-in/"


def test_switching_on_asks_for_a_code_and_shows_recovery_codes_once(client, alice):
    client.force_login(alice, BACKEND)
    shown = client.get("/account/two-factor/")
    assert "<svg" in shown.content.decode()
    key = shown.context["key"]
    assert client.post("/account/two-factor/", {"code": "000000"}).context["form"].errors["code"]
    codes = client.post("/account/two-factor/", {"code": pyotp.TOTP(key).now()}).context["codes"]
    alice.refresh_from_db()
    assert alice.totp
    assert codes[0] not in client.get("/account/two-factor/").content.decode()


def test_switching_off_asks_for_the_password(client, alice):
    on(alice)
    client.force_login(alice, BACKEND)
    client.post("/account/two-factor/", {"password": "wrong", "do": "off"})
    assert User.objects.get().totp
    client.post("/account/two-factor/", {"password": factories.PASSWORD, "do": "off"})
    assert not User.objects.get().totp
    assert not RecoveryCode.objects.exists()


def test_without_keys_it_cannot_be_switched_on_and_that_is_said(client, alice, settings):
    settings.SECRETS_KEYS = []
    client.force_login(alice, BACKEND)
    key = client.get("/account/two-factor/").context["key"]
    answer = client.post("/account/two-factor/", {"code": pyotp.TOTP(key).now()})
    assert "CHRONOS_SECRETS_KEYS" in str(answer.context["form"].errors)


@pytest.mark.browser
def test_recovery_codes_are_copied_by_a_button(visit, live_server, alice):
    page = visit("/account/two-factor/", alice, permissions=["clipboard-read", "clipboard-write"])
    key = page.locator("p.mono").inner_text().replace(" ", "")
    page.fill("[name=code]", pyotp.TOTP(key).now())
    page.click("main .btn-primary")
    page.click("[data-copy]")
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#codes").inner_text().strip()
