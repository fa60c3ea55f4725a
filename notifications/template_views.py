"""The texts of messages: administrators read, try and change them."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import person
from chronos_site.middleware import CONTENT_SECURITY_POLICY
from notifications import sample, templates, vocabulary, wording
from notifications.channel_names import Channel
from notifications.channels import shapes, sms
from notifications.channels.base import Message
from notifications.template_form import TemplateForm
from notifications.templates import ChangedMeanwhile, Template
from notifications.texts import Texts

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Row:
    """One kind of message on the page, and who has written its texts."""

    code: str
    name: str
    occasion: str
    texts: list[tuple[Channel, Template | None]]


@require_safe
def template_list(request: HttpRequest) -> HttpResponse:
    """Every kind of message, and which of its texts somebody has changed."""
    return render(request, "notifications/templates.html", {"rows": list(_rows())})


def _rows() -> Iterator[Row]:
    stored = Template.objects.select_related("updated_by").defer("text", "html")
    found = {(each.code, each.channel): each for each in stored}
    for code, name in vocabulary.EVENTS.items():
        texts = [(channel, found.get((code, channel.value))) for channel in Channel]
        yield Row(code, name, vocabulary.OCCASIONS[code], texts)


@require_http_methods(["GET", "HEAD", "POST"])
def template_edit(request: HttpRequest, code: str, channel: str) -> HttpResponse:
    """One text and how it looks with real facts; a POST shows that for what was typed, or makes it hold."""
    if code not in vocabulary.EVENTS or channel not in Channel.values:
        raise Http404
    stored = templates.written(code, channel)
    if request.method != "POST":
        texts = stored.texts if stored else wording.built_in(code, channel)
        form = TemplateForm(channel, initial={**asdict(texts), "read": stored.state if stored else ""})
        return _page(request, code, channel, form, stored, texts)
    form = TemplateForm(channel, request.POST)
    if request.POST.get("do") == "reset":
        return _reset(request, code, channel, form, stored)
    if not form.is_valid():
        return _page(request, code, channel, form, stored, None)
    if request.POST.get("do") != "save":
        return _page(request, code, channel, form, stored, form.texts)
    return _save(request, code, channel, form, stored)


def _save(
    request: HttpRequest, code: str, channel: str, form: TemplateForm, stored: Template | None
) -> HttpResponse:
    told = {"by": person(request), "read": form.cleaned_data["read"], "note": form.cleaned_data["note"]}
    try:
        if form.texts == wording.built_in(code, channel):
            changed = templates.reset(code, channel, **told)
        else:
            changed = templates.change(code, channel, form.texts, at=timezone.now(), **told)
    except ChangedMeanwhile as error:
        return _conflict(request, code, channel, form, stored, str(error))
    if changed:
        messages.success(request, _("Saved. Messages that go out from now on say this."))
    else:
        messages.info(request, _("Nothing was changed."))
    return redirect("template_edit", code=code, channel=channel)


def _reset(
    request: HttpRequest, code: str, channel: str, form: TemplateForm, stored: Template | None
) -> HttpResponse:
    # The texts do not count here, mistakes in them neither; the reason does.
    form.full_clean()
    told = {"read": form.cleaned_data.get("read", ""), "note": form.cleaned_data.get("note", "")}
    try:
        changed = templates.reset(code, channel, by=person(request), **told)
    except ChangedMeanwhile as error:
        return _conflict(request, code, channel, form, stored, str(error))
    if changed:
        messages.success(request, _("The built-in text is back. The audit trail keeps the other one."))
    else:
        messages.info(request, _("This was the built-in text already."))
    return redirect("template_edit", code=code, channel=channel)


def _conflict(
    request: HttpRequest,
    code: str,
    channel: str,
    form: TemplateForm,
    stored: Template | None,
    sentence: str,
) -> HttpResponse:
    """What was typed, kept on the page beside what somebody else has saved."""
    texts = form.texts if form.is_valid() else None
    return _page(request, code, channel, form, stored, texts, conflict=sentence, status=409)


def _page(
    request: HttpRequest,
    code: str,
    channel: str,
    form: TemplateForm,
    stored: Template | None,
    texts: Texts | None,
    *,
    conflict: str = "",
    status: int = 200,
) -> HttpResponse:
    """The page; without `texts`, which hold a mistake, nothing is shown of how they look."""
    asked = request.POST if request.method == "POST" else request.GET
    about, many = asked.get("job", "").replace("\0", "").strip()[:255], bool(asked.get("many"))
    job = sample.job_named(about, person(request)) if about else None
    facts = vocabulary.example(code, many=many)
    if job and not many:
        facts = sample.facts(code, job)
    context = {
        "code": code,
        "channel": Channel(channel),
        "name": vocabulary.EVENTS[code],
        "occasion": vocabulary.OCCASIONS[code],
        "form": form,
        "stored": stored,
        "conflict": conflict,
        "about": about,
        "many": many,
        "unknown_job": bool(about) and job is None,
        "job": job,
        "names": [(name, meaning) for name, meaning in vocabulary.NAMES.items()],
        "preview": _preview(texts, code, channel, facts) if texts else None,
    }
    response = render(request, "notifications/template.html", context, status=status)
    if channel == Channel.EMAIL:
        # The mail in its frame brings a stylesheet of its own, which the policy knows by its sum.
        digest = base64.b64encode(hashlib.sha256(wording.style().encode()).digest()).decode()
        response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.replace(
            "style-src 'self'", f"style-src 'self' 'sha256-{digest}'"
        )
    return response


@dataclass(frozen=True)
class Preview:
    """How a message looks; `problem` instead where its values make it too long."""

    message: Message | None = None
    body: str = ""
    size: int = 0
    problem: str = ""


def _preview(texts: Texts, code: str, channel: str, facts: dict[str, Any]) -> Preview:
    try:
        message = wording.fill(texts, code, channel, facts, id="chronos-1-0")
    except ValueError as error:
        return Preview(problem=str(error))
    if channel == Channel.WEBHOOK:
        body = json.loads(shapes.SHAPES[shapes.JSON].write(message, {}))
        return Preview(message, json.dumps(body, indent=2, ensure_ascii=False))
    if channel == Channel.SMS:
        fitted = sms.fitting(message.sms, sms.PARTS[-1])
        return Preview(message, fitted, len(fitted))
    return Preview(message)
