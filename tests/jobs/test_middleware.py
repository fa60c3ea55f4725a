import pytest
from django.urls import include, path

from accounts.actions import BACKEND
from accounts.permissions import FORM, RULES
from jobs import actions
from jobs.models import Job
from jobs.moves import Event, IllegalMove
from tests import factories

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def refuse(request):
    raise IllegalMove(factories.job(), Event.RESUME)


def break_down(request):
    raise RuntimeError("the handle came off")


def resume_a_deleted_job(request):
    job = factories.job()
    Job.objects.all().delete()
    actions.resume(job, by=None, at=factories.NOON)


@pytest.fixture(autouse=True)
def open_to_everyone(monkeypatch):
    for view in (refuse, resume_a_deleted_job, break_down):
        monkeypatch.setitem(RULES, f"{__name__}.{view.__name__}", FORM)


urlpatterns = [
    path("refuse/", refuse),
    path("gone/", resume_a_deleted_job),
    path("break/", break_down),
    path("", include("chronos_site.urls")),
]


def test_a_refused_move_is_a_409_that_says_why(client):
    client.force_login(factories.bob(), BACKEND)
    response = client.post("/refuse/", headers={"Referer": "http://testserver/jobs/?q=x"})
    assert response.status_code == 409
    assert "smoke-probe is scheduled: it cannot be resumed." in response.content.decode()
    assert 'href="/jobs/?q=x"' in response.content.decode()


def test_a_job_that_is_deleted_meanwhile_is_not_found(client):
    client.force_login(factories.bob(), BACKEND)
    response = client.post("/gone/")
    assert response.status_code == 404
    assert "There is nothing at this address" in response.content.decode()


def test_what_is_no_refused_move_stays_what_it_is(client):
    client.force_login(factories.bob(), BACKEND)
    client.raise_request_exception = False
    response = client.get("/break/")
    assert response.status_code == 500
    assert "Something broke" in response.content.decode()
    assert "handle" not in response.content.decode()
