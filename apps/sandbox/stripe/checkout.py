"""Checkout sessions, and the intents that they make: what stands behind the hosted page."""

from typing import Any

from . import form, intents
from .book import expanded
from .errors import StripeFault, declined, invalid, required
from .intents import Desk
from .listing import listed

DAY = 24 * 3600
SESSION = (
    "mode", "customer", "client_reference_id", "success_url", "cancel_url", "allowed_payment_method_types",
    "currency", "line_items", "metadata", "setup_intent_data", "payment_intent_data", "expires_at", "locale",
    "submit_type",
)  # fmt: skip


def new_setup(desk: Desk, customer: str | None, metadata: dict[str, str]) -> dict[str, Any]:
    made = desk.book.add(
        "seti",
        object="setup_intent",
        application=None,
        cancellation_reason=None,
        customer=customer,
        description=None,
        last_setup_error=None,
        latest_attempt=None,
        mandate=None,
        metadata=metadata,
        next_action=None,
        payment_method=None,
        payment_method_types=["card"],
        single_use_mandate=None,
        status="requires_payment_method",
        usage="off_session",
    )
    made["client_secret"] = f"{made['id']}_secret_{desk.book.new_id('s')[2:]}"
    desk.events.note("setup_intent.created", made)
    return made


def new_payment(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    amount = form.number(given.get("amount"), "amount")
    if amount < 1:
        raise invalid("Invalid positive integer", param="amount", code="parameter_invalid_integer")
    made = desk.book.add(
        "pi",
        object="payment_intent",
        amount=amount,
        amount_capturable=0,
        amount_received=0,
        automatic_payment_methods=None,
        canceled_at=None,
        cancellation_reason=None,
        capture_method="automatic_async",
        confirmation_method="automatic",
        currency=str(given["currency"]).lower(),
        customer=given.get("customer"),
        description=given.get("description"),
        last_payment_error=None,
        latest_charge=None,
        metadata=given.get("metadata") or {},
        next_action=None,
        payment_method=None,
        payment_method_types=["card"],
        receipt_email=given.get("receipt_email"),
        setup_future_usage=given.get("setup_future_usage"),
        status="requires_payment_method",
    )
    made["client_secret"] = f"{made['id']}_secret_{desk.book.new_id('s')[2:]}"
    desk.events.note("payment_intent.created", made)
    return made


def session_create(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    form.check_methods(given)
    form.check_known(given, SESSION)
    mode = given.get("mode")
    if mode not in ("setup", "payment"):
        raise invalid("The stand-in knows the modes setup and payment.", param="mode")
    if not given.get("success_url"):
        raise required("success_url")
    customer = given.get("customer")
    if customer:
        desk.book.get(customer, "cus", param="customer", status=400)
    if mode == "setup" and not (given.get("allowed_payment_method_types") or given.get("currency")):
        raise required("currency")
    lines = _lines(given) if mode == "payment" else []
    total = sum(each["amount_total"] for each in lines)
    expires = form.number(given.get("expires_at", desk.book.now() + DAY), "expires_at")
    if not desk.book.now() + 29 * 60 <= expires <= desk.book.now() + DAY + 60:
        raise invalid("The `expires_at` timestamp must be 30 minutes to 24 hours from now.", param="expires_at")
    made = desk.book.add(
        "cs_test",
        object="checkout.session",
        amount_subtotal=total if lines else None,
        amount_total=total if lines else None,
        cancel_url=given.get("cancel_url"),
        client_reference_id=given.get("client_reference_id"),
        currency=lines[0]["currency"] if lines else given.get("currency"),
        customer=customer,
        customer_details=None,
        expires_at=expires,
        locale=given.get("locale"),
        metadata=given.get("metadata") or {},
        mode=mode,
        payment_intent=None,
        payment_method_types=given.get("allowed_payment_method_types") or ["card"],
        payment_status="unpaid" if mode == "payment" else "no_payment_required",
        setup_intent=None,
        status="open",
        success_url=given["success_url"],
        ui_mode="hosted_page",
    )
    made["_lines"] = lines
    made["_intent"] = given.get("payment_intent_data") or {}
    if mode == "setup":
        made["setup_intent"] = new_setup(
            desk, customer, (given.get("setup_intent_data") or {}).get("metadata") or {}
        )["id"]
    made["url"] = f"{desk.address}/c/pay/{made['id']}"
    return made


def _lines(given: dict[str, Any]) -> list[dict[str, Any]]:
    items = given.get("line_items")
    if not items:
        raise required("line_items")
    found = []
    for item in items:
        price = item.get("price_data") or {}
        product = price.get("product_data") or {}
        for needed, value in (("currency", price.get("currency")), ("name", product.get("name"))):
            if not value:
                raise required(f"line_items[0][price_data][{needed}]")
        quantity = form.number(item.get("quantity", 1), "quantity")
        amount = form.number(price.get("unit_amount"), "unit_amount") * quantity
        found.append(
            {
                "object": "item",
                "description": product["name"],
                "quantity": quantity,
                "currency": price["currency"].lower(),
                "amount_total": amount,
                "amount_subtotal": amount,
            }
        )
    return found


def session_of(desk: Desk, wanted: str, *, param: str = "session") -> dict[str, Any]:
    """The session; one whose time is over is closed first."""
    session = desk.book.get(wanted, "cs", param=param)
    if session["status"] == "open" and session["expires_at"] <= desk.book.now():
        _close(desk, session)
    return session


def session_show(desk: Desk, given: dict[str, Any], wanted: str) -> dict[str, Any]:
    return session_of(desk, wanted)


def session_list(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    return listed(desk, desk.book.every("cs"), given, "/v1/checkout/sessions")


def session_expire(desk: Desk, given: dict[str, Any], wanted: str) -> dict[str, Any]:
    session = session_of(desk, wanted)
    if session["status"] != "open":
        raise invalid(f"Only Checkout Sessions with a status in [\"open\"] can be expired. This one is "
                      f"{session['status']}.")  # fmt: skip
    _close(desk, session)
    return session


def _close(desk: Desk, session: dict[str, Any]) -> None:
    session |= {"status": "expired", "url": None}
    for name in ("payment_intent", "setup_intent"):
        intent = desk.book.objects.get(session[name] or "")
        if intent is not None and intent["status"] != "succeeded":
            intent |= {"status": "canceled", "next_action": None}
    desk.events.note("checkout.session.expired", session)


# -- what a person does on the page ------------------------------------------------------------------------


def enter(desk: Desk, session: dict[str, Any], card: dict[str, str]) -> str:
    """A card was entered: returns where the browser goes next. Raises the card error for the page to show."""
    if card.get("wallet") in session["payment_method_types"]:
        intents.confirm_payment(desk, _intent_of(desk, session), intents.new_paypal(desk), off_session=False)
        return complete(desk, session, "")
    number = card.get("number", "").replace(" ", "")
    month, _, year = card.get("expiry", "").partition("/")
    if not (month.strip().isdigit() and year.strip().isdigit()):
        raise StripeFault(
            402, "card_error", "Your card's expiration date is incomplete.", code="invalid_expiry_month"
        )
    if not card.get("cvc", "").isdigit() or len(card["cvc"]) not in (3, 4):
        raise StripeFault(402, "card_error", "Your card's security code is incomplete.", code="invalid_cvc")
    full = int(year) + 2000 if int(year) < 100 else int(year)
    method = intents.new_method(desk, number, int(month), full, name=card.get("name", ""))
    if session["mode"] == "setup":
        intent = desk.book.get(session["setup_intent"], "seti")
        intents.confirm_setup(desk, intent, method)
    else:
        intent = _intent_of(desk, session)
        intents.confirm_payment(desk, intent, method, off_session=False)
    if intent["status"] == "requires_action":
        return f"{desk.address}/c/3ds/{intent['id']}?session={session['id']}"
    return complete(desk, session, card.get("name", ""))


def _intent_of(desk: Desk, session: dict[str, Any]) -> dict[str, Any]:
    """The payment intent comes into being when the person confirms, not with the session."""
    if session["payment_intent"] is None:
        data = session["_intent"]
        session["payment_intent"] = new_payment(
            desk,
            {
                "amount": session["amount_total"],
                "currency": session["currency"],
                "customer": session["customer"],
                "metadata": data.get("metadata"),
                "description": data.get("description"),
                "receipt_email": data.get("receipt_email"),
                "setup_future_usage": data.get("setup_future_usage"),
            },
        )["id"]
    return desk.book.get(session["payment_intent"], "pi")


def proved(desk: Desk, session: dict[str, Any], is_proved: bool) -> str:
    """The bank's page is done: returns where the browser goes next. Raises the card error."""
    kind = "setup" if session["mode"] == "setup" else "payment"
    intent = desk.book.objects[session[f"{kind}_intent"] or ""]
    method = desk.book.get(intent["payment_method"], "pm")
    if not is_proved:
        said = "We are unable to authenticate your payment method. Please choose a different payment method."
        code = f"{kind}_intent_authentication_failure"
        error = {"type": "card_error", "code": code, "message": said}
        intent |= {"status": "requires_payment_method", "next_action": None, "payment_method": None}
        intent[f"last_{kind}_error"] = error
        failed = "setup_intent.setup_failed" if kind == "setup" else "payment_intent.payment_failed"
        desk.events.note(failed, intent)
        raise declined(error)
    if kind == "setup":
        intents.confirm_setup(desk, intent, method, is_proved=True)
    else:
        intents.confirm_payment(desk, intent, method, off_session=False, is_proved=True)
    return complete(desk, session, method["billing_details"]["name"] or "")


def complete(desk: Desk, session: dict[str, Any], name: str) -> str:
    session |= {
        "status": "complete",
        "url": None,
        "payment_status": "paid" if session["mode"] == "payment" else "no_payment_required",
        "customer_details": {"name": name, "email": None, "phone": None, "address": None, "tax_exempt": "none"},
    }
    desk.events.note("checkout.session.completed", session)
    return return_address(session)


def return_address(session: dict[str, Any]) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def line_items(desk: Desk, given: dict[str, Any], wanted: str) -> dict[str, Any]:
    session = session_of(desk, wanted)
    data = [expanded(desk.book, each, ()) for each in session["_lines"]]
    return {
        "object": "list",
        "url": f"/v1/checkout/sessions/{wanted}/line_items",
        "has_more": False,
        "data": data,
    }
