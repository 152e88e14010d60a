"""A partner's own pages: customers and people. What is in a customer's account is seen by entering it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.scope import account_scope

from ..guests import partners
from ..guests.doors import PartnerRequest, partner_required
from ..guests.entering import partner_enter
from ..guests.forms import CustomerForm, OwnerForm, PersonForm
from ..guests.pages import as_uuid
from ..models import PartnerMembership
from ..registry import Standing


@require_safe
@partner_required()
def customers(request: PartnerRequest) -> HttpResponse:
    """All customers by name: state, last backup, what is wrong (features MSP-01)."""
    before, after = as_uuid(request.GET.get("before")), as_uuid(request.GET.get("after"))
    page, standings = partners.customers_page(request.seat.partner, before=before, after=after)
    context = {
        "seat": request.seat,
        "rows": [(each, standings.get(each.account_id, Standing())) for each in page.items],
        "previous_url": f"?before={page.previous}" if page.previous else "",
        "next_url": f"?after={page.following}" if page.following else "",
    }
    return render(request, "accounts/partner/customers.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@partner_required(manager=True)
def customer_new(request: PartnerRequest) -> HttpResponse:
    """Open an account for a customer."""
    form = CustomerForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        relation = partners.customer_create(seat=request.seat, data=form.cleaned_data)
        messages.success(request, f"{relation.account} is open.")
        return redirect("partner")
    return render(request, "accounts/partner/new.html", {"form": form, "seat": request.seat})


@require_POST
@partner_required()
def enter(request: PartnerRequest, relation_id: UUID) -> HttpResponse:
    """Go into a customer's account."""
    partner_enter(request, request.seat, partners.customer_of(request.seat, relation_id))
    return redirect("home")


@require_http_methods(["GET", "HEAD", "POST"])
@partner_required(manager=True)
def customer(request: PartnerRequest, relation_id: UUID) -> HttpResponse:
    """Hand the account over to its owner."""
    relation = partners.customer_of(request.seat, relation_id)
    form = OwnerForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        partners.customer_hand_over(seat=request.seat, relation=relation, email=form.cleaned_data["email"])
        messages.success(request, "The owner gets a mail.")
        return redirect("partner")
    owned = relation.account.memberships.filter(is_owner=True).exists()
    context = {"relation": relation, "form": form, "owned": owned, "seat": request.seat}
    return render(request, "accounts/partner/customer.html", context)


@require_POST
@partner_required(manager=True)
def end(request: PartnerRequest, relation_id: UUID) -> HttpResponse:
    """Stop looking after a customer that has an owner."""
    relation = partners.customer_of(request.seat, relation_id)
    if not relation.account.memberships.filter(is_owner=True).exists():
        messages.error(request, "Hand the account over first: nobody else could enter it.")
        return redirect("partner_customer", relation_id)
    with account_scope(relation.account_id):
        partners.relation_end(relation=relation)
    messages.success(request, f"You do not look after {relation.account} any more.")
    return redirect("partner")


@require_http_methods(["GET", "HEAD", "POST"])
@partner_required(manager=True)
def people(request: PartnerRequest) -> HttpResponse:
    """Who works for the partner."""
    form = PersonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        partners.person_add(partner=request.seat.partner, **form.cleaned_data)
        messages.success(request, "They get a mail.")
        return redirect("partner_people")
    rows = PartnerMembership.objects.filter(partner=request.seat.partner).select_related("user")
    context = {"seat": request.seat, "people": rows.order_by("user__email"), "form": form}
    return render(request, "accounts/partner/people.html", context)


@require_POST
@partner_required(manager=True)
def person_remove(request: PartnerRequest, seat_id: UUID) -> HttpResponse:
    """Take somebody out of the partner."""
    partners.person_remove(partner=request.seat.partner, public_id=seat_id, by=request.user)
    messages.success(request, "They cannot enter any customer any more.")
    return redirect("partner_people")
