"""People: who may sign in, and as what."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from chronos_site.schema import SeedIndex, Stamp, UpdateStamp


class Role(models.TextChoices):
    USER = "USER", "User"
    OPERATOR = "OPERATOR", "Operator"
    ADMIN = "ADMIN", "Administrator"


class Accounts(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A person who signs in by e-mail; without a password, nobody can sign in as them."""
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, **{**fields, "roles": Role.ADMIN.value})

    def get_by_natural_key(self, username: str | None) -> "User":
        """The person with this e-mail in whatever case; the oldest, should a database hold two."""
        if found := self.filter(email__iexact=username).order_by("pk").first():
            return found
        raise self.model.DoesNotExist

    def administrators(self) -> models.QuerySet["User"]:
        """Everyone who may administer now."""
        return self.filter(is_active=True, roles__iregex=r"(^|,) *ADMIN *(,|$)")


class User(AbstractBaseUser):
    email = models.EmailField(max_length=255, unique=True)
    password = models.CharField(max_length=255)
    roles = models.CharField(
        max_length=255,
        default=Role.USER.value,
        db_default=Role.USER.value,
        help_text="USER, OPERATOR or ADMIN; several separated by commas count as the highest.",
    )
    is_active = models.BooleanField("active", default=True, db_default=True)
    time_zone = models.CharField(
        max_length=50,
        blank=True,
        default="",
        db_default="",
        help_text="In which they read times: a zone's name, browser or job; empty until they choose.",
    )
    created_at = Stamp()
    updated_at = UpdateStamp()

    objects = Accounts()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        db_table = "users"
        indexes = [
            SeedIndex(fields=["email"], name="idx_users_email"),
            SeedIndex(fields=["created_at"], name="idx_users_created_at"),
        ]

    def __str__(self) -> str:
        return self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = self.email.lower()
        super().save(*args, **kwargs)

    @property
    def role(self) -> Role:
        """The highest of the person's roles; what is not a role counts for nothing."""
        held = {word.strip().upper() for word in self.roles.split(",")}
        return next((role for role in reversed(Role) if role.value in held), Role.USER)

    @property
    def is_administrator(self) -> bool:
        return self.is_active and self.role is Role.ADMIN

    @property
    def is_operator(self) -> bool:
        """Whether they may see and operate everyone's jobs; administrators may too."""
        return self.is_active and self.role in (Role.OPERATOR, Role.ADMIN)

    @property
    def is_staff(self) -> bool:
        return self.is_administrator

    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        return self.is_administrator

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_administrator
