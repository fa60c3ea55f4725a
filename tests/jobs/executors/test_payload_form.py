"""Options stand in fields or in the JSON beside them; fields that few jobs need stand in groups."""

import pytest

from jobs.executors import TYPES
from tests.jobs.executors.payloads import errors, form, full, small


@pytest.mark.parametrize("code", TYPES)
def test_every_field_is_shown_once(code):
    kind = TYPES[code].form()
    shown = [field.name for field in kind.main_fields]
    shown += [field.name for group in kind.field_groups for field in group.fields]
    assert sorted([*shown, kind.options_column]) == sorted(kind.fields)


def opened(form):
    return [group.title for group in form.field_groups if group.is_open]


@pytest.mark.parametrize("code", TYPES)
def test_a_blank_form_has_its_groups_closed(code):
    assert opened(TYPES[code].form()) == []


def test_a_group_opens_for_what_stands_in_it():
    assert opened(small("HTTP", jsonPath="$.state")) == ["What counts as success"]
    assert opened(full("HTTP")) == list(TYPES["HTTP"].form.groups)


def test_a_group_opens_for_an_error_in_it():
    assert opened(small("HTTP", expectedStatuses=[7])) == ["What counts as success"]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("FILE_SYSTEM", "file_path"),
        ("SCRIPT", "working_directory"),
        ("EMAIL", "attachments"),
        ("REPORT", "output_path"),
    ],
)
def test_a_path_s_help_names_the_folders_that_are_open(code, name, settings):
    settings.FILE_ROOTS = ["/srv/one", "/srv/two"]
    assert "/srv/one or /srv/two" in str(TYPES[code].form().fields[name].help_text)


@pytest.mark.parametrize(
    ("code", "name", "setting"),
    [("CACHE", "cache_region", "CACHE_REGIONS"), ("MESSAGE_QUEUE", "queue_config", "BROKERS")],
)
def test_help_names_what_administrators_have_set_up(code, name, setting, settings):
    setattr(settings, setting, {"user-<b>": "", "pages": ""})
    assert "pages, user-&lt;b&gt;" in str(TYPES[code].form().fields[name].help_text)
    setattr(settings, setting, {})
    assert "pages" not in str(TYPES[code].form().fields[name].help_text)


def test_an_option_inside_the_json_is_checked_like_its_field():
    checked = full("DUMMY", metadata={"simulatedDelaySeconds": "soon", "testType": "success"})
    assert errors(checked) == {"simulatedDelaySeconds": "Give a number from 0 to 86,400."}


def test_required_options_may_stand_inside_the_json():
    metadata = {"to": ["ops@example.com"], "subject": "Hello"}
    checked = form("EMAIL", {"metadata": metadata})
    assert errors(checked) == {}
    assert checked.columns() == {"metadata": metadata}


def test_an_option_is_not_said_twice():
    checked = full("DUMMY", simulatedDelaySeconds=5, metadata={"simulatedDelaySeconds": 6})
    assert errors(checked) == {"metadata": "simulatedDelaySeconds has a field of its own: write it there."}
