"""All settings, in labelled sections, from the environment or `.env`."""

from datetime import timedelta

from chronos_site import collector, env, valkey
from chronos_site.database_url import database

# Until all applications are loaded; see apps.py.
collector.rest()

# Where things are

BASE_DIR = env.BASE_DIR
DATA_DIR = env.folder("CHRONOS_DATA_DIR", "data")

# Security

DEBUG = env.flag("CHRONOS_DEBUG")
SECRET_KEY = env.text("SECRET_KEY")
ALLOWED_HOSTS = env.words("CHRONOS_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
# With it /metrics answers other machines too; without it this one alone.
METRICS_TOKEN = env.text("CHRONOS_METRICS_TOKEN")
CSRF_TRUSTED_ORIGINS = env.words("CHRONOS_TRUSTED_ORIGINS")

# Names of our own: cookies do not tell ports apart, and other sites run on 127.0.0.1 too.
# Under TLS the prefix lets no other host of the domain, and nobody on the way, set them.
HTTPS = env.flag("CHRONOS_HTTPS")
_PREFIX = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{_PREFIX}chronos_session"
CSRF_COOKIE_NAME = f"{_PREFIX}chronos_csrf"

# Behind a proxy that speaks TLS and sets X-Forwarded-Proto. Monitors may go on asking without it.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
# Proxies in front whose word on where a request comes from, X-Forwarded-For, is taken.
PROXIES = env.networks("CHRONOS_PROXIES")
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
# Other names under the same domain are not ours to speak for.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# What addresses in messages begin with: where people open Chronos.
BASE_URL = env.base_url("CHRONOS_BASE_URL")

# Shown in the shell, so that nobody takes one installation for another.
ENVIRONMENT = env.text("CHRONOS_ENVIRONMENT") or ("development" if DEBUG else "production")

# Applications

INSTALLED_APPS = [
    "accounts",
    "audit",
    "jobs",
    "runs",
    "notifications",
    "dashboard",
    "api",
    "chronos_site",
    "chronos_site.admin_config.AdministrationConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "django_rq",
    "crispy_forms",
    "crispy_bootstrap5",
    "bootstrap",
    "django_htmx",
    "axes",
]

MIDDLEWARE = [
    "chronos_site.stack.room",
    "chronos_site.proxies.client_address",
    "django.middleware.security.SecurityMiddleware",
    "chronos_site.middleware.browser_policy",
    "chronos_site.middleware.bounded_requests",
    "django.middleware.gzip.GZipMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "audit.origin.known_origin",
    "audit.denials.denials",
    "dashboard.viewer.viewer_zone",
    "accounts.access.Permissions",
    "django.contrib.messages.middleware.MessageMiddleware",
    "accounts.confirming.Confirmation",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "jobs.middleware.RefusedMoves",
    "axes.middleware.AxesMiddleware",
    "api.once.Once",
]

ROOT_URLCONF = "chronos_site.urls"
WSGI_APPLICATION = "chronos_site.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "chronos_site.templates.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                ),
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "chronos_site.context.shell",
            ],
            "builtins": ["django.templatetags.i18n"],
        },
    },
]

# Fields are drawn by these templates too, and may be by some of our own.
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# Database

DATABASES = {"default": database("DATABASE_URL", DATA_DIR / "chronos.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Queue

REDIS_URL = valkey.url(DATA_DIR)
RQ_QUEUES = {
    name: {"URL": REDIS_URL, "SERIALIZER": "rq.serializers.JSONSerializer"}
    for name in ("high", "medium", "low")
}
RQ = {"JOB_CLASS": "runs.ring.Bell"}

# Engine

# A tick older than this when it is found is missed: the schedule's misfire policy decides.
MISFIRE_THRESHOLD_SECONDS = env.number("CHRONOS_MISFIRE_THRESHOLD_SECONDS", 60, least=1)
# Runs that one schedule starts at one firing, at most; older ticks are skipped.
CATCH_UP_CAP = env.number("CHRONOS_CATCH_UP_CAP", 100, least=1)
# A worker that does not renew a run's lease for this long has lost the run.
LEASE_SECONDS = env.number("CHRONOS_LEASE_SECONDS", 30, least=5)
# Runs that one worker works on at a time.
SLOTS = env.number("CHRONOS_SLOTS", 256, least=1)
# Replays of one dead letter; more of them only an operator may ask for, with a note.
MOST_REPLAYS = env.number("CHRONOS_MOST_REPLAYS", 5, least=1)
# What running work gets to end in when a worker is stopped.
STOP_GRACE_SECONDS = env.number("CHRONOS_STOP_GRACE_SECONDS", 30)
# A worker's process is replaced after this long, once its runs have ended.
DRAIN_LIFETIME_SECONDS = env.number("CHRONOS_DRAIN_LIFETIME_SECONDS", 900, least=1)
# Log lines kept of one run.
LOG_LINES_LIMIT = env.number("CHRONOS_LOG_LINES_LIMIT", 100_000, least=1)
# Megabytes of files that one run may leave behind.
ARTEFACT_LIMIT_MB = env.number("CHRONOS_ARTEFACT_LIMIT_MB", 20, least=1, most=200)

# Called every minute while the scheduler ticks, for a monitor outside.
HEARTBEAT_URL = env.text("CHRONOS_HEARTBEAT_URL")

# What jobs may do

# Private networks that jobs may connect to; public addresses are open, metadata services never.
ALLOWED_NETWORKS = env.networks("CHRONOS_ALLOWED_NETWORKS")
# Folders that file jobs, attachments and kept copies of reports stay inside.
FILE_ROOTS = env.folders("CHRONOS_FILE_ROOTS", DATA_DIR / "files")
# Message brokers and cache regions by name: {"orders": "amqp://user:password@rabbitmq/"}
BROKERS = env.addresses("CHRONOS_BROKERS", "amqp", "amqps", "redis", "rediss", "kafka", "sqs")
CACHE_REGIONS = env.addresses("CHRONOS_CACHE_REGIONS", "redis", "rediss", "memcached")
# Databases by name, for jobs that are not to know their passwords: {"shop": "mysql://user:password@db/shop"}
NAMED_DATABASES = env.addresses(
    "CHRONOS_DATABASES", "postgresql", "mysql", "mariadb", "sqlite", "mssql", "oracle"
)
# Fonts that PDF reports take for scripts which their own font lacks, the first that has a character first.
PDF_FONTS = env.files("CHRONOS_PDF_FONTS")
# Whether administrators may define jobs that run scripts on the workers' machines.
SCRIPT_ENABLED = env.flag("CHRONOS_SCRIPT_ENABLED")
# Whom they run as on workers that run as root: nobody in particular without it.
SCRIPT_USER = env.text("CHRONOS_SCRIPT_USER")

# Mail

EMAIL_HOST = env.text("CHRONOS_EMAIL_HOST")
EMAIL_PORT = env.number("CHRONOS_EMAIL_PORT", 25, least=1, most=65535)
EMAIL_HOST_USER = env.text("CHRONOS_EMAIL_USER")
EMAIL_HOST_PASSWORD = env.text("CHRONOS_EMAIL_PASSWORD")
_EMAIL_TLS = env.one_of("CHRONOS_EMAIL_TLS", "none", "starttls", "tls")
EMAIL_TIMEOUT = 10
EMAIL_USE_TLS, EMAIL_USE_SSL = _EMAIL_TLS == "starttls", _EMAIL_TLS == "tls"
DEFAULT_FROM_EMAIL = env.text("CHRONOS_EMAIL_FROM", "chronos@localhost")

# Secrets

# Keys for the secrets at rest, the newest first; with none there are no secrets.
SECRETS_KEYS = env.keys("CHRONOS_SECRETS_KEYS")

# People

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "accounts.backends.Backend",
]
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "/"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in {
        "UserAttributeSimilarityValidator": {"user_attributes": ["email"]},
        "MinimumLengthValidator": {"min_length": 12},
        "CommonPasswordValidator": {},
        "NumericPasswordValidator": {},
    }.items()
]
SESSION_ENGINE = "accounts.session_store"
SESSION_COOKIE_AGE = 12 * 3600
# Roles whose people may do nothing before they have switched two-factor on.
REQUIRE_SECOND_FACTOR = [word.upper() for word in env.words("CHRONOS_REQUIRE_SECOND_FACTOR")]
# For so long after signing in, and after each time they are asked, nobody is asked again who they are.
CONFIRM_MINUTES = env.number("CHRONOS_CONFIRM_MINUTES", 15, least=1, most=720)
# How long links in invitations and for forgotten passwords hold.
PASSWORD_RESET_TIMEOUT = 3 * 24 * 3600

# Five wrong passwords for one e-mail from one address, then a quarter of an hour without.
# The address is the connection's own, or what PROXIES say: what others claim in a header can be forged.
AXES_FAILURE_LIMIT = 5
# From one address, for all e-mails together within that time; 0 for no such limit.
MOST_WRONG_PASSWORDS = env.number("CHRONOS_MOST_WRONG_PASSWORDS", 50)
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_LOCKOUT_CALLABLE = "accounts.views.locked_out"
AXES_CLIENT_IP_CALLABLE = "accounts.access.address"
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
# Which account and which address is what the log is read for; passwords are masked in any case.
AXES_SENSITIVE_PARAMETERS: list[str] = []

# The provider that people may sign in by (OpenID Connect), as it names itself, and who we are there.
OIDC_ISSUER = env.text("CHRONOS_OIDC_ISSUER")
OIDC_CLIENT_ID = env.text("CHRONOS_OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET = env.text("CHRONOS_OIDC_CLIENT_SECRET")
# What the button calls it.
OIDC_NAME = env.text("CHRONOS_OIDC_NAME", "single sign-on")
# Domains of e-mail addresses that it may vouch for; all without them.
OIDC_DOMAINS = [word.lower() for word in env.words("CHRONOS_OIDC_DOMAINS")]
# Whether who has no account gets one by coming; without it, people are invited.
OIDC_CREATE = env.flag("CHRONOS_OIDC_CREATE")
# Whether who has come by it may no longer sign in by a password.
OIDC_NO_PASSWORDS = env.flag("CHRONOS_OIDC_NO_PASSWORDS")
# Roles by the values of a claim: "groups", and {"chronos-admins": "ADMIN", "on-call": "OPERATOR"}
OIDC_ROLE_CLAIM = env.text("CHRONOS_OIDC_ROLE_CLAIM")
OIDC_ROLES = env.words_by_name("CHRONOS_OIDC_ROLES")

# Time and language

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
# With one language every text stands as it is written, and looking each of them up costs milliseconds a page.
USE_I18N = len(LANGUAGES) > 1
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = "chronos_site.formats"

# Static files

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Logging

_LEVEL = env.one_of("CHRONOS_LOG_LEVEL", "INFO", "DEBUG", "WARNING", "ERROR")
# The process manager puts the time before each line.
_TIME = "" if env.text("HONCHO_PROCESS_NAME") else "%(asctime)s "
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "chronos_site.logs.Text", "format": f"{_TIME}%(levelname)s %(name)s: %(message)s"},
        "json": {"()": "chronos_site.logs.Json"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": env.one_of("CHRONOS_LOG_FORMAT", "text", "json"),
        }
    },
    "root": {"handlers": ["stderr"], "level": _LEVEL},
    "loggers": {
        "django": {"handlers": [], "propagate": True, "level": "INFO"},
        # A page that is not there or not allowed is no news; one that broke is.
        "django.request": {"level": "ERROR"},
        "axes": {"level": "WARNING"},
        "rq": {"level": "WARNING"},
    },
}

# Forms

CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"
