"""Each peer with the settings that its documentation starts from."""

from urllib.parse import urlsplit

from bench.peers import ground

_database, _redis = urlsplit(ground.DATABASE), urlsplit(ground.REDIS)

SECRET_KEY = "only for measurements"  # noqa: S105
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django_rq",
    "django_celery_results",
    "django_celery_beat",
    "django_q",
    "bench.peers.peersite.apps.PeersiteConfig",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": _database.hostname,
        "PORT": _database.port,
        "USER": _database.username,
        "NAME": _database.path.lstrip("/"),
        "CONN_MAX_AGE": None,
    }
}
RQ_QUEUES = {"default": {"URL": ground.redis_url("rq"), "DEFAULT_TIMEOUT": 60}}
Q_CLUSTER = {
    "name": "q",
    "workers": 2,
    "timeout": 60,
    "retry": 120,
    "save_limit": 0,
    "catch_up": False,
    "log_level": "ERROR",
    "redis": ground.redis_url("djangoq"),
}
CELERY_RESULT_BACKEND = "django-db"
