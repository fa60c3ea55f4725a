"""How messages reach people, one file each."""

from notifications.channels import email, sms, webhook
from notifications.channels.base import Channel

CHANNELS: dict[str, Channel] = {each.code: each for each in (email.CHANNEL, webhook.CHANNEL, sms.CHANNEL)}
