"""Form fields for where things are: mailboxes, files, databases, topics."""

import re
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import validate_email
from django.utils.functional import lazystr
from django.utils.html import escape
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from jobs.executors.databases import urls
from jobs.executors.fields import TextField
from jobs.executors.json_fields import NamesField, TextListField

MOST_NAMED = 8
_OTHER_LETTER = re.compile(r"[^\W\d_a-zA-Z](?=[^@]*@)")


class EmailsField(NamesField):
    """E-mail addresses separated by commas or line ends."""

    sample = "{}@example.com"

    def _checked(self, part: Any) -> str:
        address = super()._checked(part).strip()
        try:
            # Django knows the name before the @ in ASCII alone; mail servers know other letters.
            validate_email(_OTHER_LETTER.sub("x", address))
        except forms.ValidationError as error:
            raise forms.ValidationError(
                _("%(address)s is no e-mail address: write it like ops@example.com.")
                % {"address": address[:60]}
            ) from error
        return address


class FolderNames:
    """The folders that jobs may use, as a help text names them: those of the moment it is shown."""

    def __str__(self) -> str:
        return " or ".join(map(str, settings.FILE_ROOTS))


def inside_folders(before: str, after: str = ".") -> Any:
    """A help text that names the folders that jobs may use."""
    return format_lazy("{}{}{}", before, lazystr(FolderNames()), after)


@dataclass(frozen=True)
class Known:
    """What administrators have set up by name, as a help text names it: that of the moment it is shown."""

    setting: str
    some: str
    none: str

    def __str__(self) -> str:
        names = sorted(getattr(settings, self.setting))
        told = ", ".join(names[:MOST_NAMED]) + (", …" if len(names) > MOST_NAMED else "")
        return str(self.some) % {"names": escape(told)} if names else str(self.none)


def known(setting: str, some: Any, none: Any) -> Any:
    """A help text that tells `some` with the `names` in it, or `none` where nothing is set up."""
    return lazystr(Known(setting, some, none))


class PathsField(TextListField):
    """Whole paths on the worker's machine, one a line."""

    sample = "/{}"

    def _checked(self, part: Any) -> str:
        path = super()._checked(part)
        check_path(path)
        return path


class PathField(TextField):
    """A whole path on the worker's machine."""

    sample = "/{}"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(mono=True, max_length=2048, **kwargs)

    def to_python(self, value: Any) -> str:
        path = super().to_python(value)
        if path:
            check_path(path)
        return path


def check_path(path: str) -> None:
    """Refuse a path that depends on where it is read from or climbs out of where it starts."""
    if not path.startswith("/"):
        raise forms.ValidationError(_("Write the whole path, starting with /."))
    if ".." in path.split("/"):
        raise forms.ValidationError(_("Write the path without .. in it."))


class DatabaseUrlField(TextField):
    """A database's URL, as SQLAlchemy or JDBC writes it."""

    sample = "postgresql://{}"

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault(
            "help_text",
            inside_folders(
                "For example postgresql://reader@db:5432/orders or jdbc:mysql://db/orders; sqlite:// and a"
                " path for a file inside "
            ),
        )
        super().__init__(label=_("Database URL"), mono=True, max_length=2048, **kwargs)

    def to_python(self, value: Any) -> str:
        url = super().to_python(value)
        try:
            if url:
                urls.read(url)
        except urls.Unreadable as error:
            raise forms.ValidationError(str(error)) from error
        return url


_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


def check_topic(name: str) -> None:
    """Refuse what Kafka takes for no topic's name."""
    if not _TOPIC.fullmatch(name) or name in (".", ".."):
        raise forms.ValidationError(
            _("%(name)r is no topic name: use up to 249 letters, digits, dots, hyphens and _.")
            % {"name": name[:40]}
        )


class TopicField(TextField):
    """A Kafka topic's name."""

    def to_python(self, value: Any) -> str:
        topic = super().to_python(value)
        if topic:
            check_topic(topic)
        return topic


_SERVER = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(\d{1,10}))?")


class ServersField(TextField):
    """The servers of a cluster, as `host:port` with commas between them."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(mono=True, max_length=2048, **kwargs)

    def to_python(self, value: Any) -> str:
        parts = [part.strip() for part in super().to_python(value).split(",") if part.strip()]
        for part in parts:
            if not _SERVER.fullmatch(part):
                raise forms.ValidationError(
                    _("%(part)r is no server: write it like kafka:9092.") % {"part": part[:40]}
                )
        return ",".join(parts)
