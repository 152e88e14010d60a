"""Tests: SQLite in memory unless EVERKEEP_DATABASE_URL names a server; keys and folders are throw-away."""

import base64
import os
import tempfile
from pathlib import Path

os.environ.setdefault("EVERKEEP_DATA", tempfile.mkdtemp(prefix="everkeep-test-"))

from apps.accounts.social.configured import Configured

from .base import *  # noqa: F403
from .base import DATABASES

SECRET_KEY = "test-only-" + "x" * 50
MASTER_KEYS = ["test1:" + base64.b64encode(b"k" * 32).decode()]
ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STYLEGUIDE = True
WHITENOISE_AUTOREFRESH = True
# All buttons are shown, and nobody answers behind them: a test that wants somebody takes the fixture `oidc`.
SIGN_IN_PROVIDERS = dict.fromkeys(
    ("microsoft", "google", "okta"), Configured("everkeep", "a secret of the tests", "http://127.0.0.1:9")
)
CELERY_TASK_ALWAYS_EAGER = False
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: worker threads and processes of the tests must see the same rows.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(os.environ["EVERKEEP_DATA"]) / "test.sqlite3")}
