"""Fixtures for every test. The cast is in tests/cast.py, servers in tests/fixtures/."""

import pytest
from hypothesis import settings

from apps.connectors.microsoft import auth, connector, governor
from tests.cast import Cast, make_cast
from tests.only_mail import mail_readers

# How long one example takes says how busy the machine is. What CI sets besides stays: always the same examples.
settings.register_profile("patient", parent=settings.default, deadline=None)
settings.load_profile("patient")

pytest_plugins: list[str] = [
    "tests.fixtures.clouds",
    "tests.fixtures.mailbox",
    "tests.fixtures.oidc",
    "tests.fixtures.portal",
    "tests.fixtures.s3",
    "tests.fixtures.sandbox",
    "tests.fixtures.stripe",
]


@pytest.fixture
def cast(db: None) -> Cast:
    """Olivia owns Pizza Perfecto, others work there, Stranger owns another account."""
    return make_cast()


@pytest.fixture(autouse=True)
def a_process_that_has_asked_nothing_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens and request counts outlive a tenant of the sandbox; every tenant there has the same addresses."""
    monkeypatch.setattr(governor, "_local", governor.LocalGovernor())
    monkeypatch.setattr(auth, "_kept", {})


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back up mail alone (`tests.only_mail`); a folder or file of tests that needs every kind replaces this."""
    monkeypatch.setattr(connector, "READERS", mail_readers())
