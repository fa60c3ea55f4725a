"""The table of faults says the truth about the tests."""

import ast

import pytest
from django.conf import settings

from tests.faults.matrix import MATRIX

# F46, mail that a server may have taken, is a matter of its type alone and of the tests of that.
NUMBERS = [*range(1, 46), *range(47, 53)]


def functions(path):
    tree = ast.parse((settings.BASE_DIR / path).read_text())
    return {each.name: ast.unparse(each) for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}


def test_every_fault_has_its_row():
    assert [fault.id for fault in MATRIX] == [f"F{number:02}" for number in NUMBERS]


@pytest.mark.parametrize("fault", MATRIX, ids=lambda fault: fault.id)
def test_its_tests_exist_or_it_says_what_is_missing(fault):
    assert fault.tests or fault.missing
    for node in fault.nodes:
        path, *_, name = node.split("::")
        assert name in functions(path), node


@pytest.mark.parametrize("fault", [each for each in MATRIX if each.live], ids=lambda fault: fault.id)
def test_what_an_installation_goes_through_ends_with_the_books_closed(fault):
    def closes(node):
        path, *_, name = node.split("::")
        known = functions(path)
        return "books.close(" in known[name] or (
            "finish(" in known[name] and "books.close(" in known["finish"]
        )

    assert any(closes(node) for node in fault.nodes)
