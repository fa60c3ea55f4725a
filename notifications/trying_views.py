"""The button “Send a test” of a contact point."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.access import page_of, person
from chronos_site.clock import database_now
from notifications.contacts import Contact
from notifications.trying import TooSoon, send_test


@require_POST
def contact_test(request: HttpRequest, contact_id: str) -> HttpResponse:
    """Send the test, and go back to the page with what the peer said."""
    user = person(request)
    contact = get_object_or_404(Contact.objects.visible_to(user), pk=contact_id)
    try:
        verdict = send_test(contact, user, at=database_now())
    except TooSoon as error:
        return render(request, "409.html", {"sentence": str(error), "back": page_of(request)}, status=409)
    if verdict.taken:
        messages.success(
            request,
            _("The test went out to %(name)s. The peer said: %(said)s")
            % {"name": contact.name, "said": verdict.said},
        )
    else:
        messages.error(
            request,
            _("The test did not reach %(name)s. %(said)s") % {"name": contact.name, "said": verdict.said},
        )
    return redirect(page_of(request))
