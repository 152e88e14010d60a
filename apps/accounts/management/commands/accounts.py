"""The operator's doors: `manage.py accounts unlock-addresses|saml-off ACCOUNT`, `… reset-factor EMAIL`."""
"""The operator's doors to accounts: `manage.py accounts unlock-addresses ACCOUNT`, `… saml-off ACCOUNT`."""
"""The operator's doors: `manage.py accounts staff | partner | location | plan | ended`."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from apps.accounts.allowed_addresses import addresses_unlock
from apps.accounts.factors.lost import factor_reset
from apps.accounts.models import Account, User
from apps.accounts.saml.services import switch_off
from apps.accounts.enums import Location
from apps.accounts.guests.partners import partner_create
from apps.accounts.guests.support import staff_set
from apps.accounts.life.naming import account_relocate
from apps.accounts.life.trial import account_activate_plan
from apps.accounts.models import Account, Tombstone
from apps.core.actor import SYSTEM, acting_as
from apps.core.errors import EverkeepError

# What is done (it returns whether there was anything to do), what is said then, and what is said otherwise.
ACTIONS: dict[str, tuple[Callable[[], bool], str, str]] = {
    "unlock-addresses": (
        addresses_unlock,
        "every address gets in now; its administrators were told",
        "was not restricted",
    ),
    "saml-off": (
        switch_off,
        "company sign-in is off, passwords count again; its administrators were told",
        "company sign-in was not on",
    ),
}


class Command(BaseCommand):
    help = (
        "Let people back in who locked themselves out by allowed addresses, company sign-in, or a lost factor."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        for name, words in (
            ("unlock-addresses", "switch the restriction to addresses off"),
            ("saml-off", "switch company sign-in off"),
        ):
            action = actions.add_parser(name, help=words)
            action.add_argument("account", help="the account's public id, or the email of its owner")
        reset = actions.add_parser("reset-factor", help="take a lost second factor off a person")
        reset.add_argument("email", help="the person's address; make sure first that it is they who ask")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        if action == "reset-factor":
            self._reset_factor(options["email"])
        else:
            self._act(action, options["account"])

    def _reset_factor(self, email: str) -> None:
        user = User.objects.filter(email=email.lower()).first()
        if user is None:
            raise CommandError(f"Nobody has the address {email}.")
        with acting_as(SYSTEM):
            had_one = factor_reset(user)
        said = "signs in with the password alone now, and was told" if had_one else "has no second factor"
        self.stdout.write(f"{user.email}: {said}.")

    def _act(self, action: str, account: str) -> None:
    help = "Staff, partners, an account's location and plan, and what has ended."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        staff = actions.add_parser("staff", help="make somebody platform staff")
        staff.add_argument("email")
        staff.add_argument("--remove", action="store_true", help="they are not any more")
        partner = actions.add_parser("partner", help="make a partner organisation and its first manager")
        partner.add_argument("name")
        partner.add_argument("email")
        location = actions.add_parser("location", help="change where an account's backups belong")
        location.add_argument("account", help="the account's public id")
        location.add_argument("location", choices=Location.values)
        plan = actions.add_parser("plan", help="activate a plan: the trial has no end any more")
        plan.add_argument("account", help="the account's public id")
        actions.add_parser("ended", help="list accounts that were deleted, or are being")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            with acting_as(SYSTEM):
                getattr(self, f"_{action}")(**options)
        except EverkeepError as error:
            raise CommandError(str(error)) from error

    def _staff(self, *, email: str, remove: bool, **options: Any) -> None:
        user = staff_set(email=email, on=not remove)
        self.stdout.write(
            f"{user.email} is {'not ' if remove else ''}platform staff{' any more' if remove else ''}."
        )

    def _partner(self, *, name: str, email: str, **options: Any) -> None:
        partner = partner_create(name=name, email=email)
        self.stdout.write(f"Partner {partner.name}, number {partner.public_id}. {email} gets a mail.")

    def _location(self, *, account: str, location: str, **options: Any) -> None:
        found = _account(account)
        act, done, nothing = ACTIONS[action]
        with account_scope(found.pk), acting_as(SYSTEM):
            said = done if act() else nothing
        self.stdout.write(f"{found.name}: {said}.")
        account_relocate(account=found, location=location)
        self.stdout.write(
            f"{found.name} belongs to {found.get_location_display()} now. A vault stays where it is:"
            " move it on the account's page Settings, Storage."
        )

    def _plan(self, *, account: str, **options: Any) -> None:
        self.stdout.write(f"{account_activate_plan(account_id=_account(account).pk).name} has a plan.")

    def _ended(self, **options: Any) -> None:
        for stone in Tombstone.objects.order_by("begun_at"):
            state = f"deleted {stone.deleted_at:%Y-%m-%d %H:%M}" if stone.deleted_at else "being deleted"
            keys = (
                f"keys destroyed {stone.shredded_at:%Y-%m-%d %H:%M}"
                if stone.shredded_at
                else "keys still there"
            )
            waits = f", waits for {stone.waiting_for}" if stone.waiting_for else ""
            self.stdout.write(f"{stone.account_public_id}  {stone.get_cause_display()}, {state}, {keys}{waits}")


def _account(public_id: str) -> Account:
    try:
        return Account.objects.get(public_id=public_id)
    except (Account.DoesNotExist, ValidationError) as error:
        raise CommandError("There is no account of this id.") from error
