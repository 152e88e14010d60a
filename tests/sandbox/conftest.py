"""A Graph client on a fresh tenant; at the end nothing may have broken the official description."""

from collections.abc import Iterator

import pytest

from apps.sandbox.testing import SandboxCloud
from tests.fixtures.sandbox import CONTRACT
from tests.sandbox.client import Graph


@pytest.fixture
def graph(sandbox_cloud: SandboxCloud) -> Iterator[Graph]:
    """For tests whose requests are all proper; those that err on purpose use `Graph` themselves."""
    sandbox_cloud.reset(users=3, messages=120)
    yield Graph(sandbox_cloud)
    if CONTRACT.exists():
        assert sandbox_cloud.contract_violations() == []
