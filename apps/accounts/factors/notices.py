"""Who is told, and where it is written down, when something about a person's sign-in changes."""

import logging
from typing import Any

from apps.activity.audit import audit
from apps.activity.models import ActivityStatus
from apps.core.actor import Actor, acting_as, current_actor
from apps.core.mails import mail_after_commit
from apps.core.scope import account_scope

from ..enums import Role
from ..everywhere import accounts_of
from ..models import Membership, User

logger = logging.getLogger("everkeep.accounts")


def write_down(user: User, code: str, *, status: str = ActivityStatus.DONE, **details: Any) -> None:
    """One line of the security audit in every account of this person, who did it if nobody is signed in."""
    actor = current_actor()
    if actor.kind == "anonymous":
        actor = Actor("user", str(user), user.pk, address=actor.address, request_id=actor.request_id)
    description = details.pop("description", "")
    accounts = accounts_of(user)
    if not accounts:
        # People of a partner and staff may belong to no account: then the server's log alone has it.
        logger.info("%s by person %s from %s", code, user.public_id, actor.address or "nowhere")
    for account_id in accounts:
        with account_scope(account_id), acting_as(actor):
            audit(code, status=status, subject_id=user.public_id, description=description, **details)


def tell(user: User, code: str, *, what: str, more: str = "", **details: Any) -> None:
    """Write it down and mail the person: `what` happened is the subject, `more` a sentence about it."""
    write_down(user, code, **details)
    mail_person(user, what=what, more=more)


def mail_person(user: User, *, what: str, more: str = "") -> None:
    """Mail the person that something about their sign-in changed."""
    mail_after_commit(
        "security_notice", [user.email], link="/me/", link_words="My sign-in and security",
        what=what, more=more, person=str(user), address=current_actor().address,
    )  # fmt: skip


def tell_administrators(account_id: int, *, what: str, more: str) -> None:
    """Mail everybody who runs the account."""
    rows = Membership.objects.filter(
        account_id=account_id, role=Role.ADMINISTRATOR, is_active=True, user__is_active=True
    )
    mail_after_commit(
        "security_policy", list(rows.values_list("user__email", flat=True)), link="/settings/security/",
        link_words="Security", what=what, more=more, who=current_actor().label,
    )  # fmt: skip
