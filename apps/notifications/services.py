"""Writing letters: a row for each who gets one, in the transaction of what it tells (`sending.py` sends)."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import transaction

from apps.accounts.models import User
from apps.core import clock
from apps.core.actor import Actor, acting_as
from apps.core.ids import new_public_id
from apps.core.mails import plain_name
from apps.core.scope import current_account_id

from .enums import NOTICE, Silence, Way
from .letters import Letter, Written, sealed, written
from .models import Delivery, Recipient, Refusal
from .rights import has_refused, may_read, reader_at, reader_kept, reader_of, sight_of, user_at

Letters = Letter | Callable[[], Letter | None]
"""A letter, or what makes one for each reader in their sight; None writes nothing to that reader."""
SUBJECT: Final = 300
PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720, 1440))
"""Between tries, so that one who does not answer is given up after two days."""


@transaction.atomic
def notify(kind: str, letter: Letters, *, extra: Iterable[str] = ()) -> int:
    """Write to every recipient of a kind, and to `extra` addresses; returns how many letters that are.

    In the account's scope and the caller's transaction: nothing is sent of what is rolled back.
    """
    made = 0
    written_to = set[str]()
    for recipient in Recipient.objects.select_related("user").order_by("pk"):
        if kind in recipient.kinds:
            reader = reader_of(recipient)
            made += _write(kind, letter, reader, recipient.place, recipient)
            if recipient.way == Way.MAIL:
                written_to.add(recipient.place.lower())
    others = [address for address in extra if address.strip().lower() not in written_to]
    return made + notify_addresses(others, letter, kind=kind)


@transaction.atomic
def notify_addresses(
    addresses: Iterable[str],
    letter: Letters,
    *,
    kind: str,
    readers: Mapping[str, Mapping[str, Any]] | None = None,
) -> int:
    """Write to these addresses, each once. A member among them gets only what their rights let them see.

    `readers`: who they were when somebody wrote them down (`readers_of`). An address that is nobody's and of
    which this says nothing gets only what needs no sight of backups.
    """
    made = 0
    for address in dict.fromkeys(address.strip().lower() for address in addresses if address.strip()):
        kept = (readers or {}).get(address, {})
        made += _write(kind, letter, reader_at(address, kept), address, None, kept=kept)
    return made


def readers_of(addresses: Iterable[str], known: Mapping[str, Any]) -> dict[str, Any]:
    """Who these addresses are, to be kept beside them; those that stood there before stay who they were."""
    plain = {address.strip().lower() for address in addresses}
    return {address: known.get(address) or reader_kept(address) for address in sorted(plain)}


def wanted_again(addresses: Iterable[str]) -> None:
    """Write to these once more, whatever they ended: somebody wrote them down anew, by hand."""
    Refusal.objects.filter(address__in=[address.strip().lower() for address in addresses]).delete()


def gets_nothing(address: str, kind: str) -> Silence | None:
    """Why a plain address that is written to is told nothing of a kind; None when it gets its letters."""
    if has_refused(address, kind):
        return Silence.LEFT
    return None if may_read(reader_at(address, {}), kind, service="", entity_id=None) else Silence.OFF


def send_all_the_same(address: str, kind: str, *, wanted: bool = True) -> bool:
    """Send letters of a kind to an address of somebody who left, knowingly, or no longer; False: no change."""
    row = Refusal.objects.select_for_update().filter(address=address.lower(), kind="").first()
    if row is None or (kind in row.but) == wanted:
        return False
    row.but = [*row.but, kind] if wanted else [each for each in row.but if each != kind]
    row.save(update_fields=["but"])
    return True


def keep_mail(
    name: str, to: str, words: dict[str, str], *, service: str = "", entity_id: UUID | None = None
) -> None:
    """Keep a mail of `core.mails` whose first try failed, in the account's scope, and try again later."""
    now = clock.now()
    delivery = Delivery(
        public_id=new_public_id(),
        account_id=current_account_id(),
        address=to,
        kind=NOTICE,
        letter=name,
        subject=words["subject"][:SUBJECT],
        service=service,
        entity_id=entity_id,
        tries=1,
        next_try_at=now + PAUSES[0],
        said="The mail server could not be reached.",
        created_at=now,
    )
    delivery.sealed_body = sealed(
        delivery, Written(words["subject"], words["body"], link=words["link"], link_words=words["link_words"])
    )
    delivery.save()


def _write(
    kind: str,
    letter: Letters,
    reader: Actor | None,
    address: str,
    recipient: Recipient | None,
    *,
    kept: Mapping[str, Any] | None = None,
) -> bool:
    if reader is None:
        return False
    if "user" in (kept or {}):
        address = User.objects.values_list("email", flat=True).get(pk=(kept or {})["user"])
    if _is_mail(recipient) and has_refused(address, kind):
        return False
    with acting_as(reader):
        made = letter() if callable(letter) else letter
    if made is None or not may_read(reader, kind, service=made.service, entity_id=made.entity_id):
        return False
    made_for = sight_of(reader) if callable(letter) else {}
    letter_store(kind, made, address, recipient, made_for=made_for, kept=kept)
    return True


def letter_store(
    kind: str,
    letter: Letter,
    address: str,
    recipient: Recipient | None,
    *,
    made_for: Mapping[str, Any] | None = None,
    kept: Mapping[str, Any] | None = None,
) -> Delivery:
    """Write one letter to one recipient, who may read it."""
    now = clock.now()
    user = recipient.user if recipient else None
    if user is None and _is_mail(recipient):
        user = user_at(address)
    words = written(letter, plain_name(recipient.name) if recipient else "")
    pause = timedelta(seconds=settings.DIGEST_SECONDS) if letter.digest_key else timedelta(0)
    delivery = Delivery(
        public_id=new_public_id(),
        account_id=current_account_id(),
        recipient=recipient,
        user=user,
        way=recipient.way if recipient else Way.MAIL,
        address=user.email if user else address,
        kind=kind,
        letter=letter.name,
        subject=words.subject[:SUBJECT],
        service=letter.service,
        entity_id=letter.entity_id,
        task_id=letter.task_id,
        made_for=made_for or {},
        reader=dict(kept or {}),
        digest_key=letter.digest_key[:100],
        next_try_at=now + pause,
        created_at=now,
    )
    delivery.sealed_body = sealed(delivery, words)
    delivery.save()
    if not letter.digest_key:
        hand_over(delivery.account_id)
    return delivery


def hand_over(account_id: int) -> None:
    """Have a worker send what waits, once the transaction around is durable."""
    from .tasks import send_letters_of  # noqa: PLC0415 - the task's module calls what calls us

    send_letters_of.after_commit(account_id=account_id)


def _is_mail(recipient: Recipient | None) -> bool:
    return recipient is None or recipient.way == Way.MAIL
