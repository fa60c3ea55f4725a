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
        ("CHRONOS_RUN_ID=1", "CHRONOS_RUN_ID: variables named CHRONOS_… are set by Chronos itself."),
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
        ("errorClasses", {"0": "API_ERROR"}, "error_classes"),
        ("errorClasses", {"256": "API_ERROR"}, "error_classes"),
        ("errorClasses", {"3": "HTTP_503"}, "error_classes"),
        ("errorClasses", "3 is API_ERROR", "error_classes"),
        ("memoryMb", 1, "memory_mb"),
        ("cpuSeconds", 0, "cpu_seconds"),
        ("fileMb", 0, "file_mb"),
        ("processes", 0, "processes"),
    ],
)
def test_what_cannot_run_is_refused_at_its_field(key, value, field):
    assert errors(full("SCRIPT", **{key: value})).keys() == {field}


def test_what_exit_codes_mean_may_be_lines():
    checked = small("SCRIPT", errorClasses="3=API_ERROR\r\n4 = NETWORK_ERROR\r\n")
    assert checked.is_valid()
    assert checked.columns()["metadata"]["error_classes"] == {"3": "API_ERROR", "4": "NETWORK_ERROR"}


@pytest.mark.parametrize("first", ["#!", "#!python3", "#! ", "#!/usr/bin/env", "#!/usr/bin/env A=b python3"])
def test_a_first_line_names_an_interpreter(first):
    assert "names no interpreter" in errors(small("SCRIPT", script=f"{first}\necho"))["script_content"]


@pytest.mark.parametrize(
    "script",
    [
        "echo {{ param:x }}",
        'echo "{{ param:x }}" # don\'t\n',
        "echo 'it is' {{ param:x }} 'now'",
        'echo "it\'s {{ param:x }}"',
        "echo \\'\"{{ param:x }}\"\\'",
        "cat <<END\nit's {{ param:x }}\nEND\n",
        "cat <<'END'\nit's\nEND\necho {{ param:x }}",
        "cat <<-\\END\n\tit's\n\tEND\necho {{ param:x }}",
        "echo '{{.Names}}'",
        "cat <<< 'a'\necho {{ param:x }}",
        "echo $# it {{ param:x }}",
        "echo ${a#'b'} {{ param:x }}",
    ],
)
def test_a_placeholder_may_stand_wherever_a_shell_reads_variables(script):
    assert errors(small("SCRIPT", script=script)) == {}


@pytest.mark.parametrize(
    "script",
    [
        "echo '{{ param:x }}'",
        "echo a 'b' \"'\" '{{ param:x }}'",
        "# don't\necho '{{ param:x }}'",
        "echo $'{{ param:x }}'",
        "cat <<'END'\n{{ param:x }}\nEND\n",
        "cat <<< '{{ param:x }}'",
        'cat <<"END"\n{{ param:x }}\nEND\n',
        "cat <<-\\END\n\t{{ param:x }}\n\tEND\n",
        "cat << 'END' | sort\n{{ param:x }}",
    ],
)
def test_a_placeholder_that_no_shell_would_read_is_refused(script):
    sentence = (
        "{{ param:x }} stands where the shell takes everything literally: put it between double quotes,"
        ' "like this".'
    )
    assert errors(small("SCRIPT", script=script)) == {"script_content": sentence}


@pytest.mark.parametrize(
    "over",
    [
        {"script": "#!/usr/bin/env python3\nprint({{ fire.date }})"},
        {"script": "print({{ fire.date }})", "interpreter": "python3"},
    ],
)
def test_other_languages_read_values_from_their_environment(over):
    assert errors(small("SCRIPT", **over)) == {
        "script_content": "Chronos fills placeholders in shell scripts only. Write a line such as"
        " VALUE={{ fire.date }} under Environment, and let python3 read it from there."
    }
