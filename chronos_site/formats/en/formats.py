"""Instants with seconds on a 24-hour clock, for what Django itself formats."""

DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i:s"
DATETIME_FORMAT = "j M Y H:i:s"
