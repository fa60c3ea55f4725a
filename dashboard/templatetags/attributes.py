"""Attributes of form fields."""

from collections.abc import Mapping
from html import escape
from typing import Any

from django import template
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def attributes(attrs: Mapping[str, Any]) -> SafeString:
    """A widget's attributes as HTML."""
    # A form has two hundred of them: Django's own template of them takes a fifth of the page.
    return SafeString("".join(_attribute(name, value) for name, value in attrs.items() if value is not False))


def _attribute(name: str, value: Any) -> str:
    if value is True:
        return f" {escape(name)}"
    return f' {escape(name)}="{value if isinstance(value, SafeString) else escape(str(value))}"'
