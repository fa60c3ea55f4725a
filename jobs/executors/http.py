"""HTTP: call a URL and judge what it answers."""

import re
import time
import unicodedata
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlsplit

import requests
from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation.trans_null import gettext_noop

from jobs import masking
from jobs.executors import guard
from jobs.executors.base import Context, JobType, Payload, Result
from jobs.executors.calling import answers, calls
from jobs.executors.calling.certificates import CertificatesField
from jobs.executors.fields import FlagField, NumbersField, ScalarField, TextField, TimeoutField, WordField
from jobs.executors.json_fields import HeadersField, OptionsField, check_json
from jobs.executors.payload_form import PayloadForm

# Seconds that a call may take where the job does not say.
LIMIT = 30
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
CONTENT_TYPES = {
    "JSON": "application/json",
    "FORM": "application/x-www-form-urlencoded",
    "TEXT": "text/plain; charset=utf-8",
    "XML": "application/xml; charset=utf-8",
}

_PORTS = {"http": 80, "https": 443}
_CONTROL = re.compile(r"[\x00-\x20\x7f\\]")
_TOKEN = re.compile(r"[\x21-\x7e]+")


class HttpForm(PayloadForm):
    options: ClassVar[tuple[str, ...]] = (
        "content_type",
        "authentication",
        "auth_user",
        "auth_password",
        "auth_token",
        "expected_statuses",
        "answer_contains",
        "json_path",
        "json_equals",
        "follow_redirects",
        "verify_tls",
        "ca_certificate",
        "client_certificate",
        "minimum_tls",
    )
    groups: ClassVar[Mapping[str, tuple[str, ...]]] = {
        gettext_noop("Sign in"): ("authentication", "auth_user", "auth_password", "auth_token"),
        gettext_noop("What counts as success"): (
            "expected_statuses",
            "answer_contains",
            "json_path",
            "json_equals",
        ),
        gettext_noop("Redirects and TLS"): (
            "follow_redirects",
            "verify_tls",
            "minimum_tls",
            "ca_certificate",
            "client_certificate",
        ),
    }

    http_method = WordField(
        label=_("Method"), choices=dict(zip(METHODS, METHODS, strict=True)), initial="GET"
    )
    timeout_seconds = TimeoutField(LIMIT)
    http_url = TextField(
        label="URL",
        max_length=2048,
        mono=True,
        sample="https://{}",
        help_text=_("For example https://billing.example.com/v2/invoices/export"),
    )
    http_headers = HeadersField(
        label=_("Headers"),
        required=False,
        help_text=_("One a line, such as Accept: application/json, or a JSON object."),
    )
    content_type = WordField(
        label=_("Content type"),
        required=False,
        choices={
            "": _("As the headers say"),
            "JSON": "JSON",
            "FORM": _("Form"),
            "TEXT": _("Text"),
            "XML": "XML",
        },
        help_text=_("Of the body; a Content-Type among the headers comes first."),
    )
    http_body = TextField(
        label=_("Body"),
        required=False,
        strip=False,
        lines=6,
        mono=True,
        help_text=_('Sent as it is, for example {"day": "{{ fire.date - 1d }}"}'),
    )
    authentication = WordField(
        label=_("Sign in"),
        required=False,
        choices={"": _("Not, or by a header"), "BASIC": _("User and password"), "BEARER": _("Token")},
        help_text=_("Sent to the host of the URL, never to another that it redirects to."),
    )
    auth_user = TextField(label=_("User"), required=False)
    auth_password = TextField(
        label=_("Password"),
        required=False,
        strip=False,
        help_text=_("Best a secret: {{ secret:billing_password }}"),
    )
    auth_token = TextField(
        label=_("Token"),
        required=False,
        max_length=8_192,
        help_text=_("Best a secret: {{ secret:billing_token }}"),
    )
    expected_statuses = NumbersField(
        label=_("Count as success"),
        required=False,
        least=100,
        most=599,
        help_text=_("Statuses such as 200, 201, 204; every 2xx if empty."),
    )
    answer_contains = TextField(
        label=_("Answer must contain"),
        required=False,
        strip=False,
        max_length=1_000,
        help_text=_("A text such as DONE, in upper and lower case as written."),
    )
    json_path = TextField(
        label=_("Answer must have"),
        required=False,
        mono=True,
        help_text=_("A JSON path that finds something, such as $.status or $.jobs[*].state"),
    )
    json_equals = ScalarField(
        label=_("Equal to"),
        required=False,
        help_text=_("What each value at that path must be, such as ok, 42 or true; anything if empty."),
    )
    follow_redirects = FlagField(
        label=_("Follow redirects"),
        default=True,
        help_text=format_lazy(_("Up to {redirects}, each checked anew."), redirects=calls.REDIRECTS),
    )
    verify_tls = FlagField(
        label=_("Verify the certificate"),
        default=True,
        help_text=_("Refuses servers that cannot prove their name."),
    )
    ca_certificate = CertificatesField(
        label=_("Trust only this authority"),
        required=False,
        help_text=_("Its certificate in PEM, in the place of the public authorities."),
    )
    client_certificate = CertificatesField(
        label=_("Client certificate"),
        required=False,
        key=True,
        help_text=_("In PEM with its private key; best a secret: {{ secret:billing_certificate }}"),
    )
    minimum_tls = WordField(
        label=_("Oldest TLS"),
        required=False,
        choices={"": "1.2", "1.3": "1.3"},
        help_text=_("Servers that speak only older versions are refused."),
    )
    metadata = OptionsField()

    def clean_http_url(self) -> str:
        url: str = self.cleaned_data["http_url"]
        if _CONTROL.search(url):
            raise forms.ValidationError(_("The URL holds a blank, a backslash or a control character."))
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise forms.ValidationError(_("The URL cannot be read: %(error)s.") % {"error": error}) from error
        if parts.scheme not in ("http", "https"):
            raise forms.ValidationError(_("The URL must start with http:// or https://."))
        if parts.username is not None or parts.password is not None:
            raise forms.ValidationError(
                _("Leave user and password out of the URL: use an Authorization header.")
            )
        if not parts.hostname or port == 0:
            raise forms.ValidationError(_("The URL names no host."))
        try:
            # Digits of other scripts are digits for whoever looks the host up.
            host = unicodedata.normalize("NFKC", parts.hostname)
            guard.check_name(host, port or _PORTS[parts.scheme])
        except guard.Forbidden as error:
            raise forms.ValidationError(str(error)) from error
        return url

    def clean_json_path(self) -> str:
        path: str = self.cleaned_data["json_path"]
        if path:
            try:
                answers.compiled(path)
            except answers.BadPath as error:
                raise forms.ValidationError(str(error)) from error
        return path

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self._check_body(cleaned)
        self._check_sign_in(cleaned)
        for name in ("answer_contains", "json_path"):
            if cleaned.get("http_method") == "HEAD" and cleaned.get(name):
                self.add_error(name, _("An answer to HEAD has no body to look at."))
        if cleaned.get("json_equals") and not cleaned.get("json_path"):
            self.add_error("json_path", _("Say by a JSON path which value is meant, such as $.status."))
        if cleaned.get("ca_certificate") and not cleaned.get("verify_tls", True):
            self.add_error(
                "ca_certificate",
                _("Nobody looks at this while the certificate is not verified: leave out one."),
            )
        return cleaned

    def _check_body(self, cleaned: Mapping[str, Any]) -> None:
        """Refuse a body that is no JSON though it is sent as such."""
        body = cleaned.get("http_body")
        said = _header(cleaned.get("http_headers"), "content-type")
        kind = said.partition(";")[0].strip().lower() if said else ""
        if body and (kind == CONTENT_TYPES["JSON"] if said else cleaned.get("content_type") == "JSON"):
            try:
                check_json(body)
            except forms.ValidationError as error:
                self.add_error("http_body", error)

    def _check_sign_in(self, cleaned: Mapping[str, Any]) -> None:
        way = cleaned.get("authentication")
        user, password, token = (
            cleaned.get(name) or "" for name in ("auth_user", "auth_password", "auth_token")
        )
        if way and _header(cleaned.get("http_headers"), "authorization"):
            self.add_error("authentication", _("The headers hold an Authorization already: leave out one."))
        if way == "BASIC" and (not user or ":" in user):
            self.add_error("auth_user", _("Give the user's name, which holds no colon."))
        if way == "BEARER" and not _TOKEN.fullmatch(token):
            self.add_error("auth_token", _("Give the token, which holds neither blanks nor accents."))
        unused = {"auth_user": user, "auth_password": password} if way != "BASIC" else {}
        unused |= {"auth_token": token} if way != "BEARER" else {}
        for name in [name for name, value in unused.items() if value and name not in self.errors]:
            self.add_error(name, _("This is not used by the way of signing in that is chosen."))


def _header(headers: Mapping[str, str] | None, name: str) -> str:
    """The header's value, whatever case its name is written in."""
    return next((text for each, text in (headers or {}).items() if each.lower() == name), "")


def execute(payload: Payload, context: Context) -> Result:
    """Make the call and judge its answer by status and body.

    Raises ExecutionError with HTTP_<status>, UNEXPECTED_STATUS, UNEXPECTED_BODY, DNS_ERROR, TLS_ERROR,
    CONNECTION_ERROR, TOO_MANY_REDIRECTS, FORBIDDEN_ADDRESS or INVALID_URL.
    """
    options = payload.options
    opening = calls.session(
        payload.http_url,
        authorities=options.get("ca_certificate", ""),
        client=options.get("client_certificate", ""),
        minimum=options.get("minimum_tls", ""),
    )
    with calls.told(context), opening as (session, shut_down), context.closing(shut_down):
        return _call(session, payload, context)


def _call(session: requests.Session, payload: Payload, context: Context) -> Result:
    method = payload.http_method or "GET"
    body = (payload.http_body or "").encode()
    context.log("INFO", masking.text(f"{method} {payload.http_url}"), bytes=len(body))
    verify = payload.options.get("verify_tls", True)
    if not verify:
        context.log("WARN", "The server's certificate is not verified.")
    follow = payload.options.get("follow_redirects", True)
    sign_in = calls.sign_in(payload.options)
    # Servers that echo what they were sent are common where calls are tried out.
    hidden = masking.ByValue(sign_in.secrets if sign_in else [])
    started = time.monotonic()
    with session.request(
        method,
        payload.http_url,
        headers=_headers(payload),
        data=body or None,
        auth=sign_in,
        timeout=context.remaining,
        allow_redirects=follow,
        hooks={"response": calls.leave_body_of_redirect} if follow else None,
        verify=verify,
        stream=True,
    ) as answer:
        for hop in answer.history:
            where = hop.headers.get("Location")
            context.log("INFO", masking.text(f"{hop.status_code} redirects to {where}"))
        content = answers.read(answer, context)
        took = round((time.monotonic() - started) * 1000)
        return answers.judge(answer, content, took, payload.options, context, hidden.anything)


def _headers(payload: Payload) -> dict[str, str]:
    given = dict(payload.http_headers or {})
    kind = CONTENT_TYPES.get(payload.options.get("content_type", ""))
    if kind and payload.http_body and not _header(given, "content-type"):
        given["Content-Type"] = kind
    return given


TYPE = JobType(
    code="HTTP",
    label="HTTP",
    hint="Call a URL, check the answer",
    icon="ty-http",
    form=HttpForm,
    aliases={
        "httpUrl": "http_url",
        "url": "http_url",
        "httpMethod": "http_method",
        "method": "http_method",
        "httpHeaders": "http_headers",
        "headers": "http_headers",
        "httpBody": "http_body",
        "body": "http_body",
        "contentType": "content_type",
        "authentication": "authentication",
        "authUser": "auth_user",
        "authPassword": "auth_password",
        "authToken": "auth_token",
        "timeoutSeconds": "timeout_seconds",
        "expectedStatuses": "expected_statuses",
        "answerContains": "answer_contains",
        "jsonPath": "json_path",
        "jsonEquals": "json_equals",
        "followRedirects": "follow_redirects",
        "verifyTls": "verify_tls",
        "caCertificate": "ca_certificate",
        "clientCertificate": "client_certificate",
        "minimumTls": "minimum_tls",
        "metadata": "metadata",
    },
    execute=execute,
    limit=LIMIT,
    repeatable=lambda payload: payload.http_method in ("GET", "HEAD"),
    error_classes=(
        "4XX",
        "5XX",
        "HTTP_ERROR",
        "UNEXPECTED_STATUS",
        "UNEXPECTED_BODY",
        "NETWORK_ERROR",
        "CONNECTION_ERROR",
        "DNS_ERROR",
        "TLS_ERROR",
        "TIMEOUT",
        "TOO_MANY_REDIRECTS",
        "FORBIDDEN_ADDRESS",
        "INVALID_URL",
    ),
)
