"""The operator's doors: `manage.py accounts unlock-addresses|saml-off ACCOUNT`, `… reset-factor EMAIL`."""
"""The operator's doors to accounts: `manage.py accounts unlock-addresses ACCOUNT`, `… saml-off ACCOUNT`."""
"""The operator's doors: `manage.py accounts staff | partner | location | plan | ended`."""
"""The operator's doors to accounts: `manage.py accounts unlock-addresses ACCOUNT`, `… staff EMAIL` and so on."""
"""The operator's doors to accounts: `manage.py accounts unlock-addresses ACCOUNT`, `… staff EMAIL`…"""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from apps.accounts import operator
from apps.accounts.allowed_addresses import addresses_unlock
from apps.accounts.factors.lost import factor_reset
from apps.accounts.models import Account, User
from apps.accounts.saml.services import switch_off
from apps.core.actor import SYSTEM, acting_as
from apps.core.errors import EverkeepError
from apps.core.scope import account_scope

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
    help = "Let people back in who locked themselves out; staff, partners, location, plan, what has ended."

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
        operator.add_arguments(actions)

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        found = _account(options["account"]) if "account" in options else None
        if action in operator.DOORS or found is None:
            try:
                with acting_as(SYSTEM):
                    operator.DOORS[action](found, options, self.stdout.write)
            except EverkeepError as error:
                raise CommandError(str(error)) from error
            return
        act, done, nothing = ACTIONS[action]
        with account_scope(found.pk), acting_as(SYSTEM):
            said = done if act() else nothing
        self.stdout.write(f"{found.name}: {said}.")


def _account(text: str) -> Account:
    try:
        wanted: dict[str, object] = {"public_id": UUID(text)}
    except ValueError:
        wanted = {"memberships__is_owner": True, "memberships__user__email": text.lower()}
    found = list(Account.objects.filter(**wanted)[:2])
    if len(found) != 1:
        raise CommandError(f"{'Several accounts have' if found else 'No account has'} this id or owner: {text}")
    return found[0]
