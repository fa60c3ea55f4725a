"""A walk along every link and every form that looks, as each role: nothing breaks, nobody sees others'."""

from collections import Counter, deque
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

import pytest
from django.utils import timezone

from accounts.actions import BACKEND
from audit.models import record
from dashboard.models import SavedView
from jobs import actions
from jobs.vault import Secret
from runs import acknowledgements, bulk
from runs.artefacts import Artefact
from runs.bulk_actions import ACTIONS
from runs.trials import Trial
from tests import factories
from tests.factories import NOON
from tests.notifications import alerting

pytestmark = pytest.mark.django_db

# More pages of the same shape tell nothing new.
MOST_ALIKE = 8
FEW_ALIKE = 3
WORD = "xenolith"
MINE = "basalt"
DOCUMENTS = "text/html", "text/csv", "application/json", "text/calendar", "text/plain"


class Links(HTMLParser):
    """Where a page leads: its links, what it loads later, and its GET forms as they stand."""

    def __init__(self):
        super().__init__()
        self.found, self.form, self.fields = [], None, []

    def handle_starttag(self, tag, attributes):
        told = dict(attributes)
        self.found += [told[name] for name in ("href", "hx-get") if tag != "link" and told.get(name)]
        if tag == "form" and (told.get("method") or "get").lower() == "get":
            self.form, self.fields = told.get("action") or "", []
        elif tag == "input" and self.form is not None and told.get("name"):
            self.fields.append((told["name"], told.get("value") or ""))

    def handle_endtag(self, tag):
        if tag == "form" and self.form is not None:
            self.found.append(f"{self.form}?{urlencode(self.fields)}")
            self.form = None


def shape(address):
    """What addresses of one kind of page have in common: the path without ids."""
    steps = urlsplit(address).path.split("/")
    return "/".join("*" if any(letter.isdigit() for letter in step) else step for step in steps)


def crawl(client, most_alike, start="/"):
    """Each page that links lead to from here, by its address."""
    waiting, seen, alike = deque([start]), {start}, Counter()
    while waiting:
        address = waiting.popleft()
        alike[shape(address)] += 1
        if alike[shape(address)] > most_alike:
            continue
        response = client.get(address)
        yield address, response
        for link in links(response):
            found = urlsplit(urljoin(address, link))._replace(fragment="")
            ours = not found.netloc and found.path.startswith("/") and not found.path.startswith("/static/")
            if ours and found.geturl() not in seen:
                seen.add(found.geturl())
                waiting.append(found.geturl())


def links(response):
    if response.status_code in (301, 302):
        return [response.headers["Location"]]
    if not response.headers.get("Content-Type", "").startswith("text/html"):
        return []
    page = Links()
    page.feed(response.content.decode())
    return page.found


def said(response):
    if not response.headers.get("Content-Type", "").startswith(DOCUMENTS):
        return ""
    return b"".join(response).decode(errors="replace") if response.streaming else response.content.decode()


def world(owner, word):
    """One of everything of one person, with the word in every text that there is."""
    url = {"http_url": f"https://{word}.example.com/", "http_method": "GET", "http_headers": {"X-Note": word}}
    plain = {"name": f"{word} job", "description": f"about {word}", "tags": [word]}
    job = factories.job(owner, type="HTTP", payload=url, at=timezone.now(), **plain)
    ended = factories.run(
        job,
        "FAILURE",
        at=timezone.now(),
        error_message=f"{word} broke",
        error_class="TIMEOUT",
        result={"said": word},
    )
    factories.log(ended, f"a line of {word}")
    Artefact.objects.create(run=ended, name=f"{word}.txt", media_type="text/plain", size=0, sha256="")
    failing = factories.job(owner, name=f"{word} failing")
    contact = alerting.contact(owner, f"{word}@example.org", name=f"{word} point")
    alerting.rule(owner, *alerting.FAILURES, contacts=[contact], name=f"{word} rule")
    failed = alerting.end(failing, message=f"{word} gave up")
    factories.run(job, "RUNNING", at=timezone.now())
    SavedView.objects.create(owner=owner, page="job_list", name=f"{word} view", query=f"q={word}")
    SavedView.objects.create(owner=owner, page="run_list", name=f"{word} runs", query=f"q={word}")
    targets = type(job).objects.filter(pk=factories.job(owner, name=f"{word} bulk").pk)
    told = {"by": owner, "parameters": {"note": word}, "expected": 1, "at": NOON}
    bulk.start(ACTIONS["PAUSE"], targets, **told)
    draft = factories.definition(name=f"{word} trial")
    Trial.objects.create(person=owner, owner_id=owner.pk, definition=draft, created_at=NOON)
    acknowledgements.acknowledge_job(job, by=owner, at=timezone.now(), note=f"{word} known", until=None)
    record(owner, "PASSWORD_CHANGED", owner, note=word)
    edited = factories.definition(name=f"{word} again", description=word)
    actions.edit(failing, edited, by=owner, at=timezone.now())
    Secret.objects.create(name=f"{word}.key", owner=owner, token="x")
    return failed


def walked(client, user, most_alike=MOST_ALIKE):
    """Every page that the person comes to."""
    client.raise_request_exception = False
    client.force_login(user, BACKEND)
    return {
        address: (response.status_code, said(response)) for address, response in crawl(client, most_alike)
    }


def broken(pages):
    return [address for address, (status, _) in pages.items() if status >= 500]


def telling(pages, word):
    return [address for address, (_, text) in pages.items() if word in text.lower()]


@pytest.fixture
def alice():
    user = factories.alice()
    world(user, MINE)
    world(factories.person(WORD), WORD)
    return user


@pytest.mark.databases
def test_a_walk_as_a_user_breaks_nothing_and_shows_nothing_of_others(client, alice):
    pages = walked(client, alice)
    assert (broken(pages), telling(pages, WORD)) == ([], [])
    assert len(telling(pages, MINE)) > 30


@pytest.mark.parametrize(
    "somebody", [pytest.param(factories.bob, marks=pytest.mark.databases), factories.ada]
)
def test_a_walk_as_who_sees_everyones_breaks_nothing(client, alice, somebody):
    pages = walked(client, somebody(), FEW_ALIKE)
    assert broken(pages) == []
    assert len(telling(pages, WORD)) > 15
