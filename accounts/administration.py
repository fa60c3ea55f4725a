"""Django's admin as part of the product: our sign-in, our name, for administrators only."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect


class Administration(AdminSite):
    site_title = "Chronos administration"
    site_header = "Chronos administration"
    index_title = "Administration"

    def get_urls(self) -> list[Any]:
        # Nothing here has a page to view on the site; the address would look into any table by its number.
        return [each for each in super().get_urls() if getattr(each, "name", None) != "view_on_site"]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """One sign-in for the whole product, and who comes here is signed in."""
        return redirect("admin:index")

    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        from accounts.views import sign_out  # models are not there yet when this module is imported

        return sign_out(request)

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        return redirect("password_change")
