"""The files for systemd, Prometheus and Grafana speak of what Chronos really has."""

import json
import re
import shutil
import subprocess

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands
from prometheus_client.parser import text_string_to_metric_families

from tests import factories
from tests.factories import NOON

DEPLOY = settings.BASE_DIR / "deploy"
OPERATING = settings.BASE_DIR / "docs" / "operating.md"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def rules():
    (group,) = yaml.safe_load((DEPLOY / "prometheus" / "chronos.rules.yml").read_text())["groups"]
    return group["rules"]


def queries():
    board = json.loads((DEPLOY / "grafana" / "chronos.json").read_text())
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


@pytest.fixture
def exposed(client, valkey, db):
    """The names of all samples of an installation in which something ran."""
    factories.run(factories.job(factories.alice()), at=NOON)
    told = client.get("/metrics", headers={"host": "localhost"}).content.decode()
    families = list(text_string_to_metric_families(told))
    endings = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",)}
    named = {sample.name for family in families for sample in family.samples}
    return named | {
        f"{family.name}{ending}" for family in families for ending in endings.get(family.type, ())
    }


def test_rules_and_boards_ask_for_what_is_exposed(exposed):
    asked = [*queries(), *(rule["expr"] for rule in rules())]
    assert len(asked) > 20
    assert {name for query in asked for name in re.findall(r"chronos_\w+", query)} - exposed == set()


def test_each_alert_has_a_line_that_says_what_to_do():
    written = OPERATING.read_text()
    assert [rule["alert"] for rule in rules() if f"`{rule['alert']}`" not in written] == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_gives_its_process_time_to_end(unit):
    lines = unit.read_text().splitlines()
    assert {"KillMode=mixed", "Restart=always", "NoNewPrivileges=yes", "User=chronos"} <= set(lines)
    patience = next(int(line.partition("=")[2]) for line in lines if line.startswith("TimeoutStopSec="))
    assert patience > settings.STOP_GRACE_SECONDS


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_understands_a_unit(unit, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here")
    # Chronos is not installed in /opt here.
    here = tmp_path / unit.name
    here.write_text(unit.read_text().replace("/opt/chronos/.venv/bin/python", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", here], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_compose_runs_each_process_with_time_to_end_and_without_rights():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    ours = {name: told for name, told in services.items() if told["image"] == "chronos"}
    assert ours.keys() == {"first_start", "web", "scheduler", "worker"}
    assert all(told["cap_drop"] == ["ALL"] for told in ours.values())
    assert all(int(told["stop_grace_period"][:-1]) > settings.STOP_GRACE_SECONDS for told in ours.values())


def test_compose_starts_the_commands_that_there_are():
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    named = {told["command"][-1] for told in services.values() if told.get("command", [""])[0] == "python"}
    assert named == {"first_start", "scheduler", "worker"}
    assert named <= get_commands().keys()


def test_images_are_pinned_and_chronos_is_not_root():
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"].values()
    images = [line.split()[1] for line in lines if line.startswith("FROM ")]
    images += [told["image"] for told in services if told["image"] != "chronos"]
    assert [image for image in images if not re.search(r":\d+\.\d+", image)] == []
    assert "USER chronos" in lines
