"""What of a job is encrypted in its columns: every part of a payload that may hold a secret."""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from chronos_site.sealed import Change, SealedJson, is_sealed, seal, unseal
from jobs import masking

# The columns of a payload that are sealed, there and in every version's definition.
COLUMNS = frozenset(
    {
        "http_url",
        "http_headers",
        "http_body",
        "script_content",
        "database_url",
        "query",
        "parameters",
        "message_body",
        "queue_config",
        "cache_config",
        "file_content",
        "metadata",
    }
)


class SealedDefinition(SealedJson):
    """A definition as JSON, whose payload is sealed column by column.

    That of a job which calls nobody is sealed only where something in it looks like a secret.
    """

    def sealed(self, value: Any) -> Any:
        return self.each(value, seal)

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        found = super().from_db_value(value, expression, connection)
        return _with_payload(found, unseal) if isinstance(found, dict) else found

    def each(self, stored: Any, change: Change) -> Any:
        if not isinstance(stored, dict) or (stored.get("type") == "DUMMY" and not _tells(stored)):
            return stored
        return _with_payload(stored, change)


class SealedParameters(SealedJson):
    """What a person gave a run, sealed where a name in it tells of a secret."""

    def sealed(self, value: Any) -> Any:
        return self.each(value, seal)

    def each(self, stored: Any, change: Change) -> Any:
        telling = is_sealed(stored) or (stored and masking.values({"parameters": stored}))
        return change(stored) if telling else stored


def _tells(definition: dict[str, Any]) -> bool:
    payload = definition.get("payload") or {}
    return any(map(is_sealed, payload.values())) or bool(masking.values(payload))


def _with_payload(definition: dict[str, Any], change: Change) -> dict[str, Any]:
    payload = definition.get("payload")
    if not isinstance(payload, dict):
        return definition
    changed = {name: change(value) if name in COLUMNS else value for name, value in payload.items()}
    return {**definition, "payload": changed}
