"""What every test may lean on."""

from tests.browser import chromium, visit  # noqa: F401 (fixtures)
