"""The one answer to "which network address does this request come from": limits, locks and the log share it."""

import ipaddress
from ipaddress import IPv4Address, IPv6Address

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str:
    """Return the address in its one normal form, or "" when it cannot be read.

    Each proxy writes down who it was called by, on the right of `X-Forwarded-For`; what stands further left was
    written by the caller. So we go exactly as many steps to the left as `TRUSTED_PROXIES` says. A request that
    passed fewer proxies is judged by who connected to us.
    """
    connected = request.META.get("REMOTE_ADDR", "")
    proxies: int = settings.TRUSTED_PROXIES
    hops = [hop for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if hop.strip()]
    claimed = hops[-proxies] if 0 < proxies <= len(hops) else connected
    address = parsed_address(_without_port(claimed.strip()))
    return "" if address is None else str(address)


def parsed_address(text: str) -> IPv4Address | IPv6Address | None:
    """Read an address; one of IPv4 in the clothes of IPv6 (`::ffff:192.0.2.1`) is the same place as without."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _without_port(text: str) -> str:
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
