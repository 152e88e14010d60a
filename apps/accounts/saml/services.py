"""Setting company sign-in up, on and off, keeping it fresh: a transaction and an audit line each."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.urls import reverse

from apps.activity.audit import audit
from apps.activity.models import ActivityStatus
from apps.core import clock
from apps.core.actor import current_actor
from apps.core.errors import Conflict, EverkeepError
from apps.core.mails import mail_after_commit
from apps.core.scope import current_account_id

from ..enums import Role
from ..models import Account, Membership, SamlProvider
from .metadata import Config, digest_of, fetched, parse

logger = logging.getLogger("everkeep.saml")
TEST_HOLDS: Final = timedelta(hours=1)
WARN_DAYS: Final = (30, 7, 1)


def provider_here() -> SamlProvider | None:
    """The provider of the account in force, in use or not."""
    return SamlProvider.objects.filter(account_id=current_account_id()).first()


def provider_in_use() -> SamlProvider | None:
    """The provider of the account in force, if its people sign in there."""
    found = provider_here()
    return found if found and found.is_active else None


@transaction.atomic
def save_draft(config: Config) -> SamlProvider:
    """Keep a set-up that nobody signs in with before it was tested."""
    provider = _locked() or SamlProvider(account_id=current_account_id())
    provider.draft = config.as_json()
    provider.draft_tested_by = provider.draft_tested_at = None
    provider.save()
    audit("saml.saved", description=f"Set up company sign-in at {config.host}", provider=config.entity_id)
    return provider


@transaction.atomic
def discard_draft() -> bool:
    """Forget a set-up that is not in use; what is in use stays. False: there was none."""
    provider = _locked()
    if provider is None or provider.draft is None:
        return False
    entity_id, host = provider.draft["entity_id"], Config.of(provider.draft).host
    provider.draft = provider.draft_tested_by = provider.draft_tested_at = None
    provider.save(update_fields=["draft", "draft_tested_by", "draft_tested_at"])
    audit("saml.discarded", description=f"Discarded the set-up of {host}", provider=entity_id)
    return True


@transaction.atomic
def draft_tested(user_id: int, digest: str) -> None:
    """The person signed in with this very draft: they may switch it on for a while. Raises Conflict."""
    provider = _locked()
    if provider is None or provider.draft is None:
        raise Conflict("There is nothing to test.", do="Set company sign-in up first.")
    if digest_of(provider.draft) != digest:
        raise Conflict("Somebody changed the set-up during your test.", do="Look at it, then test it again.")
    provider.draft_tested_by, provider.draft_tested_at = user_id, clock.now()
    provider.save(update_fields=["draft_tested_by", "draft_tested_at"])
    audit("saml.tested", description="Signed in with the company sign-in as a test")


def may_activate(provider: SamlProvider, user_id: int | None) -> bool:
    """Whether this person's own test sign-in with the draft is fresh."""
    tested = provider.draft_tested_at
    return bool(
        provider.draft
        and user_id
        and provider.draft_tested_by == user_id
        and tested
        and clock.now() - tested < TEST_HOLDS
    )


@transaction.atomic
def activate() -> SamlProvider:
    """From now on the members sign in at the company. Raises Conflict without a fresh test by the actor."""
    provider = _locked()
    if provider is None or not may_activate(provider, current_actor().user_id):
        raise Conflict("Nobody has tested this sign-in within the last hour.", do="Test it, then switch it on.")
    provider.live, provider.draft = provider.draft, None
    provider.draft_tested_by = provider.draft_tested_at = None
    provider.activated_at = provider.refreshed_at = clock.now()
    provider.refresh_error, provider.warned_days = "", None
    provider.save()
    assert provider.live is not None
    config = Config.of(provider.live)
    audit(
        "saml.activated", description=f"Switched company sign-in on ({config.host})", provider=config.entity_id
    )
    _tell("saml_activated", provider=config.host)
    return provider


@transaction.atomic
def switch_off() -> bool:
    """Let members sign in by password again; the set-up stays as a draft. False: it was off already."""
    provider = _locked()
    if provider is None or not provider.is_active:
        return False
    provider.draft, provider.live = provider.draft or provider.live, None
    provider.draft_tested_by = provider.draft_tested_at = provider.activated_at = None
    provider.save()
    audit("saml.switched_off", description="Switched company sign-in off: passwords count again")
    _tell("saml_switched_off")
    return True


@transaction.atomic
def set_options(*, ask_second_factor: bool, create_people: bool, default_role: str) -> None:
    """Who is let in by an assertion, and whether it is proof enough. Raises Conflict without a set-up."""
    provider = _locked()
    if provider is None:
        raise Conflict("Company sign-in is not set up.", do="Set it up first.")
    provider.ask_second_factor = ask_second_factor
    provider.create_people, provider.default_role = create_people, default_role
    provider.save(update_fields=["ask_second_factor", "create_people", "default_role"])
    audit(
        "saml.changed",
        description="Changed the rules of company sign-in",
        ask_second_factor=ask_second_factor,
        create_people=create_people,
        default_role=default_role,
    )
    _tell("saml_changed")


def refresh(provider: SamlProvider) -> None:
    """Fetch the metadata once more; warn before the last certificate ends. Never raises for what it finds."""
    assert provider.live is not None
    config = Config.of(provider.live)
    if config.metadata_url:
        try:
            facts = parse(fetched(config.metadata_url))
            fresh = replace(config, sso_url=facts["sso_url"], certificates=tuple(facts["certificates"]))
            problem = (
                "" if facts["entity_id"] == config.entity_id else "The address describes another provider now."
            )
        except EverkeepError as error:
            fresh, problem = config, str(error)
        config = fresh if not problem else config
        _refreshed(provider.pk, config, problem)
    _warn(provider.pk, config)


@transaction.atomic
def _refreshed(pk: int, config: Config, problem: str) -> None:
    provider = SamlProvider.objects.select_for_update().get(pk=pk)
    if provider.live is None or provider.live["metadata_url"] != config.metadata_url:
        return  # switched off or over while we were asking
    if problem:
        if not provider.refresh_error:
            audit("saml.refresh_failed", status=ActivityStatus.FAILED, description=problem)
        provider.refresh_error = problem[:300]
        provider.save(update_fields=["refresh_error"])
        return
    if provider.live != config.as_json():
        audit(
            "saml.metadata_changed",
            description=f"{config.host} published other certificates or addresses",
            certificates=len(config.certificates),
        )
        provider.live, provider.warned_days = config.as_json(), None
    provider.refreshed_at, provider.refresh_error = clock.now(), ""
    provider.save(update_fields=["live", "warned_days", "refreshed_at", "refresh_error"])


@transaction.atomic
def _warn(pk: int, config: Config) -> None:
    """Mail once at 30, 7 and 1 days before nobody can sign in any more."""
    provider = SamlProvider.objects.select_for_update().get(pk=pk)
    left = (config.ends_at - clock.now()).days
    due = min((days for days in WARN_DAYS if left <= days), default=None)
    if due is None or (provider.warned_days is not None and provider.warned_days <= due):
        return
    provider.warned_days = due
    provider.save(update_fields=["warned_days"])
    ends = f"{config.ends_at:%d %b %Y}"
    audit("saml.certificate_ends", description=f"The certificate of {config.host} ends on {ends}")
    _tell("saml_certificate", provider=config.host, ends_at=config.ends_at, url=config.metadata_url)


def administrators() -> Sequence[str]:
    """The mail addresses of everybody who administers the account in force."""
    rows = Membership.objects.filter(account_id=current_account_id(), role=Role.ADMINISTRATOR)
    return list(rows.filter(is_active=True, user__is_active=True).values_list("user__email", flat=True))


def _tell(mail: str, **words: object) -> None:
    account = Account.objects.get(pk=current_account_id())
    link = f"{reverse('security')}#saml"
    actor = current_actor()
    by = actor.label or "Everkeep"
    mail_after_commit(
        mail, administrators(), link=link, link_words="Company sign-in", account=account.name, by=by, **words
    )


def _locked() -> SamlProvider | None:
    return SamlProvider.objects.select_for_update().filter(account_id=current_account_id()).first()
