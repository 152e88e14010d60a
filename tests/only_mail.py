"""Tests of runs, faults and recovery that count mails: their mailboxes are backed up as if mail were all.

What every kind needs of a run is in tests/backups/test_every_kind.py.
"""

from apps.connectors.enums import SubService
from apps.connectors.microsoft import connector

_EVERY = dict(connector.READERS)


def mail_readers() -> dict[SubService, connector.ItemReader]:
    return {SubService.MAIL: connector.READERS[SubService.MAIL]}


def keep_to(*kinds: str) -> None:
    """For a process of its own, for as long as it lives."""
    connector.READERS = {kind: _EVERY[kind] for kind in map(SubService, kinds)}  # type: ignore[misc]
