"""Calls of the API, as a program with a token makes them."""

import json
from typing import Any

from django.test import Client

from accounts.models import User
from api import actions
from api.models import Scope
from tests.factories import NEVER


class Caller:
    """Speaks JSON in the name of one person; `status`, `headers` and what was said stand in the answer."""

    def __init__(self, user: User | None, scope: Scope = Scope.ADMIN, text: str | None = None) -> None:
        if user and text is None:
            _, text = actions.create(by=user, name="tests", scope=scope, expires_at=NEVER)
        self.text = text
        self.client = Client(raise_request_exception=False)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        given = {"Authorization": f"Bearer {self.text}"} if self.text else {}
        return self.client.generic(
            method, f"/api{path}", content, "application/json", headers={**given, **headers}
        )

    def get(self, path: str, **headers: str) -> Any:
        return self("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self("POST", path, body, **headers)


def errors(response: Any) -> dict[str, str]:
    """The sentence of each field that a problem names."""
    return {each["field"]: each["message"] for each in response.json()["errors"]}
