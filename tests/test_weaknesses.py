"""What our own code never does, whatever the data says."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("accounts", "api", "audit", "chronos_site", "dashboard", "jobs", "notifications", "runs")
# What makes objects or code of data. RQ keeps its own jobs as JSON (settings.RQ_QUEUES).
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "jsonpickle"}
CALLS = {"eval", "exec", "compile", "__import__"}
METHODS = {"yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.system", "os.popen", "torch.load"}
BY_NAME = {"import_string", "import_module"}
# Names of database drivers, of a table in the code.
OURS = {"jobs/executors/databases/__init__.py": ["import_module"]}


def sources():
    return [path for app in APPS for path in sorted((ROOT / app).rglob("*.py"))]


def dotted(node):
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def called(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def weaknesses(text):
    """What in a module makes objects or code of data, or hands text to a shell."""
    tree = ast.parse(text)
    found = [name for name in imported(tree) if name in MODULES]
    for call in called(tree):
        name = dotted(call.func)
        found += [name] if name in CALLS | METHODS else []
        if name.rpartition(".")[2] in BY_NAME and not all(
            isinstance(each, ast.Constant) for each in call.args
        ):
            found.append(name)
        told = {word.arg: word.value for word in call.keywords}
        if "shell" in told and not (isinstance(told["shell"], ast.Constant) and told["shell"].value is False):
            found.append("shell=")
    return found


def test_no_module_makes_objects_or_code_of_data():
    found = {str(path.relative_to(ROOT)): weaknesses(path.read_text()) for path in sources()}
    assert {path: names for path, names in found.items() if names} == OURS


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from marshal import loads",
        "eval(text)",
        "yaml.load(text)",
        "import_string(name)",
        "importlib.import_module(row.name)",
        "subprocess.run(words, shell=True)",
        "os.system(text)",
    ],
)
def test_the_search_finds_each_of_them(text):
    assert weaknesses(text)


def test_no_page_does_without_the_token_against_forged_forms():
    assert [path.name for path in sources() if "csrf_exempt" in path.read_text()] == []


def test_no_template_calls_text_safe():
    found = [
        path.name
        for path in (ROOT / "templates").rglob("*.html")
        if "|safe" in path.read_text() or "autoescape off" in path.read_text()
    ]
    # The drawing of a code for the telephone, made of squares alone.
    assert found == ["two_factor.html"]
