"""Finished parts on their way to a destination: there for good, then here no more."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from apps.core import clock
from apps.core.errors import NotFound
from apps.jobs.api import JobContext
from apps.vault.errors import StoreUnavailable

from ..models import Destination
from .destinations.base import Sender, sender_of
from .files import Part, folder_of

PAUSE = timedelta(minutes=5)
PATIENCE = timedelta(hours=24)


class Sending:
    """Sends the parts of one export; to a download nothing has to be sent."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._sender: Sender | None = None
        wanted = str(context.params.get("destination", ""))
        if wanted:
            row = Destination.objects.filter(public_id=wanted).first()
            if row is None:
                raise NotFound(
                    "The destination of this export was removed.", do="Choose another and start again."
                )
            self._sender = sender_of(row)

    def send(self, part: Part) -> Part:
        """Return the part as it is now. An outage puts the job off, until the part is a day old."""
        if self._sender is None or part.sent:
            return part
        path = folder_of(self._context.job) / part.name
        self._context.say(f"Sending part {part.number}")
        try:
            self._sender.send(f"{self._folder(part)}/{part.name}", path, self._alive)
        except StoreUnavailable as error:
            if clock.now() > datetime.fromtimestamp(path.stat().st_mtime, UTC) + PATIENCE:
                raise
            self._context.postpone(clock.now() + PAUSE, f"The destination does not answer: {error}")
        return replace(part, sent=True)

    def forget(self, part: Part) -> None:
        """Remove what lies here of a part that lies there."""
        if part.sent:
            (folder_of(self._context.job) / part.name).unlink(missing_ok=True)

    def _alive(self) -> None:
        self._context.cancelled()  # raises LeaseLost when another worker goes on

    def _folder(self, part: Part) -> str:
        """One folder an export: no export of the same second falls into another's."""
        stem = part.name.removesuffix(f"_{part.number}.zip")
        return f"{stem}_{self._context.job.public_id.hex[:8]}"
