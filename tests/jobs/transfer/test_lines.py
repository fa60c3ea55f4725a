"""Where in a file something stands."""

import json

import pytest

from jobs.transfer.lines import Lines

TEXT = """\
format: chronos-jobs/1
jobs:
  - name: greet
    schedule:
      scheduleType: CRON
      cronExpression: "60 * * * *"
    payload:
      steps:
        - one
        - two
  - source: shop#2
    job:
      name: other
      type: NONE
"""


@pytest.mark.parametrize(
    ("number", "path", "line"),
    [
        (0, "", 3),
        (0, "name", 3),
        (0, "schedule.cronExpression", 6),
        (0, "schedule.timezone", 4),
        (0, "payload.steps[1]", 10),
        (0, "payload.steps[9]", 8),
        (0, f"payload.steps.{'9' * 5000}", 8),
        (1, "type", 14),
        (2, "name", None),
    ],
)
def test_a_field_or_what_is_around_it_is_found(number, path, line):
    assert Lines(TEXT).of(number, path) == line


def test_json_has_lines_too():
    text = json.dumps([{"name": "a"}, {"name": "b", "type": "x"}], indent=2)
    assert (Lines(text).of(1, "type"), Lines('{"name": "a"}').of(0, "name")) == (7, 1)


@pytest.mark.parametrize("text", ["", "[", "x", '{\t"name":\t1}', "a: &a [*a]", "[" * 5000])
def test_in_what_holds_no_request_nothing_stands_in_a_line_of_its_own(text):
    assert Lines(text).of(0, "name") in (1, None)
