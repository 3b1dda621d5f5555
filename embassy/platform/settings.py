"""All configuration. Differences between machines are environment variables, never other settings files."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
from django.core.management.utils import get_random_secret_key

from embassy.platform import env

django_stubs_ext.monkeypatch()
env.load_running_services()

BASE_DIR = env.ROOT
HOME = env.home()

SECRET_KEY = env.text("SECRET_KEY")
# Static commands (schema, type checks) need no secret of their own; `prepare` refuses to run on this one.
SECRET_KEY_IS_EPHEMERAL = not SECRET_KEY
if SECRET_KEY_IS_EPHEMERAL:
    SECRET_KEY = get_random_secret_key()

DEBUG = env.boolean("EMBASSY_DEBUG", False)
PUBLIC_URL = env.text("EMBASSY_URL", "http://127.0.0.1:8000").rstrip("/")
ALLOWED_HOSTS = env.words("EMBASSY_ALLOWED_HOSTS", "*")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # before the admin, whose templates it replaces
    "embassy.platform.apps.StaffConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "embassy.platform.apps.PlatformConfig",
    "embassy.projects.apps.ProjectsConfig",
    "embassy.datasets.apps.DatasetsConfig",
    "embassy.evaluation.apps.EvaluationConfig",
    "embassy.catalog.apps.CatalogConfig",
    "embassy.training.apps.TrainingConfig",
    "embassy.engines.apps.EnginesConfig",
    "embassy.deployments.apps.DeploymentsConfig",
    "embassy.inference.apps.InferenceConfig",
    "embassy.llama_stack.apps.LlamaStackConfig",
    "embassy.console.apps.ConsoleConfig",
    "embassy.workers.apps.WorkersConfig",
]

MIDDLEWARE = [
    "embassy.platform.middleware.RequestIdMiddleware",
    "embassy.console.middleware.CompressionMiddleware",
    "embassy.console.middleware.ContentPolicyMiddleware",
    "embassy.console.staff_policy.StaffPolicyMiddleware",
    "embassy.platform.middleware.ApiNotFoundMiddleware",
    "embassy.platform.middleware.NulMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]

ROOT_URLCONF = "embassy.urls"
ASGI_APPLICATION = "embassy.asgi.application"
# The contracts tell `…/supervised_fine_tune/` from a path without the slash: never redirect.
APPEND_SLASH = False

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# The staff admin at /admin/.
UNFOLD = {
    "SITE_TITLE": "Embassy staff",
    "SITE_HEADER": "Embassy staff",
    "SITE_URL": "/console/",
    "SITE_SYMBOL": "shield_person",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"show_search": True, "show_all_applications": True},
}

# --- Stores ---------------------------------------------------------------------------------------

DATABASE_URL = env.text("DATABASE_URL", "postgresql://embassy@127.0.0.1:5432/embassy")
DATABASES: dict[str, dict[str, Any]] = {"default": env.DatabaseUrl(DATABASE_URL).django()}
# A connection that Postgres dropped while restarting must cost a reconnect, not a failed request.
DATABASES["default"] |= {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True}
if env.boolean("EMBASSY_DB_POOL", False):  # only the web process: Celery's prefork closes connections itself
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 8, "timeout": 10}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.text("REDIS_URL", "redis://127.0.0.1:6379/0")
BROKER_URL = env.text("BROKER_URL", "")
# Of the second factor's codes that were used: every web process must know them.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

STORAGE_DIR = Path(env.text("EMBASSY_FILES") or HOME / "files")
S3_ENDPOINT_URL = env.text("S3_ENDPOINT_URL")
S3_BUCKET = env.text("S3_BUCKET")
S3_ACCESS_KEY_ID = env.text("S3_ACCESS_KEY_ID")
S3_SECRET_ACCESS_KEY = env.text("S3_SECRET_ACCESS_KEY")
S3_REGION = env.text("S3_REGION", "us-east-1")
# Where browsers reach the same bucket, if not under S3_ENDPOINT_URL: download links lead there.
S3_PUBLIC_ENDPOINT_URL = env.text("S3_PUBLIC_ENDPOINT_URL")
DOWNLOAD_URL_SECONDS = env.integer("EMBASSY_DOWNLOAD_URL_SECONDS", 3600)
CACHE_DIR = Path(env.text("EMBASSY_CACHE") or HOME / "cache")
RUNS_DIR = Path(env.text("EMBASSY_RUNS") or HOME / "runs")

# --- People ---------------------------------------------------------------------------------------

AUTH_USER_MODEL = "projects.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "console:sign-in"
LOGIN_REDIRECT_URL = "console:projects"
LOGOUT_REDIRECT_URL = "console:sign-in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

ACCOUNT_ADAPTER = "embassy.console.adapters.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"  # whoever signs up by themselves does so through a mail of ours
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = PUBLIC_URL.partition(":")[0]
ACCOUNT_RATE_LIMITS = False  # console/attempts.py counts, for all web processes together
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 15 * 60
MFA_ADAPTER = "embassy.console.adapters.SecondFactorAdapter"
MFA_TOTP_ISSUER = "Embassy"
MFA_TOTP_TOLERANCE = 1  # periods of half a minute that a clock may be wrong by
MFA_ALLOW_UNVERIFIED_EMAIL = True
PASSWORD_RESET_TIMEOUT = int(timedelta(days=1).total_seconds())
# Whether people may make accounts, each with an organization of its own, without an invitation.
SIGN_UP = env.boolean("EMBASSY_SIGN_UP", False)

# Mail. Without a server links are handed over by people: see docs/people.md.
MAIL_IS_SENT = bool(env.text("EMBASSY_SMTP_URL"))
DEFAULT_FROM_EMAIL = env.text("EMBASSY_MAIL_FROM", "embassy@localhost")
globals().update(env.smtp("EMBASSY_SMTP_URL"))

# Sign-in through an OpenID Connect provider, beside passwords.
OIDC_ISSUER = env.issuer("EMBASSY_OIDC_ISSUER")
OIDC_NAME = env.text("EMBASSY_OIDC_NAME", "single sign-on")
# Whoever has a verified address of these domains joins the organization (its id, or the oldest) by itself.
OIDC_DOMAINS = [domain.lower() for domain in env.words("EMBASSY_OIDC_DOMAINS")]
OIDC_ORGANIZATION = env.text("EMBASSY_OIDC_ORGANIZATION")
OIDC_ROLE = env.choice("EMBASSY_OIDC_ROLE", "member", ("viewer", "member"))
SOCIALACCOUNT_ADAPTER = "embassy.console.single_sign_on.ProviderAdapter"
SOCIALACCOUNT_ONLY = False
SOCIALACCOUNT_LOGIN_ON_GET = True  # forms may lead nowhere else by our content policy
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_OPENID_CONNECT_URL_PREFIX = ""
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "oidc",
                "name": OIDC_NAME,
                "client_id": env.text("EMBASSY_OIDC_CLIENT_ID"),
                "secret": env.text("EMBASSY_OIDC_CLIENT_SECRET"),
                "settings": {"server_url": OIDC_ISSUER, "oauth_pkce_enabled": True},
            }
        ]
        if OIDC_ISSUER
        else [],
    }
}

# --- HTTP -----------------------------------------------------------------------------------------

API_UPLOAD_BYTES = 5 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "embassy.platform.static_storage.StaticStorage"},
}
SERVESTATIC_USE_ZSTD = False  # gzip is what every browser takes

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["embassy.projects.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["embassy.projects.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "embassy.platform.schema.ApiSchema",
    "EXCEPTION_HANDLER": "embassy.platform.exception_handler.render_exception",
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Embassy",
    "DESCRIPTION": "Fine-tune language models, test every checkpoint, deploy the best one and call it.",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": [],
    "COMPONENT_SPLIT_REQUEST": True,
    "SORT_OPERATIONS": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "JobStatus": "embassy.training.serializers.SHOWN_STATUSES",
        "Technique": "embassy.training.states.Technique",
        "DeploymentStatus": "embassy.deployments.states.DeploymentStatus",
        "EngineStatus": "embassy.engines.states.EngineStatus",
        "BaseModelType": ["completion", "classification", "embeddings", "chat"],
    },
}

# --- Work -----------------------------------------------------------------------------------------

# Of this machine among those that share the queues: in leases, and in the list of hosts.
HOST_NAME = env.host_name("EMBASSY_HOST_NAME")
LEASE_SECONDS = env.integer("EMBASSY_LEASE_SECONDS", 20)
REPUBLISH_SECONDS = env.integer("EMBASSY_REPUBLISH_SECONDS", 20)
TRAINING_ATTEMPTS = env.integer("EMBASSY_TRAINING_ATTEMPTS", 5)
TRAINING_TIME_LIMIT = env.integer("EMBASSY_TRAINING_TIME_LIMIT", 24 * 3600)
# Processes that one run may have; 0 is one for each device of the host that takes the request.
TRAINING_PROCESSES = env.integer("EMBASSY_TRAINING_PROCESSES", 0)
# Refuse runs that by far cannot fit into the training host's memory before they load a model.
TRAINING_CHECK_MEMORY = env.boolean("EMBASSY_TRAINING_CHECK_MEMORY", True)
# What an hour of training costs, for the preflight; unset, no cost is shown.
PRICE_PER_HOUR = env.number("EMBASSY_PRICE_PER_HOUR", 0) or None
# The same for the pages of usage: an hour of engines, and a million tokens read or written.
ENGINE_PRICE_PER_HOUR = env.number("EMBASSY_ENGINE_PRICE_PER_HOUR", 0) or None
INPUT_PRICE_PER_MILLION = env.number("EMBASSY_INPUT_PRICE_PER_MILLION", 0) or None
OUTPUT_PRICE_PER_MILLION = env.number("EMBASSY_OUTPUT_PRICE_PER_MILLION", 0) or None
CURRENCY = env.text("EMBASSY_CURRENCY", "USD")
TRAINING_STANDBY = env.text("EMBASSY_TRAINING_STANDBY")
ENGINE_STANDBY = env.text("EMBASSY_ENGINE_STANDBY")
ENGINE_HOST = env.text("EMBASSY_ENGINE_HOST", "127.0.0.1")  # address at which gateways reach its engines
ENGINE_MEMORY = env.size("EMBASSY_ENGINE_MEMORY")  # bytes for all engines of this host; 0 is a share of it
# What was used within this time is not put to sleep to make room for others.
ROOM_AFTER_SECONDS = env.integer("EMBASSY_ROOM_AFTER_SECONDS", 60)
ENGINE_MAX_MODEL_LEN = env.integer("EMBASSY_ENGINE_MAX_MODEL_LEN", 8192)
ENGINE_START_SECONDS = env.integer("EMBASSY_ENGINE_START_SECONDS", 600)
# On GPUs an engine that was unused for so long gives its GPU back and keeps its weights; 0: it never does.
ENGINE_SLEEP_SECONDS = env.integer("EMBASSY_ENGINE_SLEEP_SECONDS", 300)
# So long an engine that is to stop may finish what it is answering.
ENGINE_DRAIN_SECONDS = env.integer("EMBASSY_ENGINE_DRAIN_SECONDS", 120)
WAKE_TIMEOUT_SECONDS = env.integer("EMBASSY_WAKE_TIMEOUT_SECONDS", 60)
# Requests that wait for models to wake, in one web process; more are refused at once.
WAKE_QUEUE = env.integer("EMBASSY_WAKE_QUEUE", 1000)
WAKE_QUEUE_PER_MODEL = env.integer("EMBASSY_WAKE_QUEUE_PER_MODEL", 500)
INACTIVE_TIMEOUT_SECONDS = env.integer("EMBASSY_INACTIVE_TIMEOUT_SECONDS", 3600)

# What a key may do if it has no limits of its own; 0 is as much as it likes.
REQUESTS_PER_MINUTE = env.integer("EMBASSY_RPM", 0)
TOKENS_PER_MINUTE = env.integer("EMBASSY_TPM", 0)
# Requests at a time in one web process, so that no tenant fills the queue for a model that wakes.
MAX_CONCURRENT_PER_KEY = env.integer("EMBASSY_MAX_CONCURRENT_PER_KEY", 500)
MAX_CONCURRENT_PER_ORGANIZATION = env.integer("EMBASSY_MAX_CONCURRENT_PER_ORGANIZATION", 800)

# --- Monitoring -----------------------------------------------------------------------------------

# Opens /metrics of the whole platform; without it only API keys do, each for its organization.
METRICS_TOKEN = env.text("EMBASSY_METRICS_TOKEN")

# Percentiles of hours longer ago are not kept; what was used is.
LATENCY_DAYS = env.integer("EMBASSY_LATENCY_DAYS", 180)
# Spans are sent to where the standard variables say; without any of these nothing of it is even loaded.
TRACING = env.boolean("EMBASSY_OTEL", False) or any(
    env.text(name) for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
)

# --- Base models ----------------------------------------------------------------------------------

# A folder put here is a base model; one named like a catalog entry is used before Hugging Face is asked.
MODELS_DIRS = [*map(Path, env.words("EMBASSY_MODELS_DIRS")), HOME / "models", BASE_DIR / "models"]
HF_OFFLINE = env.boolean("HF_HUB_OFFLINE", False)

# --- Test functions of users -----------------------------------------------------------------------

SANDBOX = env.choice("EMBASSY_SANDBOX", "auto", ("auto", "strong", "basic"))
SANDBOX_UNSAFE = env.boolean("EMBASSY_SANDBOX_UNSAFE", False)
SANDBOX_UID = env.integer("EMBASSY_SANDBOX_UID", 65534)  # whom a platform that runs as root runs them as
SANDBOX_SECONDS = env.number("EMBASSY_SANDBOX_SECONDS", 5)  # one call
SANDBOX_MEMORY_MB = env.integer("EMBASSY_SANDBOX_MEMORY_MB", 1024)
SANDBOX_PACKAGES = env.words(
    "EMBASSY_SANDBOX_PACKAGES",
    "jsonschema,numpy,pandas,python-dateutil,pyyaml,rapidfuzz,regex,scikit-learn,scipy,sympy",
)

# --- The rest -------------------------------------------------------------------------------------

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
CSRF_COOKIE_HTTPONLY = True  # pages carry the token themselves
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())

LOG_LEVEL = env.text("EMBASSY_LOG_LEVEL", "INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"events": {"()": "embassy.platform.logs.EventFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "events"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "django.server": {"level": "WARNING"},
        "celery": {"level": "WARNING"},
        "botocore": {"level": "WARNING"},
        "apscheduler": {"level": "WARNING"},
    },
}
