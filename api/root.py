"""The REST API: one object, its parts, and its document at /api/openapi.json."""

from functools import lru_cache
from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema, get_schema

from api import (
    applying,
    audit_trail,
    contacts,
    dead_letters,
    jobs,
    notifications,
    people,
    problems,
    rules,
    runs,
    secrets,
    statistics,
)
from chronos_site import __version__
from jobs.transfer import described


class Api(NinjaAPI):
    """Documents job requests as the forms read them, and problems as application/problem+json."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        return _document(self.get_root_path(path_params or {}) if path_prefix is None else path_prefix)


# Whoever asks gets it, signed in or not, and to write it takes half a second.
@lru_cache(maxsize=4)
def _document(prefix: str) -> OpenAPISchema:
    document = get_schema(api, path_prefix=prefix)
    document["components"]["schemas"] |= described.schemas()
    for operation in (each for methods in document["paths"].values() for each in methods.values()):
        for status, answer in operation["responses"].items():
            if int(status) >= 400 and "content" in answer:
                answer["content"] = {problems.MEDIA_TYPE: answer["content"]["application/json"]}
    return document


api = Api(
    title="Chronos",
    version=__version__,
    description="Jobs, runs and what people do with them. Send `Authorization: Bearer chr_…`.",
    docs_url=None,
    urls_namespace="api",
)
problems.answer_by(api)
api.add_router("/apply", applying.router)
api.add_router("/jobs", jobs.router)
api.add_router("/runs", runs.router)
api.add_router("/dead-letters", dead_letters.router)
api.add_router("/notifications", notifications.router)
api.add_router("/notifications/rules", rules.router)
api.add_router("/notifications/contacts", contacts.router)
api.add_router("/audit", audit_trail.router)
api.add_router("/people", people.router)
api.add_router("/secrets", secrets.router)
api.add_router("/statistics", statistics.router)
