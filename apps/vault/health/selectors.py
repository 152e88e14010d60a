"""What the Health page says of an account's vault. All in the account's scope."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Min, Q, Sum

from apps.core import clock

from ..enums import ENDED_CHECKS, OPEN_CHECKS, OPEN_DAMAGE, WHOLE_TIERS, DamageState, PackState
from ..models import Damage, Pack, VaultCheck, VaultKey

RECENT: Final = timedelta(days=35)  # what was verified longer ago counts as not verified
SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class VaultHealth:
    """`verified_share` is of the stored bytes, from 0 to 1; None while nothing is stored.

    `open` is the check at work or waiting, `checks` are those that ended, newest first. `damage` counts
    records by state.
    """

    has_vault: bool
    packs: int
    size: int
    verified_share: float | None
    oldest: datetime | None
    open: VaultCheck | None
    checks: Sequence[VaultCheck]
    last_full: VaultCheck | None
    damage: dict[str, int]

    @property
    def last(self) -> VaultCheck | None:
        return self.checks[0] if self.checks else None

    @property
    def unsettled(self) -> int:
        return sum(self.damage.get(state, 0) for state in OPEN_DAMAGE)

    @property
    def lost(self) -> int:
        return self.damage.get(DamageState.LOST, 0)


def vault_health() -> VaultHealth:
    """Return the state of the account's vault. Query count constant."""
    stored = Pack.objects.filter(state=PackState.STORED)
    recent = Q(verified_at__gt=clock.now() - RECENT)
    sums = stored.aggregate(
        packs=Count("pk"), total=Sum("size"), verified=Sum("size", filter=recent), oldest=Min("verified_at")
    )
    ended = VaultCheck.objects.exclude(state__in=OPEN_CHECKS).order_by("-finished_at", "-pk")
    never = stored.filter(verified_at=None).exists()
    states = Damage.objects.order_by().values_list("state").annotate(Count("pk"))
    return VaultHealth(
        has_vault=VaultKey.objects.exists(),
        packs=sums["packs"],
        size=sums["total"] or 0,
        verified_share=(sums["verified"] or 0) / sums["total"] if sums["total"] else None,
        oldest=None if never else sums["oldest"],
        open=VaultCheck.objects.filter(state__in=OPEN_CHECKS).first(),
        checks=list(ended[:SHOWN]),
        last_full=ended.filter(tier__in=WHOLE_TIERS, state__in=ENDED_CHECKS).first(),
        damage=dict(states),
    )


def damage_rows(states: Collection[str], limit: int = 100) -> list[Damage]:
    """Return damage in these states, newest first."""
    return list(Damage.objects.filter(state__in=states).order_by("-found_at", "-pk")[:limit])


def lost_blobs(blob_ids: Collection[bytes]) -> set[bytes]:
    """Return those of `blob_ids` that are damaged or lost as far as is known."""
    rows = Damage.objects.filter(blob_id__in=list(blob_ids), state__in=(*OPEN_DAMAGE, DamageState.LOST))
    return {bytes(blob_id) for blob_id in rows.values_list("blob_id", flat=True)}
