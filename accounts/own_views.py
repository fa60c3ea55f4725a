"""What people see to of their own account: sessions and the second factor."""

from django.contrib import messages
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import actions, second_factor, sessions
from accounts.access import person
from accounts.forms import CodeForm, ConfirmForm
from accounts.models import SignIn, User
from chronos_site.sealing import NoKey

# The key that is offered, until the person has shown that their device knows it.
OFFERED = "totp_offered"


@require_safe
def session_list(request: HttpRequest) -> HttpResponse:
    """Where the person is signed in."""
    found = sessions.alive(person(request))
    return render(request, "accounts/sessions.html", {"sign_ins": found, "this": request.session.session_key})


@require_POST
def session_end(request: HttpRequest, sign_in_id: int) -> HttpResponse:
    user = person(request)
    one = get_object_or_404(SignIn, pk=sign_in_id, owner=user)
    if one.session_key == request.session.session_key:
        messages.error(request, _("This is the session you are in: sign out instead."))
    else:
        actions.end_sessions(SignIn.objects.filter(pk=one.pk), by=user)
        messages.success(request, _("That session has ended."))
    return redirect("session_list")


@require_POST
def session_end_others(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    user = person(request)
    others = SignIn.objects.filter(owner=user).exclude(session_key=request.session.session_key)
    ended = actions.end_sessions(others, by=user)
    told = ngettext("%(count)s other session ended.", "%(count)s other sessions ended.", ended)
    messages.success(request, told % {"count": ended})
    return redirect("session_list")


@never_cache
@sensitive_post_parameters("code", "password")
@require_http_methods(["GET", "HEAD", "POST"])
def two_factor(request: HttpRequest) -> HttpResponse:
    """Switch the second factor on: a key for the device, and a code that shows that it knows it."""
    user = person(request)
    if user.totp:
        return _switched_on(request, user)
    key = request.session.setdefault(OFFERED, second_factor.new_key())
    form = CodeForm(request.POST or None)
    form.fields["code"].help_text = _("The six digits that the app shows now.")
    if request.method == "POST" and form.is_valid():
        step = second_factor.step_of(key, form.cleaned_data["code"])
        if step is None:
            form.add_error("code", _("This is not the code that the app shows now."))
        else:
            try:
                codes = actions.switch_on_second_factor(user, key, step)
            except NoKey as missing:
                form.add_error("code", str(missing))
            else:
                del request.session[OFFERED]
                return render(request, "accounts/recovery_codes.html", {"codes": codes})
    in_fours = " ".join(key[at : at + 4] for at in range(0, len(key), 4))
    shown = {"form": form, "key": key, "in_fours": in_fours, "picture": second_factor.picture(user, key)}
    return render(request, "accounts/two_factor.html", shown)


def _switched_on(request: HttpRequest, user: User) -> HttpResponse:
    """What can be done once it is on; each asks for the password again."""
    form = ConfirmForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if authenticate(request, email=user.email, password=form.cleaned_data["password"]) != user:
            form.add_error("password", _("This is not your current password."))
        elif request.POST.get("do") == "codes":
            return render(
                request, "accounts/recovery_codes.html", {"codes": actions.renew_recovery_codes(user)}
            )
        elif user.needs_second_factor:
            form.add_error(None, _("Your role asks for two-factor: it cannot be switched off."))
        else:
            actions.switch_off_second_factor(user, by=user)
            messages.success(request, _("Signing in asks for the password alone again."))
            return redirect("two_factor")
    left = user.recovery_codes.count()
    return render(request, "accounts/two_factor_on.html", {"form": form, "left": left})
