"""What tests of pages may lean on."""

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def nothing_remembered():
    """Counts of closed hours are remembered between requests: not between tests."""
    cache.clear()
