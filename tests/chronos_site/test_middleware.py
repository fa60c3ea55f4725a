import pytest

from accounts.actions import BACKEND
from tests import factories
from tests.api.calling import Caller

pytestmark = pytest.mark.django_db
LIMIT = 2_621_440


@pytest.mark.parametrize("name", [None, "alice"])
def test_more_than_anybody_types_is_refused_before_it_is_read(client, name):
    if name:
        client.force_login(getattr(factories, name)(), BACKEND)
    response = client.post("/sign-in/", "x" * (LIMIT + 1), content_type="multipart/form-data; boundary=x")
    assert response.status_code == 413
    assert "Too much at once" in response.content.decode()


@pytest.mark.databases
def test_nothing_is_at_an_address_with_a_nul(client):
    assert Caller(factories.ada())("DELETE", "/secrets/a%00b").status_code == 404
    assert client.get("/jobs/a%00b/").status_code == 404
