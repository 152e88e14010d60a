"""Network addresses as people write them: one, a network, or from one to another. IPv4 and IPv6."""

import ipaddress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from apps.core.client_address import parsed_address
from apps.core.errors import InvalidRequest

Address = IPv4Address | IPv6Address
# A wider range is a slip of the hand or no restriction at all: a /8, and a /32 of IPv6.
WIDEST = {4: 2**24, 6: 2**96}
EXAMPLES = "Write 198.51.100.7, 203.0.113.0/28 or 192.0.2.10 - 192.0.2.20."


@dataclass(frozen=True, slots=True)
class AddressRange:
    """From `first` to `last`, both in it."""

    first: Address
    last: Address

    def holds(self, address: str) -> bool:
        """Tell whether an address, as `core.client_address` gives it, lies in the range."""
        found = parsed_address(address)
        if found is None or found.version != self.first.version:
            return False
        return int(self.first) <= int(found) <= int(self.last)

    def __str__(self) -> str:
        if self.first == self.last:
            return str(self.first)
        networks = list(ipaddress.summarize_address_range(self.first, self.last))
        return str(networks[0]) if len(networks) == 1 else f"{self.first} - {self.last}"


def range_between(first: str, last: str) -> AddressRange:
    """The range between two addresses. Raises InvalidRequest."""
    return _range(first, _address(first), _address(last))


def parsed_ranges(text: str) -> list[AddressRange]:
    """Read entries separated by commas or lines. Raises InvalidRequest, naming the entry."""
    entries = [entry.strip() for entry in text.replace("\n", ",").split(",")]
    ranges = [_parsed(entry) for entry in entries if entry]
    if not ranges:
        raise InvalidRequest("There is no address in it.", do=EXAMPLES)
    return list(dict.fromkeys(ranges))


def _parsed(entry: str) -> AddressRange:
    first, dash, last = entry.replace("\u2013", "-").partition("-")
    if dash:
        return _range(entry, _address(first), _address(last))
    if "/" in entry:
        return _network(entry)
    address = _address(entry)
    return AddressRange(address, address)


def _network(entry: str) -> AddressRange:
    try:
        network = ipaddress.ip_network(entry.replace(" ", ""), strict=False)
    except ValueError as error:
        raise InvalidRequest(f"\u201c{entry}\u201d is not a network.", do=EXAMPLES) from error
    return _range(entry, _address(str(network[0])), _address(str(network[-1])))


def _range(entry: str, first: Address, last: Address) -> AddressRange:
    if first.version != last.version:
        raise InvalidRequest(f"\u201c{entry}\u201d begins and ends in different kinds of address.", do=EXAMPLES)
    if int(first) > int(last):
        raise InvalidRequest(f"\u201c{entry}\u201d ends before it begins.", do="Write the lower address first.")
    if int(last) - int(first) >= WIDEST[first.version]:
        raise InvalidRequest(
            f"\u201c{entry}\u201d holds too many addresses to keep anybody out.",
            do="Name only those that are yours.",
        )
    return AddressRange(first, last)


def _address(text: str) -> Address:
    address = parsed_address(text.strip())
    if address is None:
        raise InvalidRequest(f"\u201c{text.strip()}\u201d is not an address.", do=EXAMPLES)
    return address
