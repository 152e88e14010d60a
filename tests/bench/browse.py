"""Pages of a mailbox of 100,000 mails and 30 snapshots, as the selectors of the pages read them."""

import os
import statistics
import tempfile
from collections.abc import Iterator
from typing import Any

from .exporting import scaled


def page(items: int = 100_000, snapshots: int = 30) -> Iterator[dict[str, Any]]:
    """Tree and list of old and new days, all orders, first and later pages; on a SQLite file."""
    items = scaled(items)
    with tempfile.TemporaryDirectory(prefix="everkeep-bench-") as folder:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings.embedded", "EVERKEEP_DATA": folder}
        import django

        django.setup()
        from django.core.management import call_command

        from apps.accounts.models import Account
        from apps.core.scope import account_scope
        from tests.recovery import big_mailbox, factories

        call_command("migrate", verbosity=0)
        account = Account.objects.create(name="Pizza Perfecto", location="DE")
        with account_scope(account.pk):
            entity = factories.make_entity()
            shots = big_mailbox.fill(entity, items=items, snapshots=snapshots)
            times = big_mailbox.page_times(shots)
    yield {
        "bench": "browse.page",
        "items": items,
        "snapshots": snapshots,
        "p50_ms": round(statistics.median(times), 1),
        "p95_ms": round(statistics.quantiles(times, n=20)[18], 1),
        "max_ms": round(max(times), 1),
    }


CASES = {"browse.page": page}
