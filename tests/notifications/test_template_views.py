"""The pages on which administrators write what messages say."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from notifications import templates, wording
from notifications.templates import Template
from notifications.texts import Texts
from tests.factories import NOON, ada, bob, job, run

pytestmark = [pytest.mark.databases, pytest.mark.django_db]
PAGE = "/notifications/templates/JOB_FAILURE/EMAIL/"
BUILT_IN = wording.built_in("JOB_FAILURE", "EMAIL")


@pytest.fixture
def admin(client):
    person = ada()
    client.force_login(person)
    client.person = person
    return client


def typed(**over):
    return {"subject": BUILT_IN.subject, "text": BUILT_IN.text, "html": BUILT_IN.html, "read": "", **over}


def written(by):
    templates.change("JOB_FAILURE", "EMAIL", Texts("Mine", "Mine", ""), by=by, at=NOON)


def test_the_list_tells_which_texts_are_whose(admin):
    written(admin.person)
    page = admin.get("/notifications/templates/").content.decode()
    assert page.count(">Built in<") == 32
    assert "2 Mar 2026, ada@example.com" in page


def test_the_list_costs_the_same_however_many_are_changed(admin, django_assert_max_num_queries):
    for code in wording.CODES:
        templates.change(code, "SMS", Texts(text="Mine"), by=admin.person, at=NOON)
    with django_assert_max_num_queries(8):
        admin.get("/notifications/templates/")


def test_the_page_costs_little(admin, django_assert_max_num_queries):
    run(job(), "FAILURE")
    with django_assert_max_num_queries(10):
        admin.get(PAGE, {"job": "smoke-probe"})


# The others look at such pages too, on each database: this one at all texts.
@pytest.mark.databases("sqlite3")
@pytest.mark.parametrize("code", wording.CODES)
@pytest.mark.parametrize("channel", ["EMAIL", "WEBHOOK", "SMS"])
def test_every_text_can_be_looked_at_and_is_without_mistake(admin, code, channel):
    address = reverse("template_edit", args=[code, channel])
    page = admin.get(address)
    assert (page.status_code, page.context["preview"].problem) == (200, "")
    same = {name: value or "" for name, value in page.context["form"].initial.items()}
    assert admin.post(address, {**same, "do": "preview"}).context["form"].errors == {}


def test_a_text_is_saved(admin):
    answer = admin.post(PAGE, typed(subject="Oh no: {{ job.name }}", do="save", note="calmer"))
    assert answer.status_code == 302
    assert Template.objects.get().subject == "Oh no: {{ job.name }}"


def test_saving_the_built_in_text_keeps_no_row(admin):
    admin.post(PAGE, typed(do="save"))
    assert not Template.objects.exists()


def test_what_is_typed_is_tried_without_being_saved(admin):
    page = admin.post(PAGE, typed(subject="Oh no: {{ job.name }}", do="preview"))
    assert page.context["preview"].message.subject == "Oh no: nightly-invoice-export"
    assert not Template.objects.exists()


def test_a_mistake_stands_at_its_field_with_its_line_and_nothing_is_lost(admin):
    page = admin.post(PAGE, typed(text="a\n{{ job.owner_password }}", html="<a href={{ link }}>", do="save"))
    assert page.context["form"].errors["text"] == ["Line 2: there is no value called job.owner_password."]
    assert page.context["form"].errors["html"][0].startswith("Line 1: inside a tag")
    assert "job.owner_password" in page.content.decode()
    assert not Template.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_others_are_refused(client, method):
    client.force_login(bob())
    assert getattr(client, method)(PAGE, typed(do="save")).status_code == 403
    assert getattr(client, method)(PAGE.replace("EMAIL", "PIGEON")).status_code == 403
    assert not Template.objects.exists()


def test_there_is_no_page_for_what_is_no_message(admin):
    assert admin.get("/notifications/templates/JOB_EXPLODED/EMAIL/").status_code == 404
    assert admin.get("/notifications/templates/TEST/PIGEON/").status_code == 404


def test_of_two_who_write_the_second_is_told_and_loses_nothing(admin):
    written(admin.person)
    page = admin.post(PAGE, typed(subject="Late", do="save"))
    assert page.status_code == 409
    assert "Somebody else has changed this text meanwhile" in page.content.decode()
    assert (Template.objects.get().subject, page.context["form"]["subject"].value()) == ("Mine", "Late")


def test_the_built_in_text_is_brought_back(admin):
    written(admin.person)
    admin.post(PAGE, {"do": "reset", "read": NOON.isoformat()})
    assert not Template.objects.exists()


def test_it_is_not_brought_back_over_what_somebody_else_has_written(admin):
    written(admin.person)
    assert admin.post(PAGE, {"do": "reset", "read": "", **typed()}).status_code == 409
    assert Template.objects.exists()


def test_a_run_that_was_fills_the_preview(admin):
    made = job(name="ledger-close")
    run(made, "FAILURE", error_class="TIMEOUT", error_message="took too long\nat line 7", took=2)
    run(made, "SUCCESS", at=NOON + timedelta(hours=1))
    preview = admin.get(PAGE, {"job": "ledger-close"}).context["preview"]
    assert preview.message.subject == "Failed: ledger-close (TIMEOUT)"
    assert "took too long" in preview.message.text
    assert "at line 7" not in preview.message.text


def test_a_job_that_is_not_there_is_told(admin):
    page = admin.get(PAGE, {"job": "nothing"}).content.decode()
    assert "No job has this name or id" in page


def test_several_events_fill_the_preview(admin):
    assert admin.get(PAGE, {"many": "on"}).context["preview"].message.subject == "11 failures of 3 jobs"


def test_the_mail_is_shown_where_nothing_of_it_runs(admin):
    page = admin.post(PAGE, typed(html="<p>{{ job.name }}</p><b onclick='x'>", do="preview"))
    assert "<iframe" not in page.content.decode()
    page = admin.get(PAGE)
    assert re.search(r'<iframe title="[^"]+" sandbox srcdoc="&lt;!doctype', page.content.decode())
    assert "'unsafe-inline'" not in page["Content-Security-Policy"]


def test_a_text_message_is_shown_as_it_is_cut(admin):
    page = admin.post(
        "/notifications/templates/TEST/SMS/", {"text": "word " * 300, "read": "", "do": "preview"}
    )
    assert page.context["preview"].size <= 459


@pytest.mark.parametrize("nothing", ["\0", "x\0y", "x" * 9999, "' OR 1=1 --"])
def test_no_text_breaks_the_page(admin, nothing):
    assert admin.get(PAGE, {"job": nothing}).status_code == 200
    assert admin.post(PAGE, typed(note=nothing, job=nothing, do="save")).status_code in (200, 302)
    assert admin.post(PAGE, {"do": "reset", "note": nothing, "read": nothing}).status_code in (302, 409)
