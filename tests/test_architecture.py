"""Imports point one way."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Each app may import those after it; everyone may import audit and the project, which import none of them.
ORDER = ["api", "dashboard", "notifications", "runs", "jobs", "accounts"]
APPS = {*ORDER, "audit"}
# The project's own wiring: what knows the apps because it puts them together.
WIRING = {
    "chronos_site/context.py",
    "chronos_site/urls.py",
    "chronos_site/views.py",
    "chronos_site/health.py",
    "chronos_site/metrics.py",
}


def imported(path: Path) -> set[str]:
    """The packages that a module imports from, at any depth."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add((node.module or "").split(".")[0])
    return names


def modules(app: str) -> list[Path]:
    return [path for path in sorted((ROOT / app).rglob("*.py")) if "migrations" not in path.parts]


@pytest.mark.parametrize("app", ORDER)
def test_an_app_imports_only_what_stands_below_it(app):
    allowed = {*ORDER[ORDER.index(app) :], "audit"}
    wrong = {str(path.relative_to(ROOT)): imported(path) & APPS - allowed for path in modules(app)}
    assert {path: names for path, names in wrong.items() if names} == {}


def test_audit_imports_no_app():
    wrong = {str(path.relative_to(ROOT)): imported(path) & APPS - {"audit"} for path in modules("audit")}
    assert {path: names for path, names in wrong.items() if names} == {}


def test_only_the_wiring_of_the_project_knows_the_apps():
    knowing = {str(path.relative_to(ROOT)) for path in modules("chronos_site") if imported(path) & APPS}
    assert {path for path in knowing if "/management/" not in path} - WIRING == set()


@pytest.mark.parametrize("app", sorted({*APPS, "chronos_site"}))
def test_the_product_needs_neither_its_tests_nor_its_measurements(app):
    assert [str(path) for path in modules(app) if imported(path) & {"tests", "bench"}] == []


def imports(path: Path) -> set[str]:
    """Whatever a module imports, by its whole name."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_executors_know_neither_the_orm_nor_the_queue():
    banned = "django.db", "rq", "django_rq", "runs", "jobs.models", "jobs.vault", "jobs.memories"
    found = {(path.name, name) for path in modules("jobs/executors") for name in imports(path)}
    assert [each for each in found if f"{each[1]}.".startswith(tuple(f"{name}." for name in banned))] == []


def test_no_module_has_a_name_that_says_nothing():
    banned = {"utils", "helpers", "services", "common", "managers", "misc"}
    assert [path for app in APPS for path in modules(app) if path.stem in banned] == []
