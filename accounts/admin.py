"""Who may sign in, and as what."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q
from django.http import HttpRequest

from accounts import actions
from accounts.access import person
from accounts.forms import AccountForm
from accounts.models import SignIn, User
from chronos_site.admin_lists import PatientChangeList, ReadOnlyAdmin


@admin.register(User)
class UserAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """People are made inactive, never deleted: their jobs would go with them."""

    form = AccountForm
    list_display = ["email", "role_name", "is_active", "created_at", "last_login"]
    list_filter = ["is_active"]
    search_fields = ["email"]
    ordering = ["email"]
    readonly_fields = ["created_at", "last_login"]

    @admin.display(description="Role", ordering="roles")
    def role_name(self, user: User) -> str:
        return str(user.role.label)

    def get_fields(self, request: HttpRequest, obj: User | None = None) -> list[Any]:
        fields = ["email", "role", "is_active", "new_password", "again"]
        return fields if obj is None else [*fields, "created_at", "last_login"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return PatientChangeList

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any
    ) -> type[AccountForm]:
        form = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (form, AccountForm), {"by": person(request)})

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: User, form: AccountForm, change: bool) -> None:
        actions.save_account(
            obj,
            role=form.cleaned_data["role"],
            password=form.cleaned_data["new_password"],
            changed=form.changed(),
            by=person(request),
        )


@admin.register(SignIn)
class SignInAdmin(ReadOnlyAdmin):
    """Sessions, without the keys that open them; they are ended on pages of their own."""

    list_display = ["seen_at", "owner", "address", "agent", "created_at"]
    list_display_links = ["seen_at"]
    list_select_related = ["owner"]
    search_fields = []
    search_help_text = "A person's e-mail, or an address."
    fields = ["owner", "address", "agent", "created_at", "seen_at"]

    def matching(self, term: str) -> Q:
        return Q(owner__email=term.lower()) | Q(address=term)
