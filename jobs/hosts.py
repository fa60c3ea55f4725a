"""The host that a payload calls: all of its address that people may see and search."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.db import models

from chronos_site.sealed import Unreadable

LONGEST = 255

if TYPE_CHECKING:
    _Text = models.CharField[str, str]
else:
    _Text = models.CharField


def host_of(address: str | None) -> str:
    """The host of a URL, also of one that JDBC writes; empty where there is none."""
    try:
        host = urlsplit((address or "").removeprefix("jdbc:")).hostname or ""
    except ValueError:
        return ""
    return host.replace("\0", "")[:LONGEST]


class HostField(_Text):
    """The host of the payload's address, found anew whenever the row is saved."""

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.CharField", args, kwargs

    def pre_save(self, model_instance: Any, add: bool) -> str:
        addresses = model_instance.http_url, model_instance.database_url
        if any(isinstance(each, Unreadable) for each in addresses):
            return str(getattr(model_instance, self.attname))
        host = next(filter(None, map(host_of, addresses)), "")
        setattr(model_instance, self.attname, host)
        return host
