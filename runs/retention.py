"""How long what ran is kept."""

from django.db import models


class RetentionRule(models.Model):
    """How long rows of one kind are kept, where somebody has decided otherwise than the product does."""

    subject = models.CharField(max_length=40, unique=True)
    days = models.PositiveIntegerField(null=True, help_text="Empty keeps them for ever.")

    class Meta:
        db_table = "retention_rules"

    def __str__(self) -> str:
        return self.subject
