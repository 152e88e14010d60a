"""Changes of who may do what. Each in one transaction that holds the account's row, with its audit line."""

from django.db import transaction

from apps.activity.audit import audit
from apps.core import clock
from apps.core.actor import current_actor
from apps.core.errors import Conflict, NotFound, PermissionMissing
from apps.core.mails import mail_after_commit

from ..enums import Role
from ..models import Account, Membership, PartnerMembership, User
from ..registry import tell_leavers, tell_owner
from .rights import Grant, require_within


@transaction.atomic
def member_change(*, member: Membership, grant: Grant) -> bool:
    """Give these rights instead; False when they are the same. Raises PermissionMissing, Conflict."""
    member = _held(member)
    before = Grant.of(member)
    require_within(grant)
    if grant == before:
        return False
    for name, value in grant.columns().items():
        setattr(member, name, value)
    member.standing_since = clock.now()
    member.save(update_fields=[*grant.columns(), "standing_since"])
    _keep_an_administrator(member.account)
    _tell(member, "rights_changed", role=member.get_role_display())
    _write("user.changed", member, "Changed what {} may do", before=before.columns(), after=grant.columns())
    return True


@transaction.atomic
def member_switch(*, member: Membership, on: bool) -> None:
    """Switch somebody's access to this account off or on; other accounts of theirs are not touched."""
    member = _held(member)
    if member.is_active == on:
        return
    member.is_active, member.standing_since = on, clock.now()
    member.save(update_fields=["is_active", "standing_since"])
    _keep_an_administrator(member.account)
    _tell(member, "access_on" if on else "access_off")
    if on:
        _write("user.switched_on", member, "Switched the access of {} on")
    else:
        _write("user.switched_off", member, "Switched the access of {} off")


@transaction.atomic
def member_remove(*, member: Membership) -> None:
    """Take somebody out of this account. Who came by invitation and belongs nowhere any more is forgotten."""
    member = _held(member)
    user = member.user
    _tell(member, "access_off")
    tell_leavers(member.account_id, user)
    member.delete()
    _keep_an_administrator(member.account)
    if user.by_invitation and not user.is_platform_staff and not _belongs_somewhere(user):
        user.delete()
    _write("user.removed", member, "Removed {}", role=member.role)


def _belongs_somewhere(user: User) -> bool:
    return user.memberships.exists() or PartnerMembership.objects.filter(user=user).exists()


@transaction.atomic
def ownership_transfer(*, owner: Membership, to: Membership) -> None:
    """Make another administrator the owner; the owner stays one. Raises PermissionMissing, Conflict."""
    locked = _locked(owner.account_id)
    owner, to = locked[owner.pk], locked.get(to.pk, to)
    if not owner.is_owner or owner.user_id != current_actor().user_id:
        raise PermissionMissing("Only the owner of the account may do this.", do="Ask the owner.")
    if to.pk not in locked or to.role != Role.ADMINISTRATOR or not to.is_active or to.is_owner:
        raise Conflict("The new owner must be an administrator.", do="Make them one first.")
    # The one owner of an account is unique in the database: the old one goes first.
    owner.is_owner, to.is_owner = False, True
    owner.save(update_fields=["is_owner"])
    to.save(update_fields=["is_owner"])
    for each in (owner, to):
        _tell(each, "owner_changed", owner=str(to.user))
    _write("account.owner_changed", to, "Made {} the owner of the account", before=str(owner.user))
    tell_owner(to.account_id, to.user)


def _locked(account_id: int) -> dict[int, Membership]:
    """Hold the account's row, so that two changes never remove the last administrator together."""
    Account.objects.select_for_update(no_key=True).get(pk=account_id)
    rows = Membership.objects.select_related("user", "account").filter(account_id=account_id)
    return {row.pk: row for row in rows.select_for_update(of=("self",))}


def _held(member: Membership) -> Membership:
    """Hold somebody whom the actor may change: not the owner, not oneself, nobody with more rights."""
    Account.objects.select_for_update(no_key=True).get(pk=member.account_id)
    rows = Membership.objects.select_related("user", "account").select_for_update(of=("self",))
    found = rows.filter(pk=member.pk).first()
    if found is None:
        raise NotFound("There is no such user any more.", do="Load the list again.")
    if found.is_owner:
        raise PermissionMissing(
            "The owner of the account cannot be changed or removed.",
            do="The owner can make another administrator the owner first.",
        )
    if found.user_id == current_actor().user_id:
        raise PermissionMissing("You cannot change your own rights.", do="Ask another administrator.")
    require_within(Grant.of(found))
    return found


def _keep_an_administrator(account: Account) -> None:
    rows = account.memberships.filter(role=Role.ADMINISTRATOR, is_active=True, user__is_active=True)
    left = rows.count()
    if not left:
        raise Conflict("The last administrator cannot go.", do="Make somebody else administrator first.")
    if account.two_person and left == 1:
        raise Conflict(
            "The two-person rule needs two administrators.",
            do="Make somebody else administrator first, or switch the rule off.",
        )


def _write(code: str, member: Membership, sentence: str, **details: object) -> None:
    audit(
        code,
        description=sentence.format(member.user),
        subject_id=member.public_id,
        person=member.user.email,
        **details,  # type: ignore[arg-type]
    )


def _tell(member: Membership, mail: str, **context: object) -> None:
    user: User = member.user
    mail_after_commit(
        mail, [user.email], link="/", link_words="Open Everkeep", account=member.account.name, **context
    )
