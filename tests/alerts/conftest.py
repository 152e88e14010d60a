"""A mailbox of the sandbox, backed up a day later each time, and a clean store of its own."""

from tests.backups.test_run_against_sandbox import backup

__all__ = ["backup"]
