"""That it is still who signed in: proven when the session begins, and again before what is dangerous.

What a form held when its sender was asked goes along in the page that asks, encrypted: nothing typed is lost,
and no secret is written into a page.
"""

import json
import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest, QueryDict

from chronos_site.sealing import opened, sealed

# In a session: when its person proved who they are, in seconds.
PROVEN = "proven_at"
# In the form of the page that asks: what was posted before.
CARRIED = "carried"


def prove(request: HttpRequest) -> None:
    """Let the session count as proven from now on."""
    request.session[PROVEN] = time.time()


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person of this session has shown lately that it is they."""
    age: float = time.time() - request.session.get(PROVEN, 0)
    return bool(0 <= age < settings.CONFIRM_MINUTES * 60)


def packed(request: HttpRequest, posted: QueryDict) -> str:
    """What was posted, readable for us alone, and good for the same person at the same address."""
    fields = {name: values for name, values in posted.lists() if name != "csrfmiddlewaretoken"}
    return sealed(json.dumps({**_bound(request), "fields": fields}))


def posted(request: HttpRequest) -> QueryDict | None:
    """What the person posted, be it by way of the page that asked; None where that cannot be read."""
    token = request.POST.get(CARRIED)
    if token is None:
        return request.POST
    told = json.loads(opened(token) or "{}")
    fields = told.pop("fields", {})
    if told != _bound(request):
        return None
    found = QueryDict(mutable=True)
    for name, values in fields.items():
        found.setlist(name, values)
    return found


def _bound(request: HttpRequest) -> dict[str, Any]:
    return {"by": request.user.pk, "at": request.get_full_path()}
