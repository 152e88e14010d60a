"""The list of users: who belongs to the account and who is invited, in the order of their addresses."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import CharField, F, Q, QuerySet, Value

from apps.core.actor import current_actor

from ..enums import Role
from ..models import Account, Invitation, Membership
from .rights import Grant

PAGE_SIZE = 50
SecondFactors = Callable[[Sequence[int]], Mapping[int, str]]
_facts: dict[str, SecondFactors] = {}


def register_facts(column: str, facts: SecondFactors) -> None:
    """Fill a column of the list: `facts` gets ids of people and says in words what holds for some of them.

    Columns: "signs_in" ("Google"; for who is not named, the password) and "second_factor" ("App and 2
    passkeys"; who is not named has none). Asked once a page. Called in `AppConfig.ready()`.
    """
    _facts[column] = facts


@dataclass(frozen=True, slots=True)
class Row:
    """One person, or one invitation that is not answered (`member` None)."""

    public_id: UUID
    name: str
    email: str
    role: str
    scope: str
    member: Membership | None = None
    expires_at: datetime | None = None
    is_open: bool = False
    signs_in: str = ""
    second_factor: str = ""
    is_you: bool = False
    may_change: bool = False


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """`previous` and `following` are the ids to give as `before` and `after`, None at the ends."""

    rows: list[Row]
    previous: UUID | None
    following: UUID | None


def people_page(
    account: Account, *, text: str = "", before: UUID | None = None, after: UUID | None = None
) -> PeoplePage:
    """One page. Its cost does not grow with the account: one ordered read, then the rows and facts of the page.

    The database orders members and invitations together, so that its own rules of order hold throughout.
    """
    place = before or after
    anchor = _address_of(account, place) if place else None
    back = before is not None and anchor is not None
    parts = [_members(account, text), _invited(account, text)]
    if anchor is not None:
        parts = [part.filter(**{f"sort_key__{'lt' if back else 'gt'}": anchor}) for part in parts]
    keys = [part.values_list("sort_key", "kind", "pk") for part in parts]
    found = list(keys[0].union(keys[1]).order_by("-sort_key" if back else "sort_key")[: PAGE_SIZE + 1])
    more, found = len(found) > PAGE_SIZE, found[:PAGE_SIZE]
    if back:
        found.reverse()
    rows = _rows([pk for _, kind, pk in found if kind == "m"], [pk for _, kind, pk in found if kind == "i"])
    ordered = [rows[kind, pk] for _, kind, pk in found]
    has_previous, has_following = (more, True) if back else (anchor is not None, more)
    return PeoplePage(
        ordered,
        ordered[0].public_id if ordered and has_previous else None,
        ordered[-1].public_id if ordered and has_following else None,
    )


def administrators(account: Account) -> int:
    """How many administrators can act now."""
    return account.memberships.filter(role=Role.ADMINISTRATOR, is_active=True, user__is_active=True).count()


def facts_of(user_id: int, column: str) -> str:
    """One fact of one person."""
    return _facts_of(column, [user_id]).get(user_id, "")


def scope_words(grant: Grant) -> str:
    """ "All services", "2 services", with what is added to the role."""
    if grant.services is None:
        return "All services"
    return f"{len(grant.services)} service{'' if len(grant.services) == 1 else 's'}"


def _members(account: Account, text: str) -> QuerySet[Membership]:
    rows = Membership.objects.filter(account=account)
    if text:
        rows = rows.filter(Q(user__email__icontains=text) | Q(user__name__icontains=text))
    return rows.annotate(sort_key=F("user__email"), kind=Value("m", output_field=CharField()))


def _invited(account: Account, text: str) -> QuerySet[Invitation]:
    rows = Invitation.objects.filter(account=account)
    if text:
        rows = rows.filter(email__icontains=text)
    return rows.annotate(sort_key=F("email"), kind=Value("i", output_field=CharField()))


def _address_of(account: Account, public_id: UUID) -> str | None:
    member = Membership.objects.filter(account=account, public_id=public_id).values_list(
        "user__email", flat=True
    )
    invited = Invitation.objects.filter(account=account, public_id=public_id).values_list("email", flat=True)
    return member.first() or invited.first()


def _rows(members: list[int], invitations: list[int]) -> dict[tuple[str, int], Row]:
    found: dict[tuple[str, int], Row] = {}
    people = list(Membership.objects.select_related("user").filter(pk__in=members))
    ids = [member.user_id for member in people]
    signs_in, factors = _facts_of("signs_in", ids), _facts_of("second_factor", ids)
    actor = current_actor()
    for member in people:
        user, grant = member.user, Grant.of(member)
        is_you = user.pk == actor.user_id
        found["m", member.pk] = Row(
            public_id=member.public_id,
            name=user.name,
            email=user.email,
            role=member.get_role_display(),
            scope=scope_words(grant),
            member=member,
            signs_in=signs_in.get(user.pk, "Password"),
            second_factor=factors.get(user.pk, ""),
            is_you=is_you,
            may_change=not (is_you or member.is_owner) and grant.is_within(actor),
        )
    for invitation in Invitation.objects.filter(pk__in=invitations):
        grant = Grant.of(invitation)
        found["i", invitation.pk] = Row(
            public_id=invitation.public_id,
            name="",
            email=invitation.email,
            role=invitation.get_role_display(),
            scope=scope_words(grant),
            expires_at=invitation.expires_at,
            is_open=invitation.is_open,
            may_change=grant.is_within(actor) and not invitation.is_owner,
        )
    return found


def _facts_of(column: str, user_ids: Sequence[int]) -> Mapping[int, str]:
    facts = _facts.get(column)
    return facts(user_ids) if facts and user_ids else {}
