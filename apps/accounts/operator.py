"""What the operator may do about accounts by `manage.py accounts`, beside letting people back in."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from .enums import Location
from .guests.partners import partner_create
from .guests.support import staff_set
from .life.naming import account_relocate
from .life.trial import account_activate_plan
from .models import Account, Tombstone

Say = Callable[[str], object]
Door = Callable[[Account | None, Mapping[str, Any], Say], None]


def add_arguments(actions: Any) -> None:
    """Declare each action to the parser."""
    staff = actions.add_parser("staff", help="make somebody platform staff")
    staff.add_argument("email")
    staff.add_argument("--remove", action="store_true", help="they are not any more")
    partner = actions.add_parser("partner", help="make a partner organisation and its first manager")
    partner.add_argument("name")
    partner.add_argument("email")
    location = actions.add_parser("location", help="change where an account's backups belong")
    location.add_argument("account", help="the account's public id, or the email of its owner")
    location.add_argument("location", choices=Location.values)
    plan = actions.add_parser("plan", help="activate a plan: the trial has no end any more")
    plan.add_argument("account", help="the account's public id, or the email of its owner")
    actions.add_parser("ended", help="list accounts that were deleted, or are being")


def _staff(account: Account | None, options: Mapping[str, Any], say: Say) -> None:
    user = staff_set(email=options["email"], on=not options["remove"])
    say(f"{user.email} is platform staff{' no more' if options['remove'] else ' now'}.")


def _partner(account: Account | None, options: Mapping[str, Any], say: Say) -> None:
    partner = partner_create(name=options["name"], email=options["email"])
    say(f"Partner {partner.name}, number {partner.public_id}. {options['email']} gets a mail.")


def _location(account: Account | None, options: Mapping[str, Any], say: Say) -> None:
    assert account is not None, "the parser wants one"
    account_relocate(account=account, location=options["location"])
    say(f"{account.name} belongs to {account.get_location_display()} now.")
    say("A vault that exists stays where it is: move it on the account's page Settings, Storage.")


def _plan(account: Account | None, options: Mapping[str, Any], say: Say) -> None:
    assert account is not None, "the parser wants one"
    say(f"{account_activate_plan(account_id=account.pk).name} has a plan.")


def _ended(account: Account | None, options: Mapping[str, Any], say: Say) -> None:
    for stone in Tombstone.objects.order_by("begun_at"):
        state = f"deleted {stone.deleted_at:%Y-%m-%d %H:%M}" if stone.deleted_at else "being deleted"
        keys = f"keys destroyed {stone.shredded_at:%Y-%m-%d %H:%M}" if stone.shredded_at else _keys_left(stone)
        waits = f", waits for {stone.waiting_for}" if stone.waiting_for else ""
        say(f"{stone.account_public_id}  {stone.get_cause_display()}, {state}, {keys}{waits}")


def _keys_left(stone: Tombstone) -> str:
    if not stone.deleted_at and not stone.steps_done_at:
        return "keys still there"
    left = stone.proof.get("keys", {}).get("left", 0)
    return f"our keys destroyed, {left} places or envelopes out of reach"


DOORS: Final[Mapping[str, Door]] = {
    "staff": _staff,
    "partner": _partner,
    "location": _location,
    "plan": _plan,
    "ended": _ended,
}
