"""docs/notifications.md: its examples work, and its tables are complete."""

import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from notifications import vocabulary
from notifications.channels import shapes, sms
from notifications.channels.webhook import CHANNEL, sign
from tests.notifications.channels.contacts import message

TEXT = (Path(__file__).parents[2] / "docs" / "notifications.md").read_text()
KEY = "a key of enough characters"
BODY = shapes.SHAPES["JSON"].write(message(channel="WEBHOOK"), {})


def example(language):
    return re.search(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)[1]


@pytest.fixture
def verifies():
    known = {}
    exec(example("python"), known)
    return known["is_from_chronos"]


def test_the_python_example_takes_what_we_sign(verifies):
    assert verifies(BODY, sign(BODY, KEY, int(time.time())), KEY)


def test_the_python_example_refuses_the_rest(verifies):
    now = int(time.time())
    assert not verifies(BODY + b" ", sign(BODY, KEY, now), KEY)
    assert not verifies(BODY, sign(BODY, "another key", now), KEY)
    assert not verifies(BODY, sign(BODY, KEY, now - 400), KEY)


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not here")
@pytest.mark.parametrize(("key", "said"), [(KEY, "from Chronos\n"), ("another key", "")])
def test_so_does_the_shell_example(tmp_path, key, said):
    (tmp_path / "body.json").write_bytes(BODY)
    environment = {"HEADER": sign(BODY, KEY, 1_772_419_910), "KEY": key, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        ["sh", "-c", example("sh")], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.stdout == said


def test_every_name_of_the_body_is_documented():
    section = TEXT.partition("### The JSON body")[2].partition("###")[0]
    body = json.loads(BODY)
    names = {
        *body,
        *body["job"],
        *body["run"],
        *vocabulary.EXAMPLE["dead_letter"],
        *vocabulary.EXAMPLE_JOBS[0],
    }
    assert {name for name in names if f"`{name}`" not in section} == set()


def test_every_value_is_documented():
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \| (.*) \|$", TEXT.partition("## Texts")[2], re.MULTILINE))
    assert rows == dict(vocabulary.NAMES)


def test_every_code_shape_and_provider_is_documented():
    names = {*vocabulary.EVENTS, *shapes.SHAPES}
    assert {name for name in names if f"`{name}`" not in TEXT} == set()
    assert {name for name in sms.PROVIDERS if f"`{name}`" not in TEXT and f"`{name}://" not in TEXT} == set()


def test_the_body_of_ones_own_is_one():
    body = re.search(r"^    (\{\"summary.*\})$", TEXT, re.MULTILINE)[1]
    assert CHANNEL.check("https://example.com/", {"shape": "GENERIC", "body": body}, KEY) == {}
