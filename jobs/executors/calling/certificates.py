"""Certificates as people paste them, and what TLS makes of them."""

import re
import ssl
from functools import lru_cache
from tempfile import NamedTemporaryFile
from typing import Any

import certifi
from django import forms
from django.utils.translation import gettext_lazy as _
from urllib3.util import create_urllib3_context

from jobs.executors.fields import TextField

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]{3,40})-----[A-Za-z0-9+/=\s]+-----END \1-----")
_CERTIFICATE = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----"
_KEY = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"


class Unreadable(Exception):
    """A certificate or its key cannot be used; `str()` is the sentence for the person."""


class CertificatesField(TextField):
    """Certificates in PEM; `key` says that their private key belongs to them."""

    def __init__(self, *, key: bool = False, **kwargs: Any) -> None:
        sample = f"{_CERTIFICATE}\n{_KEY}" if key else _CERTIFICATE
        super().__init__(lines=4, mono=True, max_length=50_000, sample=sample, **kwargs)
        self.key = key

    def to_python(self, value: Any) -> str:
        text = super().to_python(value)
        kinds = [found[1] for found in _BLOCK.finditer(text)]
        keys = [kind for kind in kinds if kind.endswith("PRIVATE KEY")]
        if text and "CERTIFICATE" not in kinds:
            raise forms.ValidationError(
                _("This holds no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----.")
            )
        if "ENCRYPTED PRIVATE KEY" in keys:
            raise forms.ValidationError(_("The private key is locked by a passphrase: give it without one."))
        if text and self.key and not keys:
            raise forms.ValidationError(_("Give the certificate's private key with it."))
        if keys and not self.key:
            raise forms.ValidationError(_("Leave out the private key: only certificates belong here."))
        return text


def tls_context(
    *, verify: bool, authorities: str = "", client: str = "", minimum: str = ""
) -> ssl.SSLContext:
    """What a TLS connection goes by: whom to trust, who we are, and the oldest version to speak.

    Raises Unreadable for what is no certificate after all.
    """
    if not authorities and not client:
        return _usual(verify, minimum)
    context = _context(verify, minimum, authorities)
    if client:
        _show(client, context)
    return context


@lru_cache
def _usual(verify: bool, minimum: str) -> ssl.SSLContext:
    # Reading the public certificates takes longer than many a call.
    return _context(verify, minimum)


def _context(verify: bool, minimum: str, authorities: str = "") -> ssl.SSLContext:
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if verify else ssl.CERT_NONE)
    context.minimum_version = VERSIONS.get(minimum, ssl.TLSVersion.TLSv1_2)
    if not authorities:
        context.load_verify_locations(certifi.where())
        return context
    try:
        context.load_verify_locations(cadata=authorities)
    except ssl.SSLError as error:
        raise Unreadable("The certificate of the authority cannot be read.") from error
    return context


def _show(client: str, context: ssl.SSLContext) -> None:
    """Have the context present the certificate, which OpenSSL takes from a file alone."""
    with NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(client)
        file.flush()
        try:
            # A key that is locked must not ask for its passphrase on the worker's terminal.
            context.load_cert_chain(file.name, password=str)
        except (ssl.SSLError, ValueError) as error:
            raise Unreadable(
                "The client certificate cannot be read, or the private key is not its own."
            ) from error
