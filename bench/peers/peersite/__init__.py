"""The Django project that the peers share."""
