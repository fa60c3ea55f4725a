import pytest

from tests import factories

pytestmark = pytest.mark.django_db
LIMIT = 2_621_440


@pytest.mark.parametrize("name", [None, "alice"])
def test_more_than_anybody_types_is_refused_before_it_is_read(client, name):
    if name:
        client.force_login(getattr(factories, name)(), "django.contrib.auth.backends.ModelBackend")
    response = client.post("/sign-in/", "x" * (LIMIT + 1), content_type="multipart/form-data; boundary=x")
    assert response.status_code == 413
    assert "Too much at once" in response.content.decode()
