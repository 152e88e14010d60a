"""From an answer that a browser brings to a session of this browser.

The answer is posted by the provider's page, so the browser does not send our session cookie along
(SameSite=Lax). It is judged and put away under a token; the browser is then sent, by GET, to a page of ours
with that token, where its cookie is there and says whether this browser asked.
"""

import secrets
from datetime import timedelta
from hashlib import sha256
from typing import Final

from django.db import IntegrityError, transaction

from apps.activity.audit import audit_once
from apps.activity.models import ActivityStatus
from apps.core import clock
from apps.core.scope import current_account_id, every_account

from ..limits import Limit, give_back, take
from ..models import Account, SamlArrival, SamlProvider, User
from .checks import SKEW, Assertion, SamlRefused, believed
from .metadata import Config, digest_of

FINISH_WITHIN: Final = timedelta(minutes=5)
# python3-saml's own allowance for clocks is five minutes: longer than ours, so an ID is kept beyond both.
NOTED: Final = Limit("saml.refused", 20, timedelta(minutes=10))
REMEMBER_BEYOND: Final = SKEW + timedelta(minutes=10)


def arrive(account: Account, provider: SamlProvider, posted: str) -> str:
    """Judge a posted answer and return the token with which its browser comes for it. Raises SamlRefused."""
    by_live, by_draft = (_believed(account, stored, posted) for stored in (provider.live, provider.draft))
    assertion = next((found for found in (by_live, by_draft) if isinstance(found, Assertion)), None)
    if assertion is None:
        refusals = [found for found in (by_live, by_draft) if isinstance(found, SamlRefused)]
        raise refusals[0] if refusals else SamlRefused("not_in_use")
    embed_link = provider.live and provider.live["embed_link"]
    if not assertion.in_response_to and not (isinstance(by_live, Assertion) and embed_link):
        raise SamlRefused("not_asked_for", assertion.address)
    token = secrets.token_urlsafe(32)
    try:
        with transaction.atomic():
            SamlArrival.objects.create(
                account=account,
                assertion_id=assertion.assertion_id,
                token_digest=_digest(token),
                in_response_to=assertion.in_response_to,
                address=assertion.address,
                person_name=assertion.person_name,
                authenticated_at=assertion.authenticated_at,
                session_until=assertion.session_until,
                by_live=isinstance(by_live, Assertion),
                draft_digest=digest_of(provider.draft or {}) if isinstance(by_draft, Assertion) else "",
                finish_before=clock.now() + FINISH_WITHIN,
                remember_until=assertion.usable_until + REMEMBER_BEYOND,
            )
    except IntegrityError as error:
        raise SamlRefused("replay", assertion.address) from error
    return token


def arrival_of(token: str) -> SamlArrival:
    """What waits under this token. Raises SamlRefused when nothing does, or no more."""
    found = SamlArrival.objects.filter(token_digest=_digest(token), finished_at=None).first()
    if found is None or found.finish_before <= clock.now():
        raise SamlRefused("too_late", found.address if found else "")
    return found


def finish(arrival: SamlArrival) -> None:
    """Use it up. Raises SamlRefused when somebody was quicker."""
    rows = SamlArrival.objects.filter(pk=arrival.pk, finished_at=None)
    if not rows.update(finished_at=clock.now()):
        raise SamlRefused("replay", arrival.address)


def note_refusal(refused: SamlRefused, user: User | None = None) -> None:
    """Write down why. The page says nothing of it.

    Anybody can send us nonsense for an account: the same from one address is one line, and each cause has a
    budget, so that strangers neither bury what matters nor hold up the account's chain.
    """
    budget = (current_account_id(), refused.cause)
    if not take(NOTED, *budget):
        return
    about = f" for {refused.address}" if refused.address else ""
    noted = audit_once(
        "saml.refused",
        status=ActivityStatus.FAILED,
        description=f"Refused a company sign-in{about}: {CAUSES[refused.cause]}",
        subject_id=user.public_id if user else None,
        cause=refused.cause,
        claimed=refused.address,
    )
    if noted is None:
        give_back(NOTED, *budget)


def forget_old() -> int:
    """Delete what cannot be used again by anybody's clock. Returns how many."""
    with every_account("old assertions of all accounts are cleared away"):
        return SamlArrival.objects.filter(remember_until__lt=clock.now()).delete()[0]


def _believed(
    account: Account, stored: dict[str, object] | None, posted: str
) -> Assertion | SamlRefused | None:
    if stored is None:
        return None
    try:
        return believed(posted, account.public_id, Config.of(stored))
    except SamlRefused as refused:
        return refused


def _digest(token: str) -> str:
    return sha256(f"{current_account_id()}:{token}".encode()).hexdigest()


CAUSES: Final = {
    "bad_signature": "its signature is not one of your provider's certificates",
    "unsigned_assertion": "the assertion is not signed; let your provider sign assertions, not responses alone",
    "wrapped": "it was put together from pieces (signature wrapping)",
    "weak_algorithm": "it is signed in a way that is not safe any more (SHA-256 or better is needed)",
    "forbidden_xml": "it holds comments, a document type or instructions",
    "not_saml": "it is not a SAML response",
    "not_valid": "it breaks the SAML rules",
    "too_large": "it is too large",
    "encrypted": "it is encrypted; switch encryption of assertions off at your provider",
    "no_assertion": "it holds no assertion",
    "provider_refused": "your provider itself refused the person",
    "wrong_issuer": "it comes from another provider",
    "wrong_audience": "it is meant for another service or another account",
    "wrong_destination": "it was sent to another address",
    "wrong_recipient_or_expired": "it is meant for another recipient, or it has expired",
    "wrong_request": "it answers another request than it says",
    "expired": "it has expired; check the clocks",
    "not_yet_valid": "it is not valid yet; check the clocks",
    "no_address": "it holds no mail address, or several",
    "replay": "it was used before",
    "too_late": "the browser came too late, or twice",
    "other_browser": "this browser had not asked for it",
    "not_asked_for": "nobody had asked for it, and there is no app embed link",
    "not_in_use": "company sign-in is not in use",
    "wrong_person": "it is about somebody else than the person at the browser",
    "not_asked_anew": "your provider did not ask the person anew",
    "no_member": "there is no user with this address in the account",
    "switched_off": "the user is switched off",
    "owner": "it is about the owner of the account, who signs in without the company",
    "belongs_elsewhere": "a person with this address is known already; invite them",
}
