"""Crontabs as job requests: what a line says becomes a script job, and nothing is dropped in silence."""

import pytest

from jobs.transfer import crontab, documents, requests
from jobs.transfer.limits import Unreadable
from tests.computing import at_most

TEXT = r"""# Edited by hand
SHELL=/bin/bash
MAILTO="ops@example.com"
LEVEL = high
CRON_TZ=Europe/Berlin

# Nightly backup
30 2 * * 1-5 /usr/local/bin/backup.sh --full
@daily       find /tmp -name "*.$(date +\%F)"
"""


def one(line):
    return crontab.read(f"{line}\n")[0]


def script(command):
    return one(f"* * * * * {command}")["payload"]["scriptContent"].removeprefix("#!/bin/sh\n")


def test_each_line_becomes_a_script_job_that_can_be_saved():
    readings = [requests.read(each) for each in documents.read(TEXT.encode())]
    assert [each.problems for each in readings] == [[], []]
    assert [each.definition["type"] for each in readings] == ["SCRIPT", "SCRIPT"]


def test_settings_shell_and_zone_hold_for_the_lines_below_them():
    first = crontab.read(TEXT)[0]
    assert first["payload"]["environment"] == {"LEVEL": "high"}
    assert first["payload"]["scriptContent"] == "#!/bin/bash\n/usr/local/bin/backup.sh --full\n"
    assert first["schedule"]["timezone"] == "Europe/Berlin"


def test_the_comment_right_above_is_the_name_else_the_command():
    assert [each["name"] for each in crontab.read(TEXT)] == [
        "Nightly backup", r'find /tmp -name "*.$(date +\%F)"',
    ]  # fmt: skip


@pytest.mark.parametrize("above", ["# m h  dom mon dow   command", "#0 5 * * 1 tar -czf /x", "# Hi\nA=1", ""])
def test_a_comment_that_is_not_about_the_line_names_no_job(above):
    assert crontab.read(f"{above}\n0 1 * * * sync\n")[-1]["name"] == "sync"


def test_two_lines_never_have_one_name():
    twice = crontab.read("0 1 * * * sync\n0 2 * * * sync\n")
    assert [each["name"] for each in twice] == ["sync", "sync (2)"]


def test_a_password_in_the_command_does_not_get_into_the_name():
    assert "hunter2" not in one("0 1 * * * mysqldump --password=hunter2 shop")["name"]


def test_it_runs_as_cron_does():
    said = one("@hourly sync")["schedule"]
    assert (said["cronExpression"], said["misfirePolicy"], said["overlapPolicy"]) == (
        "@hourly", "IGNORE", "ALLOW",
    )  # fmt: skip


def test_the_commands_time_zone_is_not_that_of_the_times():
    said = one("TZ=America/New_York\nCRON_TZ=Asia/Tokyo\n30 2 * * * date")
    assert (said["schedule"]["timezone"], said["payload"]["environment"]) == (
        "Asia/Tokyo", {"TZ": "America/New_York"},
    )  # fmt: skip
    assert one("TZ=America/New_York\n30 2 * * * date")["schedule"]["timezone"] == "UTC"


def test_whom_cron_would_have_mailed_is_kept_with_a_warning():
    reading = requests.read(crontab.read(TEXT)[0])
    assert "cron mailed what it wrote to ops@example.com" in " ".join(reading.warnings)
    assert "cronMailTo" not in " ".join(reading.warnings)


def test_the_crontab_of_the_system_says_whose_the_command_is():
    system = "0 1 * * * root /sbin/x --y\n0 2 * * * www-data /srv/z\n"
    assert [each["payload"]["cronUser"] for each in crontab.read(system)] == ["root", "www-data"]
    assert crontab.read(system)[1]["payload"]["scriptContent"] == "#!/bin/sh\n/srv/z\n"


def test_a_tab_may_stand_between_the_user_and_the_command():
    payload = one("17 *\t* * *\troot\tcd / && run-parts /etc/cron.hourly")["payload"]
    assert (payload["cronUser"], payload["scriptContent"]) == (
        "root", "#!/bin/sh\ncd / && run-parts /etc/cron.hourly\n",
    )  # fmt: skip


def test_a_user_without_a_command_is_named():
    with pytest.raises(Unreadable, match="Line 2 of the crontab names www-data and no command"):
        crontab.read("0 1 * * * root sync\n0 2 * * * www-data\n")


def test_what_follows_a_percent_sign_is_the_input():
    assert script("mail -s hi bob%Dear Bob%50 \\% off") == (
        "{ mail -s hi bob; } <<'CRON_INPUT'\nDear Bob\n50 % off\nCRON_INPUT\n"
    )


def test_braces_of_a_command_stay_braces():
    assert script("docker ps --format '{{ json .Names }}'") == ("docker ps --format '\\{{ json .Names }}'\n")


def test_a_line_that_says_nothing_cron_knows_is_named():
    with pytest.raises(Unreadable, match="Line 2 of the crontab"):
        crontab.read("0 1 * * * sync\nevery day sync\n")


@pytest.mark.parametrize(
    "text", ["- name: x\n", "name: greet\ntype: DUMMY\n", "hello", "A=1\n", "# nothing\n", '{"a": 1}']
)
def test_other_files_are_no_crontabs(text):
    assert not crontab.is_one(text)


def test_a_long_line_of_blanks_keeps_nobody_waiting():
    with at_most(2):
        crontab.read("A=a" + " " * 400_000 + "b\n0 1 * * * sync" + " " * 400_000 + "x\n")
