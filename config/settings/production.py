"""A server on the internet: refuses to start half-configured, and every door is shut by default."""

from django.core.exceptions import ImproperlyConfigured

from .base import *  # noqa: F403
from .base import DATABASES, MASTER_KEYS, SECRET_KEY, env

if len(SECRET_KEY) < 50 or SECRET_KEY.startswith("django-insecure"):
    raise ImproperlyConfigured("Set EVERKEEP_SECRET_KEY to at least 50 random characters.")
if not MASTER_KEYS:
    raise ImproperlyConfigured(
        "Set EVERKEEP_MASTER_KEYS or EVERKEEP_MASTER_KEYS_FILE (`manage.py vault newkey` makes one)."
    )
for needed, why in {
    "EVERKEEP_PORTAL_URL": "links in mails lead there, and only forms from there are accepted",
    "EVERKEEP_EMAIL_URL": "without it sign-in links would be printed into the log",
}.items():
    if not env.str(needed, default=""):
        raise ImproperlyConfigured(f"Set {needed}: {why}.")
if env.bool("EVERKEEP_DEBUG", default=False):
    raise ImproperlyConfigured("EVERKEEP_DEBUG must not be set in production.")

SECURE_SSL_REDIRECT = env.bool("EVERKEEP_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = env.int("EVERKEEP_HSTS_SECONDS", default=31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-everkeep-session"
CSRF_COOKIE_NAME = "__Host-everkeep-csrf"
if env.bool("EVERKEEP_BEHIND_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
if not DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Beside what the address says, such as sslmode: without it the connection may be in plain text.
    DATABASES["default"]["OPTIONS"] = {**DATABASES["default"].get("OPTIONS", {}), "pool": True}
    DATABASES["default"]["CONN_MAX_AGE"] = 0
