"""The stylesheets and scripts as production serves them: every file that they name exists."""

import re
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.test import RequestFactory

from apps.portal.errors import not_found


def test_every_file_that_a_stylesheet_or_page_names_is_collected(settings: Any, tmp_path: Path) -> None:
    manifest = {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": manifest}
    settings.STATIC_ROOT = str(tmp_path)
    call_command("collectstatic", interactive=False, verbosity=0)
    page = not_found(RequestFactory().get("/missing/"), Exception()).content.decode()
    named = re.findall(r'(?:href|src)="/static/([^"#]+)', page)
    assert len(named) > 10
    assert [name for name in named if not (tmp_path / name).exists()] == []
    assert all(re.search(r"\.[0-9a-f]{12}\.", name) for name in named)
