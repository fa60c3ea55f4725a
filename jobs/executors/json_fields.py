"""Form fields for what is written as JSON, or in a shorter way: objects, headers, variables, lists."""

import json
import re
from collections.abc import Iterable, Mapping
from math import inf
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.executors.fields import CONTROL, SURROGATE, TEXT_LIMIT, TextField

JSON_LIMIT = 100_000
DEPTH_LIMIT = 20


class JsonField(forms.CharField):
    """A JSON object or list, typed as text; shown indented.

    Refuses duplicate keys, what no database can keep, more than 100,000 characters and nesting
    deeper than 20.
    """

    sample = "{}"

    def __init__(
        self, *, shape: type[dict[Any, Any]] | type[list[Any]] = dict, lines: int = 4, **kwargs: Any
    ) -> None:
        attrs = {"rows": lines, "class": "mono", "spellcheck": "false"}
        super().__init__(widget=forms.Textarea(attrs=attrs), **kwargs)
        self.shape = shape

    def to_python(self, value: Any) -> Any:
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        return self._shaped(_parsed(value if isinstance(value, str) else _written(value)))

    def _shaped(self, found: Any) -> Any:
        if not isinstance(found, self.shape):
            wanted = 'an object such as {"name": "value"}' if self.shape is dict else "a list such as [1, 2]"
            raise forms.ValidationError(_("This must be JSON, %(wanted)s.") % {"wanted": wanted})
        _check_values(found)
        return found

    def prepare_value(self, value: Any) -> Any:
        return json.dumps(value, indent=2, ensure_ascii=False) if isinstance(value, dict | list) else value


class OptionsField(JsonField):
    """The options of a payload that have no field of their own, and notes of people."""

    def __init__(self) -> None:
        super().__init__(
            label=_("Other options"),
            required=False,
            help_text=_('Notes as JSON, such as {"team": "billing"}, kept with the job.'),
        )


def check_json(text: str) -> None:
    """Refuse text that is no JSON, or JSON that no two readers agree on: a key twice, NaN, deep nesting."""
    _check_values(_parsed(text, TEXT_LIMIT))


def _written(value: Any) -> str:
    try:
        return json.dumps(value)
    except RecursionError as error:
        raise forms.ValidationError(
            _("This is nested deeper than %(depth_limit)s levels.") % {"depth_limit": DEPTH_LIMIT}
        ) from error


def _parsed(text: str, limit: int = JSON_LIMIT) -> Any:
    if len(text) > limit:
        raise forms.ValidationError(_("This is longer than %(limit)s characters.") % {"limit": f"{limit:,}"})
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise forms.ValidationError(
            _("This is no JSON: %(msg)s in line %(lineno)s, column %(colno)s.")
            % {"msg": error.msg.lower(), "lineno": error.lineno, "colno": error.colno}
        ) from error
    except RecursionError as error:
        raise forms.ValidationError(
            _("This is nested deeper than %(depth_limit)s levels.") % {"depth_limit": DEPTH_LIMIT}
        ) from error
    except ValueError as error:
        raise forms.ValidationError(_("This holds a number that is too large.")) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise forms.ValidationError(_("The key %(twice)r stands twice.") % {"twice": twice})
    return found


def _refuse_constant(name: str) -> None:
    raise forms.ValidationError(_("%(name)s is no JSON value.") % {"name": name})


def _check_values(found: Any) -> None:
    """Refuse what some database cannot keep: deep nesting, NUL, half characters, numbers without end."""
    level = [found]
    for _depth in range(DEPTH_LIMIT):
        for each in level:
            _check_value(each)
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return
    raise forms.ValidationError(
        _("This is nested deeper than %(depth_limit)s levels.") % {"depth_limit": DEPTH_LIMIT}
    )


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []


def _check_value(value: Any) -> None:
    if isinstance(value, str) and ("\0" in value or SURROGATE.search(value)):
        raise forms.ValidationError(_("This holds a NUL or half a character."))
    if isinstance(value, int | float) and not abs(value) < (inf if isinstance(value, float) else 2**63):
        raise forms.ValidationError(_("This holds a number that is too large."))


_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING = {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"}


class HeadersField(JsonField):
    """HTTP headers as `Name: value` lines or a JSON object; gives a dict of text to text.

    Names follow RFC 9110's token; headers that frame the message are the client's own to set.
    """

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.strip() and not value.lstrip().startswith("{"):
            lines = value.strip().splitlines()
            value = _pairs(lines, ":", "colon: write Name: value", "header")
        found = super().to_python(value)
        if found is None:
            return None
        for name, text in found.items():
            _check_header(name, text)
        return {name: str(text) for name, text in found.items()}

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return "\n".join(f"{name}: {text}" for name, text in value.items())
        return value


def _pairs(lines: Iterable[str], mark: str, lacking: str, called: str) -> dict[str, str]:
    """Names and values, one pair a line with the mark between them."""
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        name, there, value = line.partition(mark)
        if not there:
            raise forms.ValidationError(
                _("Line %(number)s has no %(lacking)s.") % {"number": number, "lacking": lacking}
            )
        if name.strip() in found:
            raise forms.ValidationError(
                _("The %(called)s %(name)r stands twice.") % {"called": called, "name": name.strip()[:40]}
            )
        found[name.strip()] = value.strip()
    return found


def _check_header(name: str, text: Any) -> None:
    if not _NAME.fullmatch(name):
        raise forms.ValidationError(_("%(name)r is no header name.") % {"name": name})
    if name.lower() in _FRAMING:
        raise forms.ValidationError(_("The header %(name)s is set by Chronos itself.") % {"name": name})
    if isinstance(text, dict | list | bool) or text is None:
        raise forms.ValidationError(_("The value of %(name)s must be text.") % {"name": name})
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", str(text)) or not str(text).isascii():
        raise forms.ValidationError(
            _("The value of %(name)s holds characters that headers cannot carry.") % {"name": name}
        )


class EnvironmentField(JsonField):
    """Variables as `NAME=value` lines or a JSON object; gives a dict of text to text."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.strip() and not value.lstrip().startswith("{"):
            lines = filter(str.strip, value.splitlines())
            value = _pairs(lines, "=", "equals sign: write NAME=value", "variable")
        found = super().to_python(value)
        for name, text in (found or {}).items():
            if not _VARIABLE.fullmatch(name):
                raise forms.ValidationError(
                    _("%(name)r is no variable name: write it like LOG_LEVEL.") % {"name": name[:40]}
                )
            if not isinstance(text, str):
                raise forms.ValidationError(_("The value of %(name)s must be text.") % {"name": name})
        return found

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, Mapping):
            return value
        if any(not isinstance(text, str) or text != text.strip() or "\n" in text for text in value.values()):
            return super().prepare_value(value)
        return "\n".join(f"{name}={text}" for name, text in value.items())


_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


class TextListField(TextField):
    """Texts, one a line or as a JSON list; gives a list of str without repetitions."""

    SEPARATORS = "\n"
    GLUE = "\n"

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("lines", 3)
        super().__init__(mono=True, max_length=JSON_LIMIT, **kwargs)

    def to_python(self, value: Any) -> Any:
        parts = value if isinstance(value, list) else self._parts(super().to_python(value))
        return list(dict.fromkeys(self._checked(each) for each in parts))

    def _parts(self, text: str) -> list[Any]:
        if text.lstrip().startswith("["):
            found: list[Any] = JsonField(shape=list).clean(text)
            return found
        return [part.strip() for part in re.split(f"[{self.SEPARATORS}]", text) if part.strip()]

    def _checked(self, part: Any) -> str:
        if not isinstance(part, str) or not part.strip():
            raise forms.ValidationError(_("Each entry must be text."))
        if len(part) > 1024 or CONTROL.search(part) or SURROGATE.search(part):
            raise forms.ValidationError(
                _("%(part)r is too long or holds a control character.") % {"part": part[:40]}
            )
        return part

    def validate(self, value: Any) -> None:
        super().validate(value)
        if sum(map(len, value)) > JSON_LIMIT:
            raise forms.ValidationError(
                _("This is longer than %(json_limit)s characters.") % {"json_limit": f"{JSON_LIMIT:,}"}
            )

    def run_validators(self, value: Any) -> None:
        """Each entry is checked already; the validators of text do not fit a list."""

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        if not all(isinstance(each, str) for each in value):
            return json.dumps(value)
        shown = self.GLUE.join(value)
        plain = not shown.lstrip().startswith("[") and self._parts(shown) == value
        return shown if plain else json.dumps(value, ensure_ascii=False)


class NamesField(TextListField):
    """Names separated by commas or line ends."""

    SEPARATORS = ",;\n"
    GLUE = ", "
