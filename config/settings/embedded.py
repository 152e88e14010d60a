"""One machine, nothing to install: SQLite, the local vault, the broker from a wheel, mail into a folder."""

import secrets
from collections.abc import Callable

from apps.core.logs import logging_settings
from apps.core.sealing import new_master_key

from .base import *  # noqa: F403
from .base import DATA_DIR, MASTER_KEYS, SECRET_KEY, env


def _kept(name: str, make: Callable[[], str]) -> str:
    """Read a secret from the data folder; made on the first start, readable by its owner only."""
    path = DATA_DIR / name
    if not path.exists():
        DATA_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(make())
    return path.read_text().strip()


DEBUG = env.bool("EVERKEEP_DEBUG", default=True)
STYLEGUIDE = DEBUG
SECRET_KEY = SECRET_KEY or _kept("secret_key", lambda: secrets.token_urlsafe(50))
MASTER_KEYS = MASTER_KEYS or [_kept("master_key", new_master_key)]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True  # without DEBUG too: nothing is collected here
LOGGING = logging_settings(as_json=False)
EMAIL_BACKEND = "apps.core.outbox.OutboxBackend"
