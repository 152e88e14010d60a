"""The worked example of docs/audit.md, made again."""

import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from apps.activity.chain import canonical, genesis, seal_of
from apps.activity.models import SecurityEvent

PAGE = Path(__file__).resolve().parents[2] / "docs" / "audit.md"


def test_the_example_is_what_the_code_makes() -> None:
    event = SecurityEvent(
        public_id=UUID("01890000-0000-7000-8000-0000000000aa"), sequence=1, version=1, code="restore.started",
        at=datetime(2026, 11, 18, 14, 12, 5, 250, tzinfo=UTC), status="started", service="exchange",
        task_label="Mail", actor_label="Olivia Romano", actor_id=7, address="203.0.113.24",
        description="Bob Grün, 3 items", details={"items": 3},
        previous=genesis(UUID("01890000-0000-7000-8000-000000000001")),
    )  # fmt: skip
    page = PAGE.read_text()
    example = re.search(r"```json\n(.*?)\n```", page, re.S)
    seal = re.search(r"Its seal: `(.*?)`", page)
    assert example and example[1] == canonical(event).decode()
    assert seal and seal[1] == seal_of(event)
