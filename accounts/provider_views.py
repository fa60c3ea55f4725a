"""To the provider that people sign in by, and back."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import arriving, provider
from accounts.access import address, go_on, next_page
from chronos_site.tally import tallied

# In the session: where the person wanted to go.
NEXT = "provider_next"
# Of one address within a minute, in each web process.
MOST_STARTS, SECONDS = 60, 60


@never_cache
@require_safe
def provider_start(request: HttpRequest) -> HttpResponse:
    """A link and no form: browsers let no form lead to another site under our policy."""
    if not provider.name():
        return redirect("sign_in")
    if tallied(f"provider-starts:{address(request)}", SECONDS) > MOST_STARTS:
        messages.error(request, _("Too many attempts from here: try it again in a minute."))
        return redirect("sign_in")
    request.session[NEXT] = next_page(request)
    try:
        return provider.start(request)
    except provider.Refused as refused:
        return _refused(request, refused)


@never_cache
@require_safe
def provider_callback(request: HttpRequest) -> HttpResponse:
    if not provider.name():
        return redirect("sign_in")
    wanted = request.session.pop(NEXT, "/")
    try:
        arriving.come_in(request, provider.identity(request))
    except provider.Refused as refused:
        return _refused(request, refused)
    return go_on(request, wanted)


def _refused(request: HttpRequest, refused: provider.Refused) -> HttpResponse:
    arriving.tell_of_refusal(request, refused)
    messages.error(request, str(refused))
    return redirect("sign_in")
