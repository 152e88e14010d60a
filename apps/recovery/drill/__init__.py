"""Restore drills: a weekly sample of each task, restored to memory and compared (docs/check-and-repair.md)."""
