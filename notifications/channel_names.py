"""The ways by which messages go out."""

from django.db import models


class Channel(models.TextChoices):
    EMAIL = "EMAIL", "E-mail"
    WEBHOOK = "WEBHOOK", "Webhook"
    SMS = "SMS", "SMS"
