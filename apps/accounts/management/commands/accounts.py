"""The operator's doors: `manage.py accounts unlock-addresses|saml-off ACCOUNT`, `… staff EMAIL`…"""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from apps.accounts import operator
from apps.accounts.allowed_addresses import addresses_unlock
from apps.accounts.approvals.services import rule_lift
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
    "two-person-off": (
        rule_lift,
        "one administrator alone may destroy backups again; all of them were told",
        "the two-person rule was not on",
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
            ("two-person-off", "switch the two-person rule off, where no second administrator is left"),
        ):
            action = actions.add_parser(name, help=words)
            action.add_argument("account", help="the account's public id, or the email of its owner")
        reset = actions.add_parser("reset-factor", help="take a lost second factor off a person")
        reset.add_argument("email", help="the person's address; make sure first that it is they who ask")
        operator.add_arguments(actions)

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        if action == "reset-factor":
            self._reset_factor(options["email"])
        elif action in operator.DOORS:
            self._operate(action, options)
        else:
            self._act(action, options["account"])

    def _operate(self, action: str, options: dict[str, Any]) -> None:
        found = _account(options["account"]) if "account" in options else None
        try:
            with acting_as(SYSTEM):
                operator.DOORS[action](found, options, self.stdout.write)
        except EverkeepError as error:
            raise CommandError(str(error)) from error

    def _reset_factor(self, email: str) -> None:
        user = User.objects.filter(email=email.lower()).first()
        if user is None:
            raise CommandError(f"Nobody has the address {email}.")
        with acting_as(SYSTEM):
            had_one = factor_reset(user)
        said = "signs in with the password alone now, and was told" if had_one else "has no second factor"
        self.stdout.write(f"{user.email}: {said}.")

    def _act(self, action: str, account: str) -> None:
        found = _account(account)
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
