"""A kind of job for a real worker (`--include tests.jobs.slow_kind`): notes each item in a file."""

import os
import time
from pathlib import Path

from apps.jobs.base import JobResult
from apps.jobs.context import JobContext
from apps.jobs.enums import JobKind
from apps.jobs.registry import register

NOTES = "EVERKEEP_TEST_NOTES"


def note_each_item(context: JobContext) -> JobResult:
    """Write the key of each item, which stands for a write at the provider, then mark it."""
    notes = Path(os.environ[NOTES])
    for batch in context.pending_items(batch=20):
        for item in batch:
            with notes.open("a") as file:
                file.write(f"{item.key}\n")
            context.done(item)
            time.sleep(0.02)
    return JobResult("All are noted.")


if NOTES in os.environ:
    register(JobKind.RESTORE, note_each_item)
