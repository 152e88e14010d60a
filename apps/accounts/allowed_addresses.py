"""From where an account may be reached (features SEC-05…08): list, switch and the gate on every request."""

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from apps.activity.audit import audit
from apps.activity.models import ActivityStatus, SecurityEvent
from apps.core import clock
from apps.core.actor import current_actor
from apps.core.client_address import client_address
from apps.core.errors import Conflict
from apps.core.mails import mail_after_commit
from apps.core.permissions import Permission
from apps.core.scope import current_account_id

from .address_ranges import AddressRange
from .models import Account, AllowedAddress, Membership

# What a person who is kept out may still do: leave, or go to another account of theirs.
WAYS_OUT = {"account_logout", "account_switch"}
ENTRIES_AT_MOST = 200
DENIALS_AN_HOUR = 20
GONE = "Somebody else took it away meanwhile. Load the page again."


def allowed_addresses() -> list[AllowedAddress]:
    """The list of the account in force, in the order of adding."""
    return list(AllowedAddress.objects.order_by("id"))


def is_listed(address: str) -> bool:
    """Tell whether the list of the account in force holds an address."""
    return any(entry.range.holds(address) for entry in allowed_addresses())


@transaction.atomic
def addresses_add(ranges: Iterable[AddressRange], *, description: str) -> Account:
    """Put ranges on the list. The first ones switch it on, if they hold the actor's own address."""
    account = _locked()
    known = {entry.range for entry in allowed_addresses()}
    new = [each for each in ranges if each not in known]
    if not new:
        raise Conflict("This is on the list already.", do="Change its description there.")
    if len(known) + len(new) > ENTRIES_AT_MOST:
        raise Conflict(
            f"The list holds {ENTRIES_AT_MOST} entries at most.", do="Put addresses together as ranges."
        )
    for each in new:
        AllowedAddress.objects.create(
            account=account,
            first=str(each.first),
            last=str(each.last),
            description=description,
            added_by=current_actor().label[:200],
        )
    _tell(account, "addresses.added", f"Added {', '.join(map(str, new))} to the allowed addresses")
    if not known and not account.only_allowed_addresses and is_listed(current_actor().address):
        _switch(account, on=True)
    return account


@transaction.atomic
def address_change(entry: AllowedAddress, new: AddressRange, *, description: str) -> None:
    """Make an entry another range. Raises Conflict when the actor would lock themselves out."""
    account, old = _locked(), entry.range
    if new != old and any(each.range == new for each in allowed_addresses()):
        raise Conflict("This is on the list already.", do="Remove one of the two.")
    values = {"first": str(new.first), "last": str(new.last), "description": description}
    if not AllowedAddress.objects.filter(pk=entry.pk).update(**values):
        raise Conflict("This entry is not on the list any more.", do=GONE)
    _keep_the_actor_in(account)
    words = f"Changed {old} of the allowed addresses to {new}" if new != old else f"Described {new} anew"
    _tell(account, "addresses.changed", words)


@transaction.atomic
def address_remove(entry: AllowedAddress) -> None:
    """Take an entry off the list. Raises Conflict when the actor would lock themselves out."""
    account, words = _locked(), str(entry)
    if not AllowedAddress.objects.filter(pk=entry.pk).delete()[0]:
        raise Conflict("This entry is not on the list any more.", do=GONE)
    _keep_the_actor_in(account)
    _tell(account, "addresses.removed", f"Removed {words} from the allowed addresses")


@transaction.atomic
def addresses_switch(*, on: bool) -> None:
    """Let the list count, or not. Raises Conflict when the actor's own address is not on it."""
    account = _locked()
    if account.only_allowed_addresses != on:
        _switch(account, on=on)


def _switch(account: Account, *, on: bool) -> None:
    account.only_allowed_addresses = on
    account.save(update_fields=["only_allowed_addresses"])
    _keep_the_actor_in(account)
    if on:
        _tell(account, "addresses.switched_on", "Only the allowed addresses get in from now on")
    else:
        who = ", by Everkeep's operator" if current_actor().kind == "system" else ""
        _tell(account, "addresses.switched_off", f"Every address gets in from now on{who}")


@transaction.atomic
def addresses_unlock() -> bool:
    """Switch the restriction of the account in force off, for the operator. False when it was off."""
    account = _locked()
    if not account.only_allowed_addresses:
        return False
    _switch(account, on=False)
    return True


def _locked() -> Account:
    """The account's row, held: two people at once must not take away each other's last way in."""
    return Account.objects.select_for_update(no_key=True).get(pk=current_account_id())


def _keep_the_actor_in(account: Account) -> None:
    address = current_actor().address
    if account.only_allowed_addresses and not is_listed(address):
        raise Conflict(
            f"You come from {address or 'an address that we cannot read'}, which would be kept out.",
            do="Put your own address on the list first.",
        )


def _tell(account: Account, code: str, words: str) -> None:
    """Into the audit, and to every administrator, whoever did it."""
    actor = current_actor()
    audit(code, description=f"{words}.", subject_id=account.public_id)
    members = Membership.objects.filter(account=account, is_active=True, user__is_active=True).select_related(
        "user"
    )
    mail_after_commit(
        "addresses_changed",
        [each.user.email for each in members if Permission.ACCOUNT_SETTINGS in each.permissions],
        link="/settings/security/",
        link_words="Look at the allowed addresses",
        account=account.name,
        words=words,
        who="Everkeep's operator" if actor.kind == "system" else actor.label,
        address=actor.address,
        is_on=account.only_allowed_addresses,
        entries=allowed_addresses(),
    )


def address_gate(request: HttpRequest) -> HttpResponseBase | None:
    """Keep out who comes from elsewhere: pages, parts, downloads and the API alike."""
    account: Account = request.account  # type: ignore[attr-defined]
    if not account.only_allowed_addresses:
        return None
    address = client_address(request)
    match = request.resolver_match
    if is_listed(address) or (match and match.url_name in WAYS_OUT):
        return None
    _note_denial(request, address)
    return _denied(request, account, address)


def _note_denial(request: HttpRequest, address: str) -> None:
    """One line an hour for a person and an address: a program that knocks all day must not bury the log."""
    actor, now = current_actor(), clock.now()
    noted = SecurityEvent.objects.filter(
        code="address.denied", actor_id=actor.user_id, at__gt=now - timedelta(hours=1)
    ).values_list("address", flat=True)[:DENIALS_AN_HOUR]
    if address in (seen := list(noted)) or len(seen) >= DENIALS_AN_HOUR:
        return
    audit(
        "address.denied",
        status=ActivityStatus.FAILED,
        description=f"Kept out: {address or 'the address'} is not an allowed address.",
        path=request.path[:200],
    )


def _denied(request: HttpRequest, account: Account, address: str) -> HttpResponse:
    words = f"{address or 'Your network address'} is not on the list of addresses that may reach {account}."
    do = "Use your organisation's network, or ask an administrator."
    if request.path.startswith("/api/"):
        return JsonResponse({"code": "address_denied", "detail": words, "do": do}, status=403)
    response = render(request, "accounts/address_denied.html", {"words": words, "do": do}, status=403)
    if request.headers.get("HX-Request"):
        # A part must not keep standing on a page that the person may not see any more.
        response["HX-Refresh"] = "true"
    response["Cache-Control"] = "private, no-store"
    return response
