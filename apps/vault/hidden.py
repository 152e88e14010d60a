"""For the operator after an attack: what was deleted or overwritten behind our back, brought to light again."""

from collections.abc import Iterator

from .models import Store
from .stores import reach


def find_hidden(*, bring_back: bool) -> Iterator[tuple[Store, str]]:
    """Yield store and name of each object that is hidden under a delete marker or another version.

    Looks at every S3 bucket that is known here, an account's own included. The marker that proves which store
    it is may be hidden itself, so it is not asked for. Raises StoreError.
    """
    from .store.backends.s3 import S3Store  # noqa: PLC0415 - boto3 costs ten megabytes that few processes need
    from .store.backends.s3_versions import hidden, unhide  # noqa: PLC0415

    for row in Store.objects.order_by("pk"):
        store = reach(row)
        if isinstance(store, S3Store):
            names = unhide(store) if bring_back else (key for key, _ in hidden(store))
            for name in names:
                yield row, name
