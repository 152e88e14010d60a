"""What must be in place before first backups: who we are at the provider, and what we may do there."""

from dataclasses import dataclass

from apps.connectors.models import Connection
from apps.connectors.services import Permitted, permissions_of
from apps.core.errors import EverkeepError


@dataclass(frozen=True, slots=True)
class Checks:
    """`problem`: our sign-in did not work. `unknown`: the provider does not say what was consented to."""

    permissions: list[Permitted]
    problem: str = ""

    @property
    def missing(self) -> list[Permitted]:
        return [each for each in self.permissions if each.granted is False and not each.need.optional]

    @property
    def passed(self) -> bool:
        return not self.problem and not self.missing

    @property
    def unknown(self) -> bool:
        return any(each.granted is None for each in self.permissions)


def check(connection: Connection) -> Checks:
    """Sign in and see what was consented to, for each kind of data."""
    try:
        return Checks(permissions_of(connection))
    except EverkeepError as problem:
        return Checks([], str(problem))
