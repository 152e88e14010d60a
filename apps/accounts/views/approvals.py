"""Settings → Approvals: the two-person rule, what waits for a second administrator, and what came of it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.core.errors import InvalidRequest
from apps.core.permissions import Permission

from ..access import member_required
from ..approvals import pages, services
from ..approvals.sight import label_for_actor
from ..http import MemberRequest
from ..life.access import require_administrator
from ..saml.session import bound_to
from ..sudo import sudo_required


@require_safe
@member_required()
def page(request: MemberRequest) -> HttpResponse:
    """Administrators see every proposal, others their own."""
    return render(request, "accounts/approvals.html", pages.list_page(request))


@require_POST
@member_required(Permission.ACCOUNT_SETTINGS)
@sudo_required()
def rule(request: MemberRequest) -> HttpResponse:
    """On at once; off is proposed, as everything that the rule holds."""
    require_administrator(request)
    if request.POST.get("on") == "yes":
        services.two_person_on()
        messages.success(request, "From now on a second administrator approves. All administrators were told.")
    else:
        said = services.propose("two_person.off", {}, "Switch the two-person rule off").said
        messages.info(request, said)
    return redirect("approvals")


@require_POST
@member_required()
@sudo_required()
def settle(request: MemberRequest, approval_id: UUID) -> HttpResponse:
    """Approve, refuse or take back one proposal."""
    approval = pages.approval_for(request, approval_id)
    label = label_for_actor(approval)
    match request.POST.get("do"):
        case "approve":
            by_company = bound_to(request) is not None
            read = request.POST.get("read")
            if read is None:
                raise InvalidRequest("It was not said what you read.", do="Load the page again.")
            services.approve(approval=approval, membership=request.membership, by_company=by_company, read=read)
            messages.success(request, f"Approved: {label}.")
        case "refuse":
            require_administrator(request)
            services.refuse(approval=approval)
            messages.info(request, f"Refused: {label}.")
        case "withdraw":
            services.withdraw(approval=approval)
            messages.info(request, f"Taken back: {label}.")
        case _:
            raise InvalidRequest("Say whether to approve, refuse or withdraw it.", do="Use the buttons.")
    return redirect("approvals")
