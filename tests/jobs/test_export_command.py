"""The command as people call it: where it writes, whose jobs, and what it keeps to itself."""

import json
import stat

import pytest
import yaml
from django.core.management import CommandError, call_command

from jobs.models import Job
from tests import factories

pytestmark = pytest.mark.django_db
CALL = {
    "http_url": "https://x.example.com",
    "http_method": "GET",
    "http_headers": {"Authorization": "s3cret"},
}


@pytest.fixture
def jobs():
    owners = factories.alice(), factories.bob()
    factories.job(owners[0], name="hers", type="HTTP", payload=CALL)
    factories.job(owners[1], name="his")


def told(capsys, *arguments):
    call_command("export_jobs", *arguments)
    return capsys.readouterr()


def names(document):
    return [job["name"] for job in document["jobs"]]


def test_without_a_file_json_goes_to_standard_output(jobs, capsys):
    assert names(json.loads(told(capsys).out)) == ["hers", "his"]


def test_the_jobs_of_one_person_as_yaml(jobs, capsys):
    printed = told(capsys, "--owner", "BOB@example.com", "--format", "yaml").out
    assert names(yaml.safe_load(printed)) == ["his"]


def test_the_files_name_tells_the_format_and_nobody_else_may_read_it(jobs, capsys, tmp_path):
    path = tmp_path / "jobs.yaml"
    printed = told(capsys, str(path))
    assert (printed.out, printed.err) == ("", f"2 jobs written to {path}.\n")
    assert names(yaml.safe_load(path.read_text())) == ["hers", "his"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(("options", "shown"), [([], False), (["--with-secrets"], True)])
def test_secrets_are_written_only_when_asked_for(jobs, capsys, options, shown):
    assert ("s3cret" in told(capsys, *options).out) is shown


def test_what_is_exported_is_imported_again(jobs, tmp_path, capsys):
    path = str(tmp_path / "jobs.yaml")
    told(capsys, path, "--with-secrets")
    call_command("import_jobs", path, "--owner", "alice@example.com", "--allow-duplicates")
    assert Job.objects.filter(owner__email="alice@example.com").count() == 3


def test_a_masked_export_is_refused_where_the_secret_is_missing(jobs, tmp_path, capsys):
    path = str(tmp_path / "jobs.json")
    told(capsys, path)
    with pytest.raises(SystemExit):
        call_command("import_jobs", path, "--owner", "alice@example.com", "--allow-duplicates")
    assert "payload.httpHeaders.Authorization: A secret is masked here as ***" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["/no/such/folder/jobs.json"],
            "'/no/such/folder/jobs.json' cannot be written: No such file or directory.",
        ),
        (["--owner", "nobody@example.com"], "Nobody signs in as 'nobody@example.com'."),
    ],
)
def test_what_cannot_be_done_is_a_sentence(arguments, sentence):
    with pytest.raises(CommandError) as error:
        call_command("export_jobs", *arguments)
    assert (str(error.value), error.value.returncode) == (sentence, 2)
