"""Settings shared by every way to run Everkeep. The table of variables stands in docs/operations.md."""

from datetime import timedelta
from pathlib import Path

import environ

from apps.accounts.social.configured import providers_from
from apps.core.logs import logging_settings
from apps.core.sealing import master_key_entries

from .work import *  # noqa: F403

BASE_DIR = Path(__file__).resolve().parents[2]
env = environ.Env()

DATA_DIR = Path(env.str("EVERKEEP_DATA", default=str(BASE_DIR / "var"))).resolve()

DEBUG = False
SECRET_KEY = env.str("EVERKEEP_SECRET_KEY", default="")
ALLOWED_HOSTS = env.list("EVERKEEP_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
PORTAL_URL = env.str("EVERKEEP_PORTAL_URL", default="http://localhost:8000")
CSRF_TRUSTED_ORIGINS = [PORTAL_URL]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.mfa",
    "django_otp",
    "django_htmx",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "apps.core",
    "apps.activity",
    "apps.accounts",
    "apps.notifications",
    "apps.billing",
    "apps.jobs",
    "apps.connectors",
    "apps.vault",
    "apps.backups",
    "apps.activation",
    "apps.search",
    "apps.alerts",
    "apps.recovery",
    "apps.portal",
    "apps.sandbox",  # for its command only: it has no models and nobody imports it
]

MIDDLEWARE = [
    "apps.core.middleware.RequestContextMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "apps.accounts.middleware.SignInMiddleware",
    "apps.accounts.middleware.AccountScopeMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.core.middleware.ErrorMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "loaders": [
                ("django.template.loaders.cached.Loader", ["django.template.loaders.filesystem.Loader"])
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": [],
        },
    },
]

DATABASES = {"default": env.db_url("EVERKEEP_DATABASE_URL", default=f"sqlite:///{DATA_DIR}/everkeep.sqlite3")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # IMMEDIATE takes the write lock at BEGIN, so two writers wait instead of failing half way.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-32000;",
    }
else:
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# Of SQLite, too: to open it anew costs a page a fifth of its time, and who closes it last writes its log away.
DATABASES["default"]["CONN_MAX_AGE"] = 60
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in (
        ("UserAttributeSimilarityValidator", {"user_attributes": ["email", "name"]}),
        ("MinimumLengthValidator", {"min_length": 12}),
        ("CommonPasswordValidator", {}),
        ("NumericPasswordValidator", {}),
    )
] + [
    {"NAME": "apps.accounts.passwords.BreachedPasswordValidator"},
    {"NAME": "apps.accounts.passwords.ReusedPasswordValidator"},
]
# A file of SHA-1 hashes in rising order, one a line, as haveibeenpwned.com gives it out.
BREACHED_PASSWORDS = env.str("EVERKEEP_BREACHED_PASSWORDS", default="")
# The first makes new hashes; older ones are brought up to it when their owner signs in.
PASSWORD_HASHERS = [
    "apps.accounts.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
# How long a browser stays signed in: unused, and at all (`accounts.sessions`).
SESSION_IDLE = timedelta(minutes=env.int("EVERKEEP_SESSION_IDLE_MINUTES", default=120))
SESSION_LIFETIME = timedelta(hours=env.int("EVERKEEP_SESSION_HOURS", default=12))
SESSION_COOKIE_AGE = int(SESSION_LIFETIME.total_seconds())

# Sign-up and sign-in (allauth). Its limits on tries need a cache that all web processes share.
ACCOUNT_ADAPTER = "apps.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "apps.accounts.forms.SignInForm",
    "signup": "apps.accounts.forms.SignUpForm",
    "reset_password": "apps.accounts.forms.ForgottenPasswordForm",
    "reset_password_from_key": "apps.accounts.forms.NewPasswordForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
# Of allauth's second factors we use passkeys; codes are ours (apps/accounts/factors).
MFA_ADAPTER = "apps.accounts.factors.passkeys.MfaAdapter"
MFA_SUPPORTED_TYPES = ["webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"
# Whoever a provider names is bound by its own identifier, never by an address that it tells.
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SIGN_IN_PROVIDERS = providers_from(
    {
        "microsoft": (
            env.str("EVERKEEP_SIGN_IN_MICROSOFT_ID", default=""),
            env.str("EVERKEEP_SIGN_IN_MICROSOFT_SECRET", default=""),
            env.str(
                "EVERKEEP_SIGN_IN_MICROSOFT_SERVER",
                default="https://login.microsoftonline.com/organizations/v2.0",
            ),
        ),
        "google": (
            env.str("EVERKEEP_SIGN_IN_GOOGLE_ID", default=""),
            env.str("EVERKEEP_SIGN_IN_GOOGLE_SECRET", default=""),
            env.str("EVERKEEP_SIGN_IN_GOOGLE_SERVER", default="https://accounts.google.com"),
        ),
        "okta": (
            env.str("EVERKEEP_SIGN_IN_OKTA_ID", default=""),
            env.str("EVERKEEP_SIGN_IN_OKTA_SECRET", default=""),
            env.str("EVERKEEP_SIGN_IN_OKTA_SERVER", default=""),
        ),
    }
)
# How many proxies of ours stand in front: `core.client_address`.
TRUSTED_PROXIES = env.int("EVERKEEP_TRUSTED_PROXIES", default=0)
CACHES = {"default": env.cache_url("EVERKEEP_CACHE_URL", default="locmemcache://")}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static" / "collected"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Celery only dispatches; the database is the queue of record (docs/runs-and-jobs.md). What and when: work.py.
CELERY_BROKER_URL = env.str("EVERKEEP_BROKER_URL", default="memory://")
# How many backups all workers together run at once; the tick keeps about twice as many at hand.
BACKUP_WORKERS = env.int("EVERKEEP_BACKUP_WORKERS", default=2)

# Off: trials do not end, as on one's own machine. On: what docs/accounts.md says of their end.
BILLING = env.bool("EVERKEEP_BILLING", default=False)
# Cards by Stripe (docs/billing-stripe.md). No key: bank transfers only. The base is for a stand-in.
STRIPE_KEY = env.str("EVERKEEP_STRIPE_KEY", default="")
STRIPE_WEBHOOK_SECRET = env.str("EVERKEEP_STRIPE_WEBHOOK_SECRET", default="")
STRIPE_BASE = env.str("EVERKEEP_STRIPE_BASE", default="")
# What single invoices can be paid with at Stripe: card, and paypal where the account there has it.
STRIPE_METHODS = env.list("EVERKEEP_STRIPE_METHODS", default=["card"])
# Who sells: name, address (lines), country, tax_id, email, bank (lines). What invoices say of it.
BILLING_SELLER = env.json("EVERKEEP_BILLING_SELLER", default={})
BILLING_CURRENCY = env.str("EVERKEEP_BILLING_CURRENCY", default="USD")
BILLING_PRICE_LIST = env.str("EVERKEEP_BILLING_PRICE_LIST", default="Standard")
BILLING_TAX_RATES = env.str("EVERKEEP_BILLING_TAX_RATES", default="")
# Where requests for annual plans, and what only a person can settle, are mailed to.
BILLING_EMAIL = env.str("EVERKEEP_BILLING_EMAIL", default="")

EMAIL_CONFIG = env.email_url("EVERKEEP_EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("EVERKEEP_EMAIL_FROM", default="Everkeep <no-reply@everkeep.example>")
EMAIL_TIMEOUT = env.int("EVERKEEP_EMAIL_SECONDS", default=30)  # a server that hangs must not keep a worker
# Letters of one sort that are written within so many seconds go out as one; more than so many a day wait.
DIGEST_SECONDS = env.int("EVERKEEP_DIGEST_SECONDS", default=300)
LETTERS_A_DAY = env.int("EVERKEEP_LETTERS_A_DAY", default=200)
OUTBOX_DIR = DATA_DIR / "outbox"

# Vault: where backups are kept and which keys wrap each account's data key ("id:base64", newest first).
VAULT_URL = env.str("EVERKEEP_VAULT_URL", default=(DATA_DIR / "vault").as_uri())
MASTER_KEYS = master_key_entries(
    env.list("EVERKEEP_MASTER_KEYS", default=[]), env.str("EVERKEEP_MASTER_KEYS_FILE", default="")
)
# Given keys of AWS KMS (newest first), the vaults' keys are wrapped there. Old envelopes open as before.
KMS_KEYS = env.list("EVERKEEP_KMS_KEYS", default=[])
KMS_REGION = env.str("EVERKEEP_KMS_REGION", default="")
KMS_ENDPOINT = env.str("EVERKEEP_KMS_ENDPOINT", default="")
# Stores by location of the account ({"de": "s3://…"}); a location that is not here uses VAULT_URL.
REGIONS = env.json("EVERKEEP_REGIONS", default={})
# Networks inside ours that identity providers of companies may lie in; else public https addresses only.
SAML_PRIVATE_NETWORKS = env.list("EVERKEEP_SAML_PRIVATE_NETWORKS", default=[])
# Networks inside ours that customers' own stores may lie in; else public addresses only.
STORE_PRIVATE_NETWORKS = env.list("EVERKEEP_STORE_PRIVATE_NETWORKS", default=[])
# The same for the webhooks and syslog servers that their audits are sent on to.
STREAM_PRIVATE_NETWORKS = env.list("EVERKEEP_STREAM_PRIVATE_NETWORKS", default=[])
# The same for the hooks of their backup tasks.
HOOK_PRIVATE_NETWORKS = env.list("EVERKEEP_HOOK_PRIVATE_NETWORKS", default=[])

# Search: how many accounts are indexed at once, and the private folder where indexes lie in clear while they
# are used: emptied when nobody uses it, and never larger than this for long.
SEARCH_WORKERS = env.int("EVERKEEP_SEARCH_WORKERS", default=1)
SEARCH_CACHE_DIR = Path(env.str("EVERKEEP_SEARCH_CACHE", default=str(DATA_DIR / "search")))
SEARCH_CACHE_BYTES = env.int("EVERKEEP_SEARCH_CACHE_BYTES", default=4_000_000_000)

# Exports: a part of a ZIP ends when it has grown to this many bytes.
EXPORT_PART_BYTES = env.int("EVERKEEP_EXPORT_PART_BYTES", default=2_000_000_000)

# Microsoft: base addresses are settings, so that any server that speaks Graph can stand behind them.
MICROSOFT_LOGIN_URL = env.str("EVERKEEP_MICROSOFT_LOGIN_URL", default="https://login.microsoftonline.com")
MICROSOFT_GRAPH_URL = env.str("EVERKEEP_MICROSOFT_GRAPH_URL", default="https://graph.microsoft.com")
MICROSOFT_TRIES = env.int("EVERKEEP_MICROSOFT_TRIES", default=6)
MICROSOFT_RETRY_SECONDS = env.float("EVERKEEP_MICROSOFT_RETRY_SECONDS", default=2.0)
MICROSOFT_CLIENT_ID = env.str("EVERKEEP_MICROSOFT_CLIENT_ID", default="")
MICROSOFT_CLIENT_SECRET = env.str("EVERKEEP_MICROSOFT_CLIENT_SECRET", default="")
# The invented organisation of a sandbox behind those addresses: offered on an empty home page, marked as such.
SANDBOX_TENANT_ID = env.str("EVERKEEP_SANDBOX_TENANT", default="")

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "frame-src": ["'self'"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
    }
}
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
LOGGING = logging_settings(as_json=True, level=env.str("EVERKEEP_LOG_LEVEL", default="INFO"))
CSRF_FAILURE_VIEW = "apps.portal.errors.csrf_failure"
# /styleguide/ shows every component in every state; for developers, not for customers.
STYLEGUIDE = False
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# The API (docs/api.md). Limits are requests a minute, counted in the cache.
API_TOKEN_LIMIT = env.int("EVERKEEP_API_TOKEN_LIMIT", default=600)
API_ADDRESS_LIMIT = env.int("EVERKEEP_API_ADDRESS_LIMIT", default=1200)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.AllowAny"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "apps.core.rest.ApiSchema",
    "DEFAULT_THROTTLE_RATES": {
        "token": f"{API_TOKEN_LIMIT}/min",
        "address": f"{API_ADDRESS_LIMIT}/min",
    },
    "EXCEPTION_HANDLER": "apps.core.rest.answer_error",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Everkeep",
    "VERSION": "1",
    "DESCRIPTION": "Backups of Microsoft 365: look, act, and follow what happens.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
}
