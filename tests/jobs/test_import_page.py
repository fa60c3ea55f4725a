"""Jobs out of a file by a page: looked at, and then done; nothing typed is lost."""

import html
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from audit.models import AuditEvent
from jobs.masking import DOTS
from jobs.models import Job
from tests import factories

pytestmark = [pytest.mark.databases, pytest.mark.django_db]

TEXT = """\
- name: greet
  type: DUMMY
  priority: HIGH
  schedule: {scheduleType: INTERVAL, intervalSeconds: 300}
  payload: {type: DUMMY}
"""
IN_BRACES = (
    "{name: greet, type: DUMMY, payload: {type: DUMMY}, "
    "schedule: {scheduleType: INTERVAL, intervalSeconds: 300}}"
)


@pytest.fixture
def alice(client):
    user = factories.alice()
    client.force_login(user)
    return user


def send(client, text=TEXT, **said):
    return client.post(reverse("job_import"), {"text": text, **said})


def seen(response):
    return response.context["plan"].digest


def test_looking_writes_nothing(client, alice):
    response = send(client)
    assert (response.status_code, Job.objects.count()) == (200, 0)
    assert "1 new" in response.content.decode()


def test_what_was_looked_at_is_done(client, alice):
    response = send(client, do="apply", seen=seen(send(client)), tag="shop")
    assert response.status_code == 409
    response = send(client, do="apply", seen=seen(response), tag="shop")
    assert response.url == reverse("job_list")
    job = Job.objects.get()
    assert (job.owner, job.name, [tag.name for tag in job.tags.all()]) == (alice, "greet", ["shop"])


def test_a_job_of_that_name_is_changed_and_the_page_tells_how(client, alice):
    send(client, do="apply", seen=seen(send(client)))
    response = send(client, text=TEXT.replace("HIGH", "LOW"))
    assert "<del>HIGH</del> <ins>LOW</ins>" in response.content.decode()
    send(client, text=TEXT.replace("HIGH", "LOW"), do="apply", seen=seen(response))
    assert (Job.objects.get().priority, Job.objects.get().version) == ("LOW", 2)


def test_what_is_as_the_file_says_is_left_alone(client, alice):
    send(client, do="apply", seen=seen(send(client)))
    assert "already as the file says" in send(client).content.decode()


@pytest.mark.parametrize("seen_before", ["", "0" * 64])
def test_nothing_is_done_unseen(client, alice, seen_before):
    response = send(client, do="apply", seen=seen_before)
    assert (response.status_code, Job.objects.count()) == (409, 0)
    assert "not what you looked at" in response.content.decode()


def test_a_job_that_was_changed_meanwhile_is_looked_at_again(client, alice):
    send(client, do="apply", seen=seen(send(client)))
    looked = seen(send(client, text=TEXT.replace("HIGH", "LOW")))
    Job.objects.update(version=2)
    assert send(client, text=TEXT.replace("HIGH", "LOW"), do="apply", seen=looked).status_code == 409


def test_mistakes_are_told_with_line_and_field_and_the_text_stays(client, alice):
    response = send(client, text=TEXT.replace("HIGH", "URGENT"))
    assert response.status_code == 400
    page = response.content.decode()
    assert "<b>Line 3</b> <code>priority</code>" in page
    assert "priority: URGENT" in page


@pytest.mark.parametrize(
    "text", ["", "  ", "- [", "a: 1\na: 2", "x", "[]", "{" * 200, "a: &a [*a]", "!!python/object:os.system x"]
)
def test_what_is_no_file_of_jobs_is_told_at_its_field(client, alice, text):
    response = send(client, text=text)
    assert response.status_code == 400
    assert response.context["form"].errors["text"]
    assert response.context["form"]["text"].value() == text


def test_a_file_is_read_and_stands_in_the_text_afterwards(client, alice):
    response = send(client, text="old", file=SimpleUploadedFile("jobs.yaml", TEXT.encode()))
    assert response.status_code == 200
    assert response.context["form"]["text"].value() == TEXT


@pytest.mark.parametrize("content", [TEXT + "\n" * 260_000, IN_BRACES])
def test_the_text_of_a_file_that_was_looked_at_is_done(client, alice, content):
    looked = client.post(reverse("job_import"), {"file": SimpleUploadedFile("jobs.yaml", content.encode())})
    as_browsers_send = content.replace("\n", "\r\n")
    assert send(client, as_browsers_send, do="apply", seen=seen(looked)).status_code == 302


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.json", TEXT.encode()), ("a.yaml", b"\xff\xfe"), ("a.yaml", b""), ("a.yaml", b"x" * 500_001)],
)
def test_a_file_that_cannot_be_read_is_told_at_its_field(client, alice, name, content):
    response = send(client, text="", file=SimpleUploadedFile(name, content))
    assert (response.status_code, set(response.context["form"].errors)) == (400, {"file"})


def test_more_jobs_than_one_answer_may_wait_for_are_refused(client, alice):
    response = send(client, text=json.dumps([{"name": "x"}] * 501))
    assert "more than 500" in response.context["form"].errors["text"][0]


def test_a_script_is_refused_to_who_may_not_and_that_is_written_down(client, alice, settings):
    settings.SCRIPT_ENABLED = True
    script = {"type": "SCRIPT", "scriptContent": "#!/bin/sh\ntrue"}
    request = {"name": "x", "type": "SCRIPT", "schedule": {"scheduleType": "INTERVAL", "intervalSeconds": 60}}
    response = send(client, text=json.dumps({**request, "payload": script}))
    assert "Only administrators" in response.content.decode()
    assert AuditEvent.objects.get(action="DENIED").details["page"] == "job_import"


def test_others_jobs_of_the_same_name_stay_theirs(client, alice):
    theirs = factories.job(factories.charlie(), name="greet")
    send(client, do="apply", seen=seen(send(client)))
    assert Job.objects.exclude(pk=theirs.pk).get().owner == alice


def test_many_jobs_are_looked_at_by_few_queries(client, alice, django_assert_max_num_queries):
    secret = {"httpUrl": "https://example.com/", "httpMethod": "GET", "httpBody": "{{ secret:KEY }}"}
    schedule = {"scheduleType": "INTERVAL", "intervalSeconds": 60}
    many = [
        {"name": f"job {number}", "type": "HTTP", "schedule": schedule, "payload": secret}
        for number in range(40)
    ]
    send(client, text=json.dumps(many), do="apply", seen=seen(send(client, text=json.dumps(many))))
    changed = json.dumps([{**each, "priority": "LOW"} for each in many])
    with django_assert_max_num_queries(15):
        response = send(client, text=changed)
    assert response.context["counts"]["changed"] == 40


def test_the_example_on_the_page_can_be_imported(client, alice):
    page = client.get(reverse("job_import")).content.decode()
    example = html.unescape(
        page.partition('<pre class="code" tabindex="0"><code>')[2].partition("</code>")[0]
    )
    steps = send(client, text=example).context["plan"].steps
    assert [step.deed.name for step in steps] == ["CREATED", "CREATED"]
    assert [step.warnings for step in steps] == [[], []]


def test_who_gives_nothing_is_told_what_to_give(client, alice):
    assert send(client, text=" ").context["form"].errors["text"] == ["Choose a file, or put its text here."]


def test_a_key_that_looks_like_a_number_of_thousands_of_digits_is_told_like_any_other(client, alice):
    long = f"  payload:\n    metadata:\n      y: [1]\n      ? y.{'9' * 5000}\n      : {DOTS}\n"
    response = send(client, TEXT.replace("  payload: {type: DUMMY}\n", long))
    assert response.status_code == 400
    assert "A secret is masked here" in html.unescape(response.content.decode())


CRONTAB = "MAILTO=ops@example.com\n\n30 2 * * * /usr/local/bin/backup.sh\n@reboot sync\n"


def test_a_crontab_is_read_and_its_mistakes_are_told_by_line(client, settings):
    settings.SCRIPT_ENABLED = True
    client.force_login(factories.ada())
    page = send(client, text=CRONTAB).content.decode()
    assert "@reboot is not a time" in page
    assert "4</" in page


def test_a_crontab_becomes_jobs(client, settings):
    settings.SCRIPT_ENABLED = True
    client.force_login(factories.ada())
    text = CRONTAB.replace("@reboot", "@daily")
    send(client, text=text, do="apply", seen=seen(send(client, text=text)))
    assert [(job.name, job.type) for job in Job.objects.order_by("name")] == [
        ("/usr/local/bin/backup.sh", "SCRIPT"), ("sync", "SCRIPT"),
    ]  # fmt: skip
