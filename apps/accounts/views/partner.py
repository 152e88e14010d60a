"""A partner's own pages: customers and people. What is in a customer's account is seen by entering it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.core.errors import Conflict
from apps.core.scope import account_scope

from ..factors.codes import factors_of
from ..guests import partners, seats
from ..guests.doors import PartnerRequest, partner_required
from ..guests.entering import partner_enter
from ..guests.forms import CustomerForm, OwnerForm, PartnerRulesForm, PersonForm
from ..guests.pages import as_uuid
from ..members.forms import JoinForm
from ..models import Invitation, PartnerMembership, SeatInvitation, User
from ..registry import Standing
from ..sudo import sudo_required


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
        messages.success(request, "They get a mail. You hold the account until they accept.")
        return redirect("partner")
    owned = relation.account.memberships.filter(is_owner=True).exists()
    asked = Invitation.objects.filter(account=relation.account, is_owner=True).first()
    context = {"relation": relation, "form": form, "owned": owned, "asked": asked, "seat": request.seat}
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
@sudo_required()
def people(request: PartnerRequest) -> HttpResponse:
    """Who works for the partner."""
    form = PersonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        seats.person_invite(partner=request.seat.partner, inviter=request.user, **form.cleaned_data)
        messages.success(request, "They get a mail, and are of your people once they accept.")
        return redirect("partner_people")
    partner = request.seat.partner
    rows = PartnerMembership.objects.filter(partner=partner).select_related("user").order_by("user__email")
    factors = factors_of([row.user_id for row in rows])
    context = {
        "seat": request.seat,
        "people": [(row, factors.get(row.user_id, "")) for row in rows],
        "asked": SeatInvitation.objects.filter(partner=partner).order_by("email"),
        "form": form,
        "rules": PartnerRulesForm(initial={"second_factor": partner.second_factor_required}),
    }
    return render(request, "accounts/partner/people.html", context)


@require_POST
@partner_required(manager=True)
@sudo_required()
def rules(request: PartnerRequest) -> HttpResponse:
    """Whether the partner's people need a second factor."""
    form = PartnerRulesForm(request.POST)
    if form.is_valid():
        partners.partner_rules(seat=request.seat, **form.cleaned_data)
        messages.success(request, "Saved. It holds from everybody's next click on.")
    return redirect("partner_people")


@require_POST
@partner_required(manager=True)
@sudo_required()
def person_remove(request: PartnerRequest, seat_id: UUID) -> HttpResponse:
    """Take somebody out of the partner."""
    seats.person_remove(partner=request.seat.partner, public_id=seat_id, by=request.user)
    messages.success(request, "They cannot enter any customer any more.")
    return redirect("partner_people")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether somebody wants to work for the partner, and act on a button: mail filters follow links."""
    found = seats.seat_invitation_of(token)
    if found is None:
        return render(request, "accounts/invitation_gone.html", status=404)
    posted, known = request.method == "POST", User.objects.filter(email=found.email).exists()
    form = None if known or request.user.is_authenticated else JoinForm(request.POST or None, email=found.email)
    if posted and request.user.is_authenticated:
        partner = seats.seat_accept(token=token, user=request.user)
        messages.info(request, f"You work for {partner} now.")
        return redirect("partner")
    if posted and form is not None and form.is_valid():
        data = form.cleaned_data
        try:
            seats.seat_accept_as_new(token=token, name=data["name"], password=data["password"])
        except Conflict as error:
            messages.warning(request, str(error))
            return redirect("partner_join", token)
        messages.info(request, "Your login is ready. Sign in with it.")
        return redirect("account_login")
    context = {"invitation": found, "form": form, "to": found.partner, "action": request.path}
    return render(request, "accounts/invitation.html", context)
