"""Another address for oneself (features ACC-11). The two links of the mails work without signing in."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from ..access import member_required
from ..http import MemberRequest
from ..life.address import (
    change_ask,
    change_confirm,
    change_object,
    change_send_again,
    change_withdraw,
    objected_by,
    waiting_for,
)
from ..life.forms import AddressForm
from ..life.limits import mail_is_allowed
from ..sudo import safe_next, sudo_required


@require_POST
@member_required()
@sudo_required()
def address(request: MemberRequest) -> HttpResponse:
    """Ask for a new address. What is said is the same whether the address has an account or not."""
    form = AddressForm(request.POST, user=request.user)
    if not form.is_valid():
        messages.error(request, " ".join(map(str, form.errors["email"])))
    elif mail_is_allowed(request):
        change_ask(user=request.user, email=form.cleaned_data["email"])
        messages.success(request, "Look into the mailbox of the new address: the link there confirms it.")
    return redirect(safe_next(request))


@require_POST
@member_required()
def address_again(request: MemberRequest) -> HttpResponse:
    """Resend the confirmation."""
    if mail_is_allowed(request):
        change_send_again(user=request.user)
        messages.success(request, "The mail is on its way again. The link before it has ended.")
    return redirect(safe_next(request))


@require_POST
@member_required()
def address_withdraw(request: MemberRequest) -> HttpResponse:
    """Stay with the address as it is."""
    change_withdraw(user=request.user)
    messages.success(request, "Your address stays as it is.")
    return redirect(safe_next(request))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def address_confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The link in the mail to the new address. It asks first: mail filters follow links."""
    if request.method == "POST":
        done = change_confirm(token)
        return render(request, "accounts/address_confirm.html", {"done": done, "ended": not done})
    return render(request, "accounts/address_confirm.html", {"ended": waiting_for(token) is None})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def address_object(request: HttpRequest, token: str) -> HttpResponse:
    """The link in the mail to the old address."""
    if request.method == "POST":
        done = change_object(token)
        return render(request, "accounts/address_object.html", {"done": done, "ended": not done})
    return render(request, "accounts/address_object.html", {"ended": objected_by(token) is None})
