"""The list of allowed addresses (features SEC-05…08)."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.core.client_address import client_address
from apps.core.errors import Conflict
from apps.core.permissions import Permission

from .. import allowed_addresses as addresses
from ..access import allowed_address_for, member_required
from ..address_forms import AddressAddForm, AddressEditForm
from ..http import MemberRequest
from ..sudo import sudo_required

LIST = "/settings/security/#addresses"


def card(request: MemberRequest) -> dict[str, Any]:
    """What the panel shows."""
    own = client_address(request)
    entries = [(entry, entry.range.holds(own)) for entry in addresses.allowed_addresses()]
    return {
        "own": own,
        "entries": entries,
        "on": request.account.only_allowed_addresses,
        "listed": any(mine for _, mine in entries),
    }


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.ACCOUNT_SETTINGS)
@sudo_required(reading=True)
def add(request: MemberRequest) -> HttpResponse:
    """Put one or several entries on the list."""
    form = AddressAddForm(request.POST or None, own=client_address(request))
    if request.method == "POST" and form.is_valid():
        try:
            account = addresses.addresses_add(
                form.cleaned_data["ranges"], description=form.cleaned_data["description"]
            )
        except Conflict as error:
            form.add_error("addresses", str(error))
        else:
            messages.info(
                request, _said(account.only_allowed_addresses, was_on=request.account.only_allowed_addresses)
            )
            return redirect(LIST)
    return _page(request, form, "Add addresses")


@require_http_methods(["GET", "HEAD", "POST"])
@member_required(Permission.ACCOUNT_SETTINGS)
@sudo_required(reading=True)
def edit(request: MemberRequest, address_id: UUID) -> HttpResponse:
    """Change an entry."""
    entry = allowed_address_for(address_id)
    start = {"addresses": str(entry), "description": entry.description}
    form = AddressEditForm(request.POST or None, own=client_address(request), initial=start)
    if request.method == "POST" and form.is_valid():
        try:
            addresses.address_change(
                entry, form.cleaned_data["ranges"][0], description=form.cleaned_data["description"]
            )
        except Conflict as error:
            form.add_error("addresses", str(error))
        else:
            messages.info(request, "Saved. All administrators were told.")
            return redirect(LIST)
    return _page(request, form, f"Change {entry}")


@require_POST
@member_required(Permission.ACCOUNT_SETTINGS)
@sudo_required()
def remove(request: MemberRequest, address_id: UUID) -> HttpResponse:
    """Take an entry off the list."""
    addresses.address_remove(allowed_address_for(address_id))
    messages.info(request, "Removed. All administrators were told.")
    return redirect(LIST)


@require_POST
@member_required(Permission.ACCOUNT_SETTINGS)
@sudo_required()
def switch(request: MemberRequest) -> HttpResponse:
    """Switch the restriction on or off."""
    on = request.POST.get("on") == "yes"
    addresses.addresses_switch(on=on)
    messages.info(request, "Only the allowed addresses get in now." if on else "Every address gets in now.")
    return redirect(LIST)


def _said(is_on: bool, *, was_on: bool) -> str:
    if is_on and not was_on:
        return "Added. From now on only the allowed addresses get in."
    if is_on:
        return "Added. All administrators were told."
    return "Added. The list does not count yet: switch it on when your own address is in it."


def _page(request: MemberRequest, form: AddressAddForm, title: str) -> HttpResponse:
    return render(request, "accounts/address.html", {"form": form, "title": title, "own": form.own})
