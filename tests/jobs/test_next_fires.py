"""The command's contract, as people and test oracles call it."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

ROOT = Path(__file__).parents[2]
AFTER = "2026-03-28T12:00:00Z"


def told(capsys, *arguments):
    call_command("next_fires", *arguments)
    return capsys.readouterr().out.splitlines()


def answers(monkeypatch, capsys, sent):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(sent)))
    return told(capsys, "--stdin")


def test_one_utc_instant_a_line(capsys):
    arguments = ["30 2 * * *", "--timezone", "Europe/Berlin", "--after", AFTER, "--count", "2"]
    assert told(capsys, *arguments) == ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]


def test_without_options_five_fires_from_now_on_in_utc(capsys):
    lines = told(capsys, "@hourly")
    assert len(lines) == 5
    assert all(line.endswith(":00:00Z") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["0 25 * * *"], "Hour: 25 is not between 0 and 23."),
        (["* * * * *", "--timezone", "Berlin"], "'Berlin' is not a time zone"),
        (["* * * * *", "--after", "2026-03-28"], "Give the instant with its offset"),
        (["* * * * *", "--after", "9999-12-31T23:59:59-14:00"], "Give the instant with its offset"),
        (["* * * * *", "--count", "0"], "The count is a number from 1 to 10,000."),
        (["* * * * *", "--count", "²"], "The count is a number from 1 to 10,000."),
        ([], "Give an expression, or --stdin."),
    ],
)
def test_a_bad_request_ends_with_status_2_and_a_sentence(arguments, sentence):
    with pytest.raises(CommandError, match=sentence.replace(".", r"\.")) as refused:
        call_command("next_fires", *arguments)
    assert refused.value.returncode == 2


def test_each_line_is_answered_by_one_line(monkeypatch, capsys):
    sent = (
        f"Europe/Berlin\t{AFTER}\t2\t30 2 * * *\n"
        f"UTC\t{AFTER}\t3\t0 0 0 1 1 ? 2027\r\n"
        f"UTC\t{AFTER}\t3\t0 0 0 30 2 ?\n"
        f"UTC\t{AFTER}\t3\t0 25 * * *"
    )
    assert answers(monkeypatch, capsys, sent.encode()) == [
        "2026-03-29T01:00:00Z,2026-03-30T00:30:00Z",
        "2027-01-01T00:00:00Z",
        "",
        "error: Hour: 25 is not between 0 and 23.",
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"", b"nonsense", b"\t\t\t", b"UTC\t\t1\t* * * * *", b"UTC\tnever\t1\t* * * * *",
        b"UTC\t2026-03-28T12:00:00Z\t-1\t* * * * *", b"UTC\t2026-03-28T12:00:00Z\t1\t",
        b"\xff\xfe\t2026-03-28T12:00:00Z\t1\t* * * * *", b"UTC\t2026-03-28T12:00:00Z\t1\t\0 * * * *",
        b"UTC\t2026-03-28T12:00:00Z\t1\t" + b"*" * 1_000_000,
        b"UTC\t2026-03-28T12:00:00Z\t" + b"9" * 5000 + b"\t* * * * *",
    ],
)  # fmt: skip
def test_a_malformed_line_is_answered_with_a_sentence_and_the_next_one_as_ever(monkeypatch, capsys, line):
    good = f"UTC\t{AFTER}\t1\t* * * * *".encode()
    bad, after_it = answers(monkeypatch, capsys, line + b"\n" + good)
    assert bad.startswith("error: ")
    assert bad.endswith(".")
    assert after_it == "2026-03-28T12:01:00Z"


@pytest.mark.parametrize("name", ["unix_cron.json", "quartz_cron.json"])
def test_a_process_of_its_own_answers_the_vectors(name):
    rows = [row for row in json.loads((ROOT / "tests/vectors" / name).read_text()) if row["valid"]]
    sent = "\n".join(
        f"{row['timezone']}\t{row['start']}\t{max(len(row['fires']), 1)}\t{row['expression']}" for row in rows
    )
    command = [sys.executable, "manage.py", "next_fires", "--stdin"]
    process = subprocess.run(command, input=sent, capture_output=True, text=True, cwd=ROOT, check=True)
    assert process.stdout.splitlines() == [",".join(row["fires"]) for row in rows]
