"""What stands on the pages about approvals."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from apps.core import clock
from apps.core.banners import Banner
from apps.core.errors import EverkeepError, NotFound
from apps.core.keyset import page_of
from apps.core.permissions import allowed

from ..enums import ApprovalState
from ..guests.pages import as_uuid
from ..http import MemberRequest
from ..life.access import is_administrator
from ..models import Account, Approval
from ..saml.session import bound_to
from .people import administrators_of, second_persons, why_not
from .registry import act_of
from .services import DELAY, LIFE
from .sight import UNSEEN_REASON, UNSEEN_WORDS, in_sight, label_for_actor


def visible(request: MemberRequest) -> Any:
    """Administrators see all of them, others what they proposed themselves."""
    rows = Approval.objects.all()
    return rows if is_administrator(request) else rows.filter(proposer_id=request.user.pk)


def approval_for(request: MemberRequest, public_id: UUID) -> Approval:
    """One proposal. Raises NotFound for a foreign one, also for who may not see it."""
    found: Approval | None = visible(request).filter(public_id=public_id).first()
    if found is None:
        raise NotFound("There is no such proposal.", do="See Settings, Approvals.")
    return found


def pending(request: MemberRequest) -> list[Approval]:
    """What waits."""
    rows = visible(request).filter(state=ApprovalState.PENDING, expires_at__gt=clock.now())
    return list(rows.select_related("account").order_by("-proposed_at"))


def list_page(request: MemberRequest) -> dict[str, Any]:
    """Pending ones with what this person may do, and the past ones."""
    past = visible(request).exclude(state=ApprovalState.PENDING, expires_at__gt=clock.now())
    before, after = as_uuid(request.GET.get("before")), as_uuid(request.GET.get("after"))
    page = page_of(past, keys=("proposed_at", "pk"), size=30, descending=True, before=before, after=after)
    return {
        "crumbs": [{"words": "Settings", "url": reverse("settings")}, {"words": "Approvals", "url": ""}],
        "pending": [_shown(request, row) for row in pending(request)],
        "past": [(row, label_for_actor(row)) for row in page.items],
        "previous_url": f"?before={page.previous}" if page.previous else "",
        "next_url": f"?after={page.following}" if page.following else "",
        "administrator": is_administrator(request),
        **rule_card(request),
    }


def rule_card(request: MemberRequest) -> dict[str, Any]:
    """The setting itself."""
    return {
        "on": request.account.two_person,
        "administrators": administrators_of(request.account),
        "may_set": is_administrator(request),
        "delay": int(DELAY.total_seconds() // 3600),
        "life": LIFE.days,
    }


def _shown(request: MemberRequest, row: Approval) -> dict[str, Any]:
    act, seen = act_of(row.act), in_sight(row)
    reason = why_not(row, request.membership, by_company=bound_to(request) is not None)
    reason = reason if seen else UNSEEN_REASON
    words, impossible = _words_now(row) if seen else (UNSEEN_WORDS, "")
    return {
        "row": row,
        "label": label_for_actor(row),
        "words": words,
        "changed": seen and words != row.words,
        "impossible": impossible,
        "mine": row.proposer_id == request.user.pk,
        "reason": reason,
        "may": not reason and not impossible and row.may_be_approved_now and allowed(act.permission),
        "may_refuse": is_administrator(request),
        "others": [str(one.user) for one in second_persons(row.account, row.proposer_id, at=row.proposed_at)],
    }


def _words_now(row: Approval) -> tuple[str, str]:
    """What would happen now; or what was proposed, and why it cannot be done any more."""
    try:
        return act_of(row.act).words(row.payload), ""
    except EverkeepError as error:
        return row.words, str(error)


def approvals_banner(request: HttpRequest) -> Banner | None:
    """To administrators: something waits for one of them."""
    account: Account = request.account  # type: ignore[attr-defined]
    if not account.two_person or not is_administrator(request):  # type: ignore[arg-type]
        return None
    count = len(pending(request))  # type: ignore[arg-type]
    if not count:
        return None
    strong = "A second administrator is needed." if count == 1 else f"{count} proposals wait for approval."
    text = "Somebody wants to destroy backups, or to weaken a rule."
    return Banner(strong, text, reverse("approvals"), "See what", "warn")


def note() -> str:
    """What the settings page says beside the section."""
    rows = Approval.objects.filter(state=ApprovalState.PENDING, expires_at__gt=clock.now())
    count = rows.count()
    return f"{count} waiting" if count else ""
