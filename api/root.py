"""The REST API: one object, its parts, and its document at /api/openapi.json."""

from ninja import NinjaAPI

from api import audit_trail, dead_letters, jobs, notifications, people, problems, runs, secrets, statistics
from chronos_site import __version__

api = NinjaAPI(
    title="Chronos",
    version=__version__,
    description="Jobs, runs and what people do with them. Send `Authorization: Bearer chr_…`.",
    docs_url=None,
    urls_namespace="api",
)
problems.answer_by(api)
api.add_router("/jobs", jobs.router)
api.add_router("/runs", runs.router)
api.add_router("/dead-letters", dead_letters.router)
api.add_router("/notifications", notifications.router)
api.add_router("/audit", audit_trail.router)
api.add_router("/people", people.router)
api.add_router("/secrets", secrets.router)
api.add_router("/statistics", statistics.router)
