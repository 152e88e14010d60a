"""From the results of a search to restoring or exporting them."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.core.permissions import Permission, require
from apps.search.access import everything_found

from ..finding import erase_url, picks_in, take
from .browse import rights

_ALL = "all-"
_RIGHTS = {"export": Permission.EXPORT, "erase": Permission.ERASE}


@require_POST
@member_required(Permission.VIEW)
def found(request: MemberRequest) -> HttpResponse:
    """Select what was ticked, or all that was found, and go on; several backups are listed to go on from."""
    wanted = request.POST.get("then", "")
    act = wanted.removeprefix(_ALL)
    exports = act == "export"
    require(_RIGHTS.get(act, Permission.RESTORE))
    if wanted.startswith(_ALL):
        lived = everything_found(request.POST)
        picks = [(each.snapshot.public_id, each.node.key) for each in lived]
    else:
        picks = picks_in(request.POST.getlist("pick"))
    mailboxes = take(picks)
    if act == "erase" and len(mailboxes) == 1:
        return redirect(erase_url(mailboxes[0]))
    if len(mailboxes) == 1 and len(mailboxes[0].parts) == 1:
        run = mailboxes[0].parts[0].point.run
        return redirect("recovery_export" if exports else "recovery_restore", run.public_id)
    crumbs = [{"words": "Search", "url": reverse("search")}, {"words": "Selected", "url": ""}]
    context = {
        "mailboxes": mailboxes, "exports": exports, "erases": act == "erase", "area": "search", **rights(),
        "crumbs": crumbs,
        "backups": sum(len(mailbox.parts) for mailbox in mailboxes), "items": len(picks),
    }  # fmt: skip
    return render(request, "recovery/found.html", context)
