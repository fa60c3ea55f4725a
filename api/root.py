"""The REST API: one object, its parts, and its document at /api/openapi.json."""

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

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

    def get_openapi_schema(self, **asked: Any) -> OpenAPISchema:
        document = super().get_openapi_schema(**asked)
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
