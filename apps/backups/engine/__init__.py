"""The run: reads a connector, writes the vault and the catalog, commits a snapshot (docs/runs-and-jobs.md)."""

from .run import run_backup

__all__ = ["run_backup"]
