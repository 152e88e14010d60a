"""Switches of provider behaviour that hold until changed, set through `/_control/switches`."""

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(slots=True)
class Switches:
    """All off: a quick, friendly cloud."""

    latency_ms: float = 0.0
    """Time that passes before a request is handled."""
    latency_jitter_ms: float = 0.0
    partial_read_changes: bool = False
    """Delta sends a message whose read state alone changed as id and isRead only."""
    hide_read_changes: bool = False
    """Delta does not report a message whose read state alone changed."""
    repeat_in_delta: bool = False
    """Delta sends the last item of each page again as first item of the next page."""
    empty_delta_pages: bool = False
    """Delta puts an empty page with a nextLink before each page."""
    hide_changed_dates: bool = False
    """A series is told without its changed dates, whatever $expand asks for."""
    drop_large_mime: bool = True
    """A MIME post above 2.2 MB is answered with 200 and creates nothing, as seen in the real service."""
    conceal_names: bool = False
    """Usage reports show a digest in place of each name."""
    token_seconds: int = 4500
    """Life of new access tokens."""

    def update(self, values: dict[str, Any]) -> dict[str, Any]:
        """Raises KeyError for an unknown name and TypeError for a value of another type."""
        types = {field.name: field.type for field in fields(self)}
        for name, value in values.items():
            if name not in types:
                raise KeyError(name)
            current = getattr(self, name)
            if isinstance(current, bool) != isinstance(value, bool) or not isinstance(value, int | float):
                raise TypeError(f"{name} must be {type(current).__name__}")
            setattr(self, name, type(current)(value))
        return self.as_dict()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
