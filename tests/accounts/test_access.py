import pytest

from accounts.access import page_of

pytestmark = pytest.mark.django_db


def test_who_is_not_signed_in_comes_back_to_the_page_they_wanted(client):
    response = client.get("/account/password/?x=1")
    assert response.headers["Location"] == "/sign-in/?next=%2Faccount%2Fpassword%2F%3Fx%3D1"


def test_a_form_sent_when_the_session_was_over_leads_back_to_its_page(client):
    response = client.post("/account/password/", headers={"Referer": "http://testserver/jobs/?q=a"})
    assert response.headers["Location"] == "/sign-in/?next=%2Fjobs%2F%3Fq%3Da"


def test_a_fragment_asked_for_when_the_session_was_over_leaves_the_page_alone(client):
    response = client.get("/pulse/", headers={"HX-Request": "true"})
    assert (response.status_code, response.content) == (401, b"")


@pytest.mark.parametrize("referer", ["http://evil.example/jobs/", "http://testserver//evil.example/", ""])
def test_a_page_elsewhere_is_never_the_one_to_go_back_to(rf, referer):
    assert page_of(rf.post("/", headers={"Referer": referer})) == "/"
