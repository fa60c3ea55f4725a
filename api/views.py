"""The page of a person's tokens."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import person
from api import actions
from api.actions import AlreadyRevoked
from api.forms import TokenForm
from api.models import ApiToken, Scope

SHOWN = 100


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def token_list(request: HttpRequest) -> HttpResponse:
    """The tokens, and a form for another; a new one's text is on the page that answers, and never again."""
    user = person(request)
    form, text = TokenForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        _, text = actions.create(
            by=user,
            name=form.cleaned_data["name"],
            scope=Scope(form.cleaned_data["scope"]),
            expires_at=form.expires_at,
        )
        form = TokenForm()
    everyones = user.is_administrator and request.GET.get("of") == "everyone"
    tokens = ApiToken.objects.all() if everyones else ApiToken.objects.filter(owner=user)
    shown = tokens.select_related("owner").defer("owner__password").order_by("-pk")[:SHOWN]
    context = {"form": form, "text": text, "tokens": shown, "everyones": everyones, "now": timezone.now()}
    return render(request, "api/tokens.html", context)


@require_POST
def token_revoke(request: HttpRequest, token_id: str) -> HttpResponse:
    user = person(request)
    token = get_object_or_404(ApiToken.objects.visible_to(user).select_related("owner"), pk=token_id)
    try:
        actions.revoke(token, by=user, at=timezone.now())
        messages.success(request, _("%(name)s is revoked: it opens nothing any more.") % {"name": token.name})
    except AlreadyRevoked as already:
        messages.error(request, str(already))
    return redirect("token_list")
