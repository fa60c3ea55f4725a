"""Rules: who is told of what, and when."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import User
from chronos_site.schema import SeedIndex, UlidField, cascade, new_ulid
from jobs.models import Job
from notifications.contacts import Contact


class Event(models.TextChoices):
    FAILURE = "FAILURE", "It fails"
    DEAD_LETTER = "DEAD_LETTER", "A dead letter waits for a decision"
    RECOVERY = "RECOVERY", "It works again"
    RETRY = "RETRY", "An attempt fails and is tried again"
    SUCCESS = "SUCCESS", "It succeeds"
    LATE = "LATE", "It is late"
    STUCK = "STUCK", "Its worker has gone silent"
    SLOW = "SLOW", "It takes much longer than usual"
    SCHEDULER = "SCHEDULER", "Chronos itself is in trouble"


class RuleQuerySet(models.QuerySet["Rule"]):
    def visible_to(self, user: User) -> Self:
        """Their own, or everyone's for operators and administrators."""
        return self if user.is_operator else self.filter(owner=user)

    def speaking(self, at: datetime) -> Self:
        """Rules that are on and not muted."""
        return self.filter(Q(muted_until=None) | Q(muted_until__lte=at), enabled=True, owner__is_active=True)


class Rule(models.Model):
    """Tells its contact points of these events of the jobs in its scope.

    It speaks of jobs that its owner may see, and of no others. A failure is told when it is the
    `after_failures`th in a row, further ones only by reminders. Events of one kind within `group_seconds`
    make one message. In quiet hours, which are on the clock of `zone`, messages wait for their end.
    """

    class Scope(models.TextChoices):
        ALL = "ALL", "All jobs"
        JOB = "JOB", "One job"
        TAG = "TAG", "Jobs with a tag"
        OWNER = "OWNER", "Jobs of one person"

    class Digest(models.TextChoices):
        HOURLY = "HOURLY", "Once an hour"
        DAILY = "DAILY", "Once a day"

    id = UlidField(primary_key=True, default=new_ulid, editable=False)
    name = models.CharField(max_length=100)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=cascade, related_name="rules", db_index=False
    )
    scope = models.CharField(max_length=10, choices=Scope, default=Scope.ALL)
    job = models.ForeignKey(
        Job, on_delete=cascade, null=True, blank=True, related_name="rules", db_index=False
    )
    tag = models.CharField(max_length=50, blank=True, default="")
    of_owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=cascade, null=True, blank=True, related_name="+", db_index=False
    )
    events = models.JSONField(default=list)
    after_failures = models.PositiveIntegerField(default=1)
    group_seconds = models.PositiveIntegerField(default=30)
    remind_seconds = models.PositiveIntegerField(null=True, blank=True)
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    zone = models.CharField(max_length=50, default="UTC")
    urgent_breaks_through = models.BooleanField(default=True)
    digest = models.CharField(max_length=10, choices=Digest, blank=True, default="")
    digest_at = models.TimeField(null=True, blank=True)
    enabled = models.BooleanField(default=True)
    muted_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)
    contacts = models.ManyToManyField(Contact, through="RuleContact", related_name="rules")

    objects = RuleQuerySet.as_manager()

    class Meta:
        db_table = "notification_rules"
        indexes = [
            SeedIndex(fields=["owner", "name"], name="idx_notification_rules_owner"),
            SeedIndex(fields=["job"], name="idx_notification_rules_job"),
            SeedIndex(fields=["of_owner"], name="idx_notification_rules_of_owner"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(scope="ALL")
                | Q(scope="JOB", job__isnull=False)
                | (Q(scope="TAG") & ~Q(tag=""))
                | Q(scope="OWNER", of_owner__isnull=False),
                name="chk_notification_rules_scope",
            ),
            models.CheckConstraint(
                condition=Q(after_failures__gte=1), name="chk_notification_rules_after_failures"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RuleContact(models.Model):
    """A contact point that a rule tells."""

    rule = models.ForeignKey(Rule, on_delete=cascade, related_name="+", db_index=False)
    contact = models.ForeignKey(Contact, on_delete=cascade, related_name="+", db_index=False)

    class Meta:
        db_table = "notification_rule_targets"
        indexes = [SeedIndex(fields=["contact"], name="idx_notification_rule_targets_contact")]
        constraints = [
            models.UniqueConstraint(fields=["rule", "contact"], name="uniq_notification_rule_targets")
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} tells {self.contact_id}"
