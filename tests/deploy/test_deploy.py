"""The files for systemd, Prometheus and Grafana speak of what Chronos really has."""

import json
import re
import shutil
import subprocess

import pytest
import yaml
from django.conf import settings
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
