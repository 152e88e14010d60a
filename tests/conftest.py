"""Fixtures for every test. The cast is in tests/cast.py, servers in tests/fixtures/."""

import pytest

from tests.cast import Cast, make_cast

pytest_plugins: list[str] = [
    "tests.fixtures.mailbox",
    "tests.fixtures.portal",
    "tests.fixtures.s3",
    "tests.fixtures.sandbox",
]


@pytest.fixture
def cast(db: None) -> Cast:
    """Olivia owns Pizza Perfecto, others work there, Stranger owns another account."""
    return make_cast()
