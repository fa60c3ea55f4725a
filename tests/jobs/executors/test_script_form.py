import pytest

from tests.jobs.executors.payloads import errors, full, small


@pytest.mark.parametrize("script", [None, "", " \n\t"])
def test_a_script_says_something(script):
    assert errors(full("SCRIPT", script=script)) == {"script_content": "This field is required."}


def test_a_script_keeps_its_lines_and_none_of_the_browsers_line_ends():
    checked = small("SCRIPT", script="#!/bin/bash\r\n  echo a\r\n\r\n")
    assert checked.is_valid()
    assert checked.columns() == {"script_content": "#!/bin/bash\n  echo a\n\n"}


def test_a_script_has_an_end():
    assert "at most 200000 characters" in errors(small("SCRIPT", script="x" * 200_001))["script_content"]


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ("LOG_LEVEL", "Line 1 has no equals sign: write NAME=value."),
        ("A=1\n\nA=2", "The variable 'A' stands twice."),
        ("1A=1", "'1A' is no variable name: write it like LOG_LEVEL."),
        ({"A-B": "1"}, "'A-B' is no variable name: write it like LOG_LEVEL."),
        ({"A": 1}, "The value of A must be text."),
        (["A=1"], 'This must be JSON, an object such as {"name": "value"}.'),
    ],
)
def test_variables_have_names_and_texts(environment, sentence):
    assert errors(full("SCRIPT", environment=environment)) == {"environment": sentence}


def test_variables_may_be_lines():
    checked = small("SCRIPT", environment="WORKDIR=/srv/jobs\r\nTOKEN=a=b\r\n")
    assert checked.is_valid()
    assert checked.columns()["metadata"]["environment"] == {"WORKDIR": "/srv/jobs", "TOKEN": "a=b"}


@pytest.mark.parametrize(
    ("key", "value", "field"),
    [
        ("interpreter", "perl", "interpreter"),
        ("workingDirectory", "media", "working_directory"),
        ("timeoutSeconds", 0, "timeout_seconds"),
        ("successExitCodes", [256], "success_exit_codes"),
        ("successExitCodes", ["none"], "success_exit_codes"),
    ],
)
def test_what_cannot_run_is_refused_at_its_field(key, value, field):
    assert errors(full("SCRIPT", **{key: value})).keys() == {field}
