"""Whose address counts: only what our own proxies wrote down."""

import pytest
from django.test import RequestFactory

from apps.core.client_address import client_address

CASES = [
    # proxies of ours, who connected, X-Forwarded-For, whose address counts
    (0, "198.51.100.7", None, "198.51.100.7"),
    (0, "198.51.100.7", "203.0.113.9", "198.51.100.7"),
    (1, "10.0.0.1", "203.0.113.9", "203.0.113.9"),
    (1, "10.0.0.1", "192.0.2.66, 203.0.113.9", "203.0.113.9"),
    (2, "10.0.0.1", "192.0.2.66, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
    (2, "198.51.100.7", "192.0.2.66", "198.51.100.7"),
    (1, "198.51.100.7", None, "198.51.100.7"),
    (1, "198.51.100.7", " , ", "198.51.100.7"),
    (0, "::ffff:198.51.100.7", None, "198.51.100.7"),
    (0, "2001:DB8:0:0::1", None, "2001:db8::1"),
    (0, "fe80::1%eth0", None, "fe80::1"),
    (1, "", "203.0.113.9:4711", "203.0.113.9"),
    (1, "", "[2001:db8::1]:4711", "2001:db8::1"),
    (1, "10.0.0.1", "unknown", ""),
    (0, "", None, ""),
]


@pytest.mark.parametrize(("proxies", "connected", "forwarded", "expected"), CASES)
def test_only_what_our_own_proxies_wrote_counts(
    settings: object, proxies: int, connected: str, forwarded: str | None, expected: str
) -> None:
    settings.TRUSTED_PROXIES = proxies  # type: ignore[attr-defined]
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR=connected)
    assert client_address(request) == expected
