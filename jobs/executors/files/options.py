"""The options of file jobs: which there are, what they may say, and what each of them is for.

Those that people use most have a field of the form; the others are said inside `parameters`.
"""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.executors import encodings
from jobs.executors.addresses import PathField
from jobs.executors.fields import FlagField, NumberField, ScalarField, TextField, WordField
from jobs.executors.files import manifest, processing, tables
from jobs.executors.json_fields import JsonField, NamesField, TextListField

_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,3})?)\s*([kmgt]?)i?b?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


class SizeField(ScalarField):
    """A number of bytes, such as 100MB; kept as it was written."""

    def to_python(self, value: Any) -> str:
        text = super().to_python(value)
        if text:
            bytes_of(text)
        return text


def bytes_of(text: str) -> int:
    """The bytes that a size says; MB and the like are those of disks, 1,048,576 each."""
    found = _SIZE.fullmatch(text.strip())
    if not found or not 0 < float(found[1]) * _UNITS[found[2].lower()] < 2**60:
        raise forms.ValidationError(_("Write a size such as 500KB, 100MB or 2GB."))
    return int(float(found[1]) * _UNITS[found[2].lower()])


class ProcessingField(WordField):
    """What PROCESS does; what it cannot do is refused with the way there is."""

    def to_python(self, value: Any) -> str:
        if isinstance(value, str) and value.strip().lower() == "image_resize":
            raise forms.ValidationError(_("Chronos changes no pictures: let a SCRIPT job do it."))
        return super().to_python(value)


class DelimiterField(TextField):
    def to_python(self, value: Any) -> str:
        if value == "\t":
            return "tab"
        text = super().to_python(value)
        if text and text.lower() not in ("tab", "\\t") and (len(text) != 1 or text in '"\r\n'):
            raise forms.ValidationError(_("Give one character, or tab."))
        return text


class EncodingField(TextField):
    def to_python(self, value: Any) -> str:
        name = super().to_python(value)
        if name and not encodings.known(name):
            raise forms.ValidationError(
                _("%(name)r is no encoding: write it like utf-8.") % {"name": name[:40]}
            )
        return name


class RefusedFlag(FlagField):
    """A flag that may only say no, and why."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence

    def to_python(self, value: Any) -> bool:
        if super().to_python(value):
            raise forms.ValidationError(self.sentence)
        return False


class TextsField(JsonField):
    """A JSON object of texts."""

    def to_python(self, value: Any) -> Any:
        found = super().to_python(value)
        if any(not isinstance(text, str) for text in (found or {}).values()):
            raise forms.ValidationError(_('Write an object of texts, such as {"name": "value"}.'))
        return found


def _words(*words: str) -> dict[str, str]:
    return dict(zip(words, words, strict=True))


def _number(most: int) -> NumberField:
    return NumberField(required=False, least=1, most=most)


# Without a field of the form: said inside `parameters`.
OTHERS: dict[str, forms.Field] = {
    "filePatterns": TextListField(required=False),
    "followSymlinks": RefusedFlag("Links are never followed."),
    "atomic": FlagField(default=True),
    "preserveTimestamps": FlagField(),
    "compareChecksum": FlagField(),
    "monitorMode": FlagField(),
    "processNewFiles": FlagField(),
    "notifyOnProcess": FlagField(),
    "virusScan": RefusedFlag("Chronos looks for no viruses: let a SCRIPT job call your scanner."),
    "quarantinePath": PathField(required=False),
    "algorithm": WordField(required=False, choices=_words("aes-256-gcm")),
    "keySource": WordField(required=False, choices=_words("environment", "secret")),
    "keyVariable": TextField(required=False),
    "verifyEncryption": FlagField(),
    "columns": NamesField(required=False),
    "excludeColumns": NamesField(required=False),
    "renameColumns": TextsField(required=False),
    "filterRows": TextsField(required=False),
    "delimiter": DelimiterField(required=False, strip=False),
    "outputDelimiter": DelimiterField(required=False, strip=False),
    "encoding": EncodingField(required=False),
    "hasHeader": FlagField(default=True),
    "sourceFormat": WordField(required=False, choices=_words(*tables.FORMATS)),
    "outputFormat": WordField(required=False, choices=_words(*tables.FORMATS)),
    "linesPerFile": _number(1_000_000_000),
    "maxPartSize": SizeField(required=False),
    "checksumAlgorithm": WordField(required=False, choices=_words(*manifest.ALGORITHMS)),
    "manifest": PathField(required=False),
    "trimWhitespace": FlagField(default=True),
    "removeEmptyLines": FlagField(default=True),
    "removeDuplicates": FlagField(),
}

_EVERY = {"COPY", "MOVE", "DELETE", "COMPRESS", "PROCESS", "READ", "WRITE", "LIST"}
_MANY = _EVERY - {"READ", "WRITE"}
_KEEPING = {"COPY", "MOVE", "PROCESS"}
_PROCESS = {"PROCESS"}
_EACH = {*processing.KINDS}
_TABLES = {"csv_transform", "format_conversion"}
_SEALING = {"encryption", "decryption"}

# What options are for: operations, and within PROCESS the kinds; no kind named is every kind.
_USES: tuple[tuple[str, set[str], set[str]], ...] = (
    ("dryRun followSymlinks atomic", _EVERY, set()),
    ("generateReport", _EVERY - {"READ"}, set()),
    ("recursive pattern filePatterns excludePatterns includeHidden", _MANY, set()),
    ("olderThanDays minFileAge maxFileSize keepLatest", _MANY, set()),
    ("preservePath", {*_KEEPING, "COMPRESS"}, _EACH),
    ("preserveAttributes preserveTimestamps", _KEEPING, _EACH),
    ("compareChecksum", {"COPY", "MOVE"}, set()),
    ("backupExisting", {*_KEEPING, "COMPRESS", "WRITE"}, {*_EACH, "file_merge", "integrity_check"}),
    ("syncMode deleteExtra", {"COPY"}, set()),
    ("compressionType compressionLevel", {"COMPRESS"}, set()),
    ("deleteOriginal", {"COMPRESS", "PROCESS"}, _EACH),
    ("processingType", _PROCESS, set()),
    ("monitorMode processNewFiles notifyOnProcess virusScan", _PROCESS, _EACH),
    ("quarantineInvalid quarantinePath", _PROCESS, _EACH),
    ("key algorithm keySource keyVariable", _PROCESS, _SEALING),
    ("verifyEncryption", _PROCESS, {"encryption"}),
    ("columns excludeColumns renameColumns filterRows", _PROCESS, {"csv_transform"}),
    ("delimiter outputDelimiter", _PROCESS, _TABLES),
    ("encoding", {"PROCESS", "READ", "WRITE"}, {*_TABLES, "data_cleanup"}),
    ("hasHeader", _PROCESS, {"csv_transform", "file_split", "file_merge"}),
    ("sourceFormat outputFormat", _PROCESS, {"format_conversion"}),
    ("linesPerFile maxPartSize", _PROCESS, {"file_split"}),
    ("checksumAlgorithm manifest", _PROCESS, {"integrity_check"}),
    ("trimWhitespace removeEmptyLines removeDuplicates", _PROCESS, {"data_cleanup"}),
)
CONCERNS = {name: (operations, kinds) for names, operations, kinds in _USES for name in names.split()}
_SIZES = ("maxFileSize", "maxPartSize")


def mistake(name: str, value: Any) -> str:
    """What is wrong with the value of an option of `OTHERS`, or nothing."""
    try:
        OTHERS[name].clean(value)
    except forms.ValidationError as error:
        return " ".join(error.messages)
    return ""


def misplaced(name: str, operation: str, kind: str) -> str:
    """Why the option means nothing here, or nothing."""
    operations, kinds = CONCERNS[name]
    if operation not in operations:
        return f"{name} means nothing to {operation}, but to {_or(operations)}."
    if operation == "PROCESS" and kinds and kind not in kinds:
        return f"{name} means nothing here, but to the processing {_or({each or 'none' for each in kinds})}."
    return ""


def _or(words: set[str]) -> str:
    *others, last = sorted(words)
    return f"{', '.join(others)} or {last}" if others else last


def read(fields: Mapping[str, forms.Field], said: Mapping[str, Any]) -> dict[str, Any]:
    """Every option by its name, with its default where the job says nothing; sizes in bytes."""
    options = {name: field.clean(said.get(name)) for name, field in {**fields, **OTHERS}.items()}
    empty: dict[str, Any] = {name: {} for name in ("renameColumns", "filterRows") if options[name] is None}
    sizes = {name: bytes_of(options[name]) if options[name] else None for name in _SIZES}
    return {**options, **empty, **sizes}
