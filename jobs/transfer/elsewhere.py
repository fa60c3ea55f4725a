"""What requests for other systems ask of a shell or of an environment, as placeholders; nothing is evaluated.

Scripts ask their own shell: theirs stays as it is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs import masking
from jobs.executors import placeholders
from jobs.executors.addresses import PathField
from jobs.executors.base import JobType
from jobs.transfer.keys import at

_VARIABLE = re.compile(r"((?:\w+\s+)?)\$\{([A-Za-z_][A-Za-z0-9_]{0,63})\}")
_TODAY = re.compile(r"\$\(date \+([\"']?)(?:%Y%m%d|%Y-%m-%d|%F)\1\)")


@dataclass
class Translation:
    """The payload of one request in the words of Chronos, and what was changed in it."""

    job_type: JobType
    changes: list[str] = field(default_factory=list)

    def of(self, said: Mapping[str, Any]) -> dict[str, Any]:
        if self.job_type.code == "SCRIPT":
            return dict(said)
        found = {key: self._value(value, key, at("payload", key)) for key, value in said.items()}
        return self._with_key(found)

    def _value(self, value: Any, name: str, path: str) -> Any:
        if isinstance(value, Mapping):
            return {key: self._value(inner, str(key), f"{path}.{key}") for key, inner in value.items()}
        if not isinstance(value, str):
            return value
        if masking.is_telling(name) and (variable := _VARIABLE.fullmatch(value)):
            secret = f"{variable[1]}{{{{ secret:{variable[2]} }}}}"
            self._tell(value, secret, path)
            return secret
        if self._is_path(name) and (today := _TODAY.search(value)):
            self._tell(today[0], "{{ fire.date }}, written 2026-11-26", path)
            return _TODAY.sub("{{ fire.date }}", value)
        return value

    def _is_path(self, name: str) -> bool:
        fields = self.job_type.form.base_fields
        return isinstance(fields.get(self.job_type.aliases.get(name, "")), PathField)

    def _tell(self, was: str, becomes: str, path: str) -> None:
        self.changes.append(f"{path}: {was} becomes {becomes}.")

    def _with_key(self, said: dict[str, Any]) -> dict[str, Any]:
        """The key of a file job, which other systems take from a variable of the worker's environment."""
        options = said.get("parameters")
        if self.job_type.code != "FILE_SYSTEM" or not isinstance(options, dict):
            return said
        named = options.get("keyVariable")
        if said.get("key") or options.get("key") or not _is_name(named):
            return said
        secret = f"{{{{ secret:{named} }}}}"
        self.changes.append(
            f"payload.parameters.key: jobs read no variable of the worker; the key is {secret}."
        )
        return {**said, "parameters": {**options, "key": secret}}


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(placeholders.secrets(f"{{{{ secret:{value} }}}}"))
