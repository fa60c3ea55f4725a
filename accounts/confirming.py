"""The page that asks somebody to confirm that it is they, before what is dangerous."""

from typing import Any

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext_lazy as _

from accounts import actions, permissions, proof, provider
from accounts.access import View, page_of, person
from accounts.forms import WRONG_CODE, CodeForm, ConfirmForm
from accounts.models import User


class Confirmation(MiddlewareMixin):
    """Ask before the changes that the rules name, then let them go on as they were sent.

    Whom `Permissions` refuses is not asked; tokens of the API have no session to ask.
    """

    def process_view(
        self, request: HttpRequest, view_func: View, view_args: Any, view_kwargs: Any
    ) -> HttpResponse | None:
        rule = permissions.rule(request.resolver_match.view_name if request.resolver_match else "")
        if rule is None or rule.proof is permissions.Proof.NEVER or request.method in permissions.READING:
            return None
        posted = proof.posted(request)
        if posted is None:
            messages.error(request, _("That page was of another session or too old: nothing was done."))
            return redirect("overview")
        if rule.proof.is_wanted(posted) and not proof.is_fresh(request):
            form = _form(request)
            if form is None or not _is_proven(request, form):
                return _page(request, form, proof.packed(request, posted))
        request.POST = posted  # type: ignore[assignment]
        return None


def _form(request: HttpRequest) -> Form | None:
    """What the person can prove it by: the password, or without one a code; None where they have neither."""
    user, typed = person(request), request.POST if proof.CARRIED in request.POST else None
    if user.may_use_password:
        return ConfirmForm(typed)
    return CodeForm(typed) if user.totp else None


def _is_proven(request: HttpRequest, form: Form) -> bool:
    if not form.is_valid():
        return False
    user: User = person(request)
    if "password" in form.cleaned_data:
        if actions.confirm_by_password(request, user, form.cleaned_data["password"]):
            return True
        form.add_error("password", _("This is not your password."))
    else:
        if actions.confirm_by_code(request, user, form.cleaned_data["code"]):
            return True
        form.add_error("code", WRONG_CODE)
    return False


def _page(request: HttpRequest, form: Form | None, carried: str) -> HttpResponse:
    shown = {
        "form": form,
        "carried": carried,
        "name": proof.CARRIED,
        "back": page_of(request),
        "provider": provider.name(),
    }
    response = render(request, "accounts/confirm.html", shown)
    add_never_cache_headers(response)
    return response
