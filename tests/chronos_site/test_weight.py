"""How much a page makes a browser fetch, and what it must wait for."""

import gzip
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage

from accounts.actions import BACKEND
from tests import factories
from tests.browser import PAGES

pytestmark = pytest.mark.django_db

OURS = [name for name in PAGES if "administration" not in name]
MOST_BYTES = 200_000


def sent(client, name):
    """The page as it goes over the wire."""
    ada = factories.ada()
    client.force_login(ada, BACKEND)
    return client.get(PAGES[name](ada), headers={"accept-encoding": "gzip, br"}).content


def page(client, name):
    return gzip.decompress(sent(client, name)).decode()


def packed(content):
    return len(gzip.compress(content))


@pytest.mark.parametrize("name", OURS)
def test_a_page_weighs_no_more_than_200_kilobytes_with_all_it_loads(client, name):
    body = sent(client, name)
    html = gzip.decompress(body).decode()
    loaded = set(re.findall(rf'(?:href|src)="{staticfiles_storage.base_url}([^"#]+)', html))
    weights = {each: packed(Path(finders.find(each)).read_bytes()) for each in loaded}
    assert weights
    assert len(body) + sum(weights.values()) < MOST_BYTES, weights


@pytest.mark.parametrize("name", OURS)
def test_a_page_waits_for_no_script_but_the_one_that_knows_its_theme(client, name):
    scripts = re.findall(r"<script[^>]*>", page(client, name))
    waiting = [script for script in scripts if "defer" not in script]
    assert [re.search(r"js/(\w+)", script)[1] for script in waiting] == ["theme"]
    assert packed(Path(finders.find("chronos/js/theme.js")).read_bytes()) < 1000
