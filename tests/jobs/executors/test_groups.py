"""Fields that few jobs need stand in groups, which open where they say something."""

import pytest

from jobs.executors import TYPES
from tests.jobs.executors.payloads import full, small


@pytest.mark.parametrize("code", TYPES)
def test_every_field_is_shown_once(code):
    form = TYPES[code].form()
    shown = [field.name for field in form.main_fields]
    shown += [field.name for group in form.field_groups for field in group.fields]
    assert sorted([*shown, form.options_column]) == sorted(form.fields)


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
