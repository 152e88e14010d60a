"""The sandbox cloud as Microsoft, for pages and for connectors."""

from typing import Any

import pytest

from apps.connectors.microsoft import auth
from apps.connectors.microsoft.auth import AppIdentity
from apps.connectors.microsoft.credentials import SecretCredential
from apps.sandbox.testing import SandboxCloud


@pytest.fixture(autouse=True)
def kinds() -> None:
    """These tests name the kind of data themselves."""


@pytest.fixture
def cloud(sandbox_cloud: SandboxCloud, settings: Any) -> SandboxCloud:
    """A fresh tenant that the portal takes for Microsoft; retries wait next to nothing."""
    auth._kept.clear()
    settings.MICROSOFT_LOGIN_URL = sandbox_cloud.login_url
    settings.MICROSOFT_GRAPH_URL = sandbox_cloud.graph_url
    settings.MICROSOFT_RETRY_SECONDS = 0.001
    settings.MICROSOFT_CLIENT_ID = sandbox_cloud.portal.client_id
    settings.MICROSOFT_CLIENT_SECRET = sandbox_cloud.portal.secret
    return sandbox_cloud


@pytest.fixture
def identity(cloud: SandboxCloud) -> AppIdentity:
    """The app registration that the customer's administrator made by hand."""
    return AppIdentity(cloud.tenant_id, cloud.manual.client_id, SecretCredential(cloud.manual.secret))
