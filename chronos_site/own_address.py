"""Chronos's own addresses, as they stand in messages."""

from urllib.parse import urljoin

from django.conf import settings


def whole(path: str) -> str:
    """The address of a page of ours where people open Chronos."""
    # With slashes, it would leave the path that Chronos may lie under, or lead to another site.
    return urljoin(settings.BASE_URL, path.lstrip("/"))
