"""Vouching for a chain that is broken for a known cause: a restored dump of the database, an adopted account.

The operator says why, in an entry that names the old head and begins a new epoch (`AuditEpoch`). What was found
before it stays found: a check names the vouching, and any other break than the one that was vouched for.
"""

from django.db import transaction

from apps.core import clock
from apps.core.errors import Conflict, Unavailable
from apps.core.scope import account_scope
from apps.core.sealing import seal
from apps.core.sight import whole_sight

from .chain import append, plain
from .heads import heads_told
from .models import ActivityStatus, AuditEpoch, ChainHead, SecurityEvent
from .verify import chain_verify


def chain_vouch(account_id: int, *, by: str, reason: str) -> AuditEpoch:
    """Begin a new epoch. Raises Conflict for an unbroken chain, Unavailable while heads cannot be read."""
    verdict = chain_verify(account_id)
    if verdict.trouble:
        raise Unavailable(verdict.trouble, do="Vouch once the vault can be read.")
    if verdict.finding is None:
        raise Conflict("The chain is unbroken: there is nothing to vouch for.")
    with account_scope(account_id):
        # A number that no head knows: what was kept elsewhere before is about other entries.
        beyond = max((head.sequence for head in heads_told(account_id)), default=0)
    with account_scope(account_id), whole_sight("the newest entry, whoever may see it"), transaction.atomic():
        head = ChainHead.objects.filter(account_id=account_id).first()
        found = verdict.finding
        event = append(
            SecurityEvent(
                account_id=account_id,
                at=clock.now(),
                code="audit.vouched",
                status=ActivityStatus.DONE,
                actor_label=plain(f"{by} (operator)", 200),
                description=plain(f"Vouched for the chain before this entry: {reason}", 500),
                details={
                    "found_at": found.sequence,
                    "found": plain(found.what, 500),
                    "old_head": head.seal if head else "",
                    "old_head_number": head.sequence if head else 0,
                },
            ),
            beyond=beyond,
        )
        epoch = AuditEpoch(
            account_id=account_id,
            sequence=event.sequence,
            found=found.sequence,
            by=by[:200],
            reason=reason[:300],
        )
        epoch.sealed = seal(account_id=account_id, purpose=epoch.purpose, plaintext=event.seal.encode())
        epoch.save()
    return epoch
