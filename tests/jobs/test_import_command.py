"""The command as people call it: what it prints, what it exits with, and what a hostile file gets."""

import io
import json
import sys

import pytest
import yaml
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from jobs.models import Job, JobVersion, Status
from tests import factories
from tests.jobs.transfer.requests import dummy, http

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner():
    return factories.alice()


@pytest.fixture
def written(tmp_path):
    """Writes requests to a file and gives its path."""

    def write(content, name="jobs.json"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return str(path)

    return write


def told(capsys, *arguments, exits=0):
    """What the command prints, line by line; it must exit as said."""
    try:
        call_command("import_jobs", *arguments, "--owner", "Alice@example.com")
        code = 0
    except SystemExit as exit:
        code = exit.code
    assert code == exits
    return capsys.readouterr().out.splitlines()


def refusal(*arguments, owner="alice@example.com"):
    with pytest.raises(CommandError) as error:
        call_command("import_jobs", *arguments, "--owner", owner)
    assert error.value.returncode == 2
    return str(error.value)


def test_a_line_for_each_request_and_the_totals_last(owner, written, capsys):
    lines = told(capsys, written([dummy(priority="CRITICAL")]))
    assert lines == [
        "imported  #1  smoke-probe  scheduled",
        "    warning: Priority CRITICAL becomes HIGH.",
        "1 request: 1 imported, 0 refused; 1 warning.",
    ]
    assert Job.objects.get().owner == owner


def test_a_refusal_is_told_with_field_and_reason_and_keeps_all_out(owner, written, capsys):
    lines = told(capsys, written([dummy(), http(httpUrl="ftp://example.com")]), exits=1)
    assert lines[1:3] == [
        "refused            #2  smoke-probe",
        "    payload.httpUrl: The URL must start with http:// or https://.",
    ]
    assert lines[-1] == (
        "2 requests: 1 would be imported, 1 refused; 0 warnings. "
        "Nothing was written: correct what was refused, or import the rest with --partial."
    )
    assert not Job.objects.exists()


def test_partial_imports_the_rest_and_still_exits_with_one(owner, written, capsys):
    lines = told(capsys, written([dummy(), dummy(name="")]), "--partial", exits=1)
    assert lines[-1] == "2 requests: 1 imported, 1 refused; 0 warnings."
    assert Job.objects.count() == 1


def test_a_dry_run_writes_nothing(owner, written, capsys):
    lines = told(capsys, written([dummy()]), "--dry-run")
    assert lines[-1] == "1 request: 1 would be imported, 0 refused; 0 warnings. Nothing was written."
    assert [model.objects.count() for model in (Job, JobVersion, AuditEvent)] == [0, 0, 0]


def test_verdicts_for_machines(owner, written, capsys):
    printed = "\n".join(told(capsys, written([dummy(), dummy(priority=1)]), "--partial", "--json", exits=1))
    found = json.loads(printed)
    assert found["totals"] == {
        "requests": 2,
        "imported": 1,
        "would_be_imported": 0,
        "refused": 1,
        "warnings": 0,
    }
    first, second = found["verdicts"]
    assert (first["id"], first["status"]) == (Job.objects.get().pk, Status.SCHEDULED)
    assert second["problems"] == [{"field": "priority", "reason": "This must be text, not a whole number."}]


def test_yaml_and_standard_input(owner, capsys, monkeypatch):
    sent = io.TextIOWrapper(io.BytesIO(yaml.safe_dump([dummy()]).encode()))
    monkeypatch.setattr(sys, "stdin", sent)
    told(capsys, "-")
    assert Job.objects.get().name == "smoke-probe"


def test_a_name_that_is_taken_is_refused_unless_asked_for(owner, written, capsys):
    told(capsys, written([dummy()]))
    told(capsys, written([dummy()]), exits=1)
    told(capsys, written([dummy()]), "--allow-duplicates")
    assert Job.objects.count() == 2


def test_nothing_in_a_file_steers_the_terminal(owner, written, capsys):
    bad = {"source": "a\x1b[2Jb\nc", "job": dummy(name="\x1b]0;x\x07\ud800" + "n" * 300)}
    lines = told(capsys, written([bad]), exits=1)
    assert all(line.isprintable() for line in lines)
    assert lines[0].startswith("refused  a\\x1b[2Jb\\nc  \\x1b]0;x\\x07\\ud800nnn")


def test_an_unknown_owner_is_a_sentence(written):
    sentence = refusal(written([dummy()]), owner="nobody@example.com")
    assert sentence == "Nobody signs in as 'nobody@example.com'."


def test_an_owner_who_may_not_sign_in_gets_no_jobs(written):
    factories.person("former", is_active=False)
    sentence = refusal(written([dummy()]), owner="former@example.com")
    assert sentence == "former@example.com is not active: jobs need an owner who is."


@pytest.mark.parametrize(
    ("path", "reason"),
    [("missing.json", "No such file or directory"), (".", "Is a directory"), ("a\0b", "embedded null byte")],
)
def test_a_file_that_cannot_be_read_is_a_sentence(owner, path, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert refusal(path) == f"{path!a} cannot be read: {reason}."


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.json", b""),
        ("binary.yaml", b"\x7fELF\x02\x01\x01\x00"),
        ("object.yaml", b"- !!python/object/apply:os.system ['true']"),
        ("laughs.yaml", b"a: &a [x,x,x,x]\n" + b"".join(b"- [*a]\n" for _ in range(9))),
        ("deep.json", b"[" * 1_000_000),
        ("deep.yaml", b"[" * 1_000_000),
        ("huge.json", b"[" + b" " * 5_000_000 + b"]"),
        ("nan.json", b'[{"name": NaN}]'),
        ("twice.json", b'[{"name": "a", "name": "b"}]'),
        ("text.json", b'"jobs"'),
        ("none.yaml", b"[]"),
        ("many.json", b"[" + b"{}," * 5_001 + b"{}]"),
    ],
)
def test_a_hostile_file_is_a_sentence(owner, written, name, content):
    sentence = refusal(written(content, name))
    assert sentence.startswith(("The ", "NaN"))
    assert sentence.endswith(".")
    assert len(sentence) < 200
    assert not Job.objects.exists()
