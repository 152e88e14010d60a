"""States of packs and of garbage collection. Numbers never change."""

from django.db import models


class PackState(models.IntegerChoices):
    """What is known of a pack."""

    STORED = 1, "Stored"
    ORPHAN = 2, "Orphan"  # lies in the store, was never recorded by its writer
    RETIRED = 3, "Retired"  # all its blobs are gone or moved; its object waits out the quarantine
    DELETED = 4, "Deleted"  # the object is deleted or about to be; the row bars the pack's id (V14)


class GcState(models.IntegerChoices):
    """Where a round of garbage collection stands. The first three are open."""

    MARKING = 1, "Looking for what nothing needs"
    MARKED = 2, "Waiting out the grace period"
    SWEEPING = 3, "Removing"
    DONE = 4, "Done"
    REFUSED = 5, "Refused"


OPEN_ROUNDS = (GcState.MARKING, GcState.MARKED, GcState.SWEEPING)
