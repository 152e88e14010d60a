"""To whom bills are written, by what they are paid."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.access import member_required
from apps.accounts.http import MemberRequest
from apps.accounts.sudo import sudo_required
from apps.core.permissions import Permission

from ..enums import Interval
from ..forms import DetailsForm
from ..pages import details as page
from ..pages.forecasts import forecast_for
from ..pages.frame import charged, show
from ..pages.online import cards_possible
from ..pages.plan import first_payment_words, plan_now
from ..services import details_save
from ..services.details import address_allow
from .plan import STEPS


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.BILLING)
@charged
def details(request: MemberRequest) -> HttpResponse:
    """Cards, billing details (BIL-05), and at the end of choosing a monthly plan its last button."""
    wanted = request.GET.get("plan", "")
    form = DetailsForm(request.POST or None, initial=page.details_initial(request.account, request.user))
    if request.method == "POST" and form.is_valid():
        details_save(form.cleaned_data)
        messages.success(request, "The billing details are saved.")
        if wanted == Interval.YEAR:
            return redirect("billing_annual")
        return redirect(reverse("billing_details") + (f"?plan={Interval.MONTH}" if wanted else ""))
    plan = plan_now()
    chooses = wanted if plan.is_none and wanted in Interval.values else ""
    forecast = forecast_for(plan.plan, Interval.MONTH)
    possible = cards_possible(plan.plan.currency)
    context = {
        "form": form,
        "cards": page.cards(),
        "cards_possible": possible,
        "currency": plan.plan.currency,
        "chooses": chooses,
        "subscribes": chooses == Interval.MONTH,
        "steps": STEPS,
        "at": 2,
        "missing": page.missing(plan.plan, card_needed=possible and plan.plan.auto_pay),
        "when": first_payment_words(forecast),
        "plan": plan,
    }
    return show(request, "billing/details.html", "billing_details", context)


@require_POST
@member_required(Permission.BILLING)
@charged
@sudo_required()
def allow_address(request: MemberRequest) -> HttpResponse:
    """Send bills to the billing address knowingly, though its person left."""
    address = address_allow()
    messages.success(request, f"Bills go to {address} from now on.")
    return redirect("billing_details")
