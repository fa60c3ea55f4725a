"""The command as people call it: what it prints, what it exits with, and the example of its page."""

import json
import os
import re
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from jobs.models import Job
from tests import factories
from tests.jobs.transfer.requests import dummy, http

pytestmark = pytest.mark.django_db
PAGE = Path(__file__).parents[2] / "docs" / "jobs-as-code.md"


@pytest.fixture
def owner():
    return factories.alice()


@pytest.fixture
def folder(tmp_path):
    """Writes one file for each name and gives the folder they are in."""

    def write(**files):
        for name, requests in files.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(requests))
        return str(tmp_path)

    return write


def told(capsys, *arguments, exits=0):
    """What the command prints, line by line; it must exit as said."""
    try:
        call_command("apply", *arguments, "--owner", "Alice@example.com")
        code = 0
    except SystemExit as exit:
        code = exit.code
    assert code == exits
    return capsys.readouterr().out.splitlines()


def refusal(*arguments, owner="alice@example.com"):
    with pytest.raises(CommandError) as error:
        call_command("apply", *arguments, "--owner", owner)
    assert error.value.returncode == 2
    return str(error.value)


def test_a_folder_is_read_in_the_order_of_names(owner, folder, capsys):
    path = folder(b=[dummy(name="second")], a=[dummy(name="first")])
    assert told(capsys, path) == [
        "created  a.json #1  first   scheduled",
        "created  b.json #1  second  scheduled",
        "2 jobs: 2 created.",
    ]


def test_folders_in_it_are_read_too_and_hidden_ones_are_not(owner, tmp_path, capsys):
    for name in ("team", ".git"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "jobs.yaml").write_text(json.dumps(dummy(name=name)))
    (tmp_path / "README.md").write_text("no jobs")
    assert told(capsys, str(tmp_path))[0].startswith("created  team/jobs.yaml")
    assert Job.objects.get().name == "team"


def test_a_second_time_says_that_nothing_changes(owner, folder, capsys):
    path = folder(jobs=[dummy()])
    told(capsys, path)
    assert told(capsys, path) == ["No changes: 1 job already as the files say."]


def test_what_changes_is_told_field_by_field(owner, folder, capsys):
    told(capsys, folder(jobs=[dummy(), dummy(name="same")]))
    interval = {"scheduleType": "INTERVAL", "intervalSeconds": 60}
    lines = told(capsys, folder(jobs=[dummy(schedule=interval, description="x"), dummy(name="same")]))
    assert lines == [
        "changed  jobs.json #1  smoke-probe  scheduled",
        "    description: nothing becomes x",
        "    schedule.intervalSeconds: 300 becomes 60",
        "2 jobs: 1 changed, 1 unchanged.",
    ]


def test_a_dry_run_says_what_would_be(owner, folder, capsys):
    told(capsys, folder(jobs=[dummy(), dummy(name="gone")]))
    lines = told(capsys, folder(jobs=[dummy(), dummy(name="new")]), "--prune", "--dry-run")
    assert [line.split("  ")[0] for line in lines[:2]] == ["would be created", "would be removed"]
    assert lines[2] == "3 jobs: 1 would be created, 1 would be removed, 1 unchanged. Nothing was written."
    assert Job.objects.filter(name="gone").exists()


def test_what_is_in_no_file_is_named_until_it_is_pruned(owner, folder, capsys):
    told(capsys, folder(jobs=[dummy(), dummy(name="gone")]))
    path = folder(jobs=[dummy()])
    assert told(capsys, path)[-1] == "1 job tagged applied in no file: gone. --prune removes it."
    assert told(capsys, path, "--prune")[-1] == "2 jobs: 1 removed, 1 unchanged."
    assert AuditEvent.objects.filter(action="JOB_DELETED").count() == 1


def test_a_refusal_is_told_with_field_and_reason_and_keeps_all_out(owner, folder, capsys):
    lines = told(capsys, folder(jobs=[dummy(), http(httpUrl="ftp://example.com") | {"name": "b"}]), exits=1)
    assert lines[2] == "    payload.httpUrl: The URL must start with http:// or https://."
    assert lines[-1] == (
        "2 jobs: 1 would be created, 1 refused. Nothing was written: correct what was refused."
    )
    assert not Job.objects.exists()


def test_secrets_are_not_printed(owner, folder, capsys):
    told(capsys, folder(jobs=[http(httpHeaders={"Authorization": "Bearer one-of-old"})]))
    lines = told(capsys, folder(jobs=[http(httpHeaders={"Authorization": "Bearer one-of-new"})]))
    assert lines[0].startswith("changed")
    assert "one-of" not in "\n".join(lines)


def test_what_a_file_says_cannot_write_to_the_terminal(owner, folder, capsys):
    told(capsys, folder(jobs=[dummy()]))
    lines = told(capsys, folder(jobs=[dummy(description="x\nCreated: all")]))
    assert lines[1] == r"    description: nothing becomes x\nCreated: all"


def test_the_set_names_the_tag(owner, folder, capsys):
    told(capsys, folder(jobs=[dummy()]), "--set", "Team-A")
    assert Job.objects.get().tags.get().name == "team-a"


@pytest.mark.parametrize("name", ["", "two words", "a,b", "x" * 51, "\x00"])
def test_a_set_is_one_word(owner, folder, name):
    assert refusal(folder(jobs=[dummy()]), "--set", name).startswith("--set: ")


def test_files_that_cannot_be_read_are_named_and_nothing_is_written(owner, folder, tmp_path):
    path = folder(a=[dummy()])
    (tmp_path / "b.json").write_text("{")
    assert "b.json" in refusal(path)
    assert not Job.objects.exists()


def test_a_folder_without_files_removes_nothing(owner, folder, tmp_path, capsys):
    told(capsys, folder(jobs=[dummy()]))
    (tmp_path / "jobs.json").unlink()
    assert "holds no files of job requests" in refusal(str(tmp_path), "--prune")
    assert Job.objects.exists()


def test_a_folder_that_cannot_be_read_is_not_passed_over(owner, folder, tmp_path):
    path = folder(jobs=[dummy()])
    # Longer than any path may be: not even the superuser reads it.
    inside = os.open(tmp_path, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=inside)
        outside, inside = inside, os.open("d" * 250, os.O_RDONLY, dir_fd=inside)
        os.close(outside)
    os.close(inside)
    assert "File name too long" in refusal(path, "--prune")


def test_an_owner_must_be_an_active_person(owner, folder):
    path = folder(jobs=[dummy()])
    assert refusal(path, owner="nobody@example.com").startswith("Nobody signs in")
    owner.is_active = False
    owner.save()
    assert "not active" in refusal(path)


def test_the_example_of_the_page_does_what_the_page_shows(owner, tmp_path, capsys):
    before, after = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    shown = re.findall(r"```text\n(.*?)```", PAGE.read_text(), re.DOTALL)
    for written, output in zip((before, before, after, after), shown, strict=True):
        (tmp_path / "shop.yaml").write_text(written)
        prune = ["--prune"] if "removed" in output else []
        assert told(capsys, str(tmp_path), *prune) == output.splitlines()
