"""People: who may sign in, and as what."""

from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Now

from accounts import browsers
from chronos_site.schema import SeedIndex, Stamp, UpdateStamp, cascade
from chronos_site.sealed import Token


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


class SignIn(models.Model):
    """One session of a person's: where it was started from, and when it was last seen."""

    owner = models.ForeignKey("User", on_delete=cascade, related_name="sign_ins", db_index=False)
    session_key = models.CharField(max_length=40, unique=True)
    address = models.CharField(max_length=45, blank=True, default="")
    agent = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    seen_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "sign_ins"
        indexes = [SeedIndex(fields=["owner"], name="idx_sign_ins_owner")]

    def __str__(self) -> str:
        return f"{self.owner_id} from {self.address}"

    @property
    def browser(self) -> str:
        """What people call the browser."""
        return browsers.named(self.agent)


class RecoveryCode(models.Model):
    """A code that stands in for the second factor once; only its hash is kept."""

    owner = models.ForeignKey("User", on_delete=cascade, related_name="recovery_codes", db_index=False)
    digest = models.CharField(max_length=64)

    class Meta:
        db_table = "recovery_codes"
        constraints = [models.UniqueConstraint(fields=["owner", "digest"], name="uniq_recovery_codes")]

    def __str__(self) -> str:
        return f"a recovery code of {self.owner_id}"


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
    # The second factor's key, encrypted; empty without one.
    totp = Token(blank=True, default="", db_default="", editable=False)
    # The last step of the clock whose code was used: no code is good twice.
    totp_step = models.BigIntegerField(default=0, db_default=0, editable=False)
    # The provider that they came by, and a digest of who they are there; a NULL is unlike any other.
    issuer = models.CharField(max_length=255, blank=True, default="", db_default="", editable=False)
    subject = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001
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
    def is_the_providers(self) -> bool:
        """Whether they sign in by the provider and by nothing else."""
        return bool(settings.OIDC_ISSUER and settings.OIDC_NO_PASSWORDS and self.subject)

    @property
    def may_use_password(self) -> bool:
        return self.has_usable_password() and not self.is_the_providers

    @property
    def needs_second_factor(self) -> bool:
        """Whether this installation demands two-factor of their role."""
        return self.role.value in settings.REQUIRE_SECOND_FACTOR

    @property
    def owes_second_factor(self) -> bool:
        """Whether their role may do nothing without a second factor, and they have none."""
        return self.needs_second_factor and not self.totp

    @property
    def is_staff(self) -> bool:
        return self.is_administrator

    def has_perm(self, perm: str, obj: models.Model | None = None) -> bool:
        return self.is_administrator

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_administrator
