"""Signing in, signing out and changing one's password."""

from datetime import timedelta
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import actions, links, provider
from accounts.access import go_on, next_page, person
from accounts.forms import (
    WRONG_CODE,
    CodeForm,
    ForgottenForm,
    NewPasswordForm,
    PasswordForm,
    SignInForm,
)

WRONG = "No account with this e-mail and password."


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect(next_page(request))
    form = SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if until := actions.shut_out(request):
            return render(request, "accounts/locked_out.html", {"until": until, "all": True}, status=429)
        if actions.sign_in(request, form.cleaned_data["email"], form.cleaned_data["password"]):
            return go_on(request, next_page(request))
        form.add_error("password", WRONG)
    return render(
        request,
        "accounts/sign_in.html",
        {"form": form, "next": next_page(request), "provider": provider.name()},
    )


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """The second step of signing in, for whom it is on."""
    if request.user.is_authenticated:
        return redirect(next_page(request))
    user = actions.waiting(request)
    if user is None:
        messages.info(request, _("Sign in again: the second step has to follow within five minutes."))
        return redirect("sign_in")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if actions.sign_in_with_code(request, user, form.cleaned_data["code"]):
            return redirect(next_page(request))
        if actions.waiting(request) is None:
            messages.error(request, _("Too many wrong codes: sign in again."))
            return redirect("sign_in")
        form.add_error("code", WRONG_CODE)
    return render(request, "accounts/sign_in_code.html", {"form": form, "next": next_page(request)})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def password_forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for a link by mail; the answer is the same whether there is such an account or not."""
    form = ForgottenForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and settings.EMAIL_HOST:
        actions.ask_for_password(form.cleaned_data["email"])
        messages.info(
            request,
            _("If there is an account with this e-mail, a link is on its way. It holds for three days."),
        )
        return redirect("sign_in")
    shown = {"form": form, "can_mail": bool(settings.EMAIL_HOST)}
    return render(request, "accounts/password_forgotten.html", shown)


@never_cache
@sensitive_post_parameters("new", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def password_set(request: HttpRequest, uid: str, token: str) -> HttpResponse:
    """Choose a password, for who came by a link."""
    user = links.whose(uid, token)
    if user is None:
        return render(request, "accounts/link_over.html", status=404)
    form = NewPasswordForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        if not actions.set_password(user, form.cleaned_data["new"]):
            return render(request, "accounts/link_over.html", status=404)
        messages.success(request, _("Your password is set. Sign in with it."))
        return redirect("sign_in")
    # The address is a key: our referrer policy shows it to no other site. With none at all, browsers send the
    # form as from nowhere, and it is refused.
    return render(request, "accounts/password_set.html", {"form": form, "owner": user})


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    actions.sign_out(request, person(request))
    messages.info(request, _("You are signed out."))
    return redirect("sign_in")


@never_cache
@sensitive_post_parameters("old", "new", "again")
@require_http_methods(["GET", "HEAD", "POST"])
def password_change(request: HttpRequest) -> HttpResponse:
    user = person(request)
    form = PasswordForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        if actions.change_password(request, user, form.cleaned_data["old"], form.cleaned_data["new"]):
            messages.success(request, _("Password changed. Your other sessions have ended."))
            return redirect("password_change")
        form.add_error("old", _("This is not your current password."))
    return render(request, "accounts/password.html", {"form": form})


def locked_out(request: HttpRequest, *args: Any) -> HttpResponse:
    """What too many wrong passwords for one e-mail from one address lead to."""
    mine = AccessAttempt.objects.filter(
        username=request.axes_credentials["email"],  # type: ignore[attr-defined]
        ip_address=request.axes_ip_address,  # type: ignore[attr-defined]
    )
    last = mine.order_by("-attempt_time").values_list("attempt_time", flat=True).first() or timezone.now()
    wait: timedelta = settings.AXES_COOLOFF_TIME
    return render(request, "accounts/locked_out.html", {"until": last + wait}, status=429)
