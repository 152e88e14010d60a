"""The endpoints: each takes the parameters of one request and returns the object that answers it."""

from collections.abc import Callable
from typing import Any

from . import cards, checkout, form, intents
from .book import expanded
from .errors import declined, invalid, missing, required
from .intents import Desk
from .listing import listed

Endpoint = Callable[..., dict[str, Any]]

# -- customers ----------------------------------------------------------------------------------------------

CUSTOMER = (
    "name", "email", "description", "metadata", "phone", "address", "invoice_settings", "preferred_locales",
    "tax_exempt",
)  # fmt: skip


def customer_create(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    form.check_known(given, CUSTOMER)
    made = desk.book.add(
        "cus",
        object="customer",
        address=given.get("address"),
        balance=0,
        currency=None,
        default_source=None,
        delinquent=False,
        description=given.get("description"),
        discount=None,
        email=given.get("email"),
        invoice_settings={
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        metadata=given.get("metadata") or {},
        name=given.get("name"),
        phone=given.get("phone"),
        preferred_locales=given.get("preferred_locales") or [],
        shipping=None,
        tax_exempt=given.get("tax_exempt", "none"),
        test_clock=None,
    )
    desk.events.note("customer.created", made)
    return made


def customer_update(desk: Desk, given: dict[str, Any], wanted: str) -> dict[str, Any]:
    form.check_known(given, CUSTOMER)
    found = _customer(desk, wanted)
    before = {key: found.get(key) for key in given if key != "expand"}
    for key, value in given.items():
        if key in ("metadata", "invoice_settings") and isinstance(value, dict):
            found[key] = {name: each for name, each in {**found[key], **value}.items() if each != ""}
        elif key != "expand":
            found[key] = value or None
    desk.events.note("customer.updated", found, previous=before)
    return found


def _customer(desk: Desk, wanted: str, *, param: str = "id", status: int = 404) -> dict[str, Any]:
    found = desk.book.get(wanted, "cus", param=param, status=status)
    if found.get("deleted"):
        raise invalid(f"No such customer: '{wanted}'", param=param, code="resource_missing")
    return found


def customer_show(desk: Desk, given: dict[str, Any], wanted: str) -> dict[str, Any]:
    found = desk.book.get(wanted, "cus")
    return {key: found[key] for key in ("id", "object", "deleted")} if found.get("deleted") else found


def customer_delete(desk: Desk, given: dict[str, Any], wanted: str) -> dict[str, Any]:
    found = desk.book.get(wanted, "cus")
    if found.get("deleted"):
        raise missing("customer", wanted)
    found["deleted"] = True
    for method in desk.book.every("pm"):
        if method["customer"] == wanted:
            method |= {"customer": None, "_gone": True}
    desk.events.note("customer.deleted", found)
    return {"id": wanted, "object": "customer", "deleted": True}


def customer_list(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    kept = [each for each in desk.book.every("cus") if not each.get("deleted")]
    return listed(desk, kept, given, "/v1/customers")


# -- payment methods ----------------------------------------------------------------------------------------


def method_create(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    form.check_known(given, ("type", "card", "billing_details", "metadata"))
    card = given.get("card") or {}
    if given.get("type") != "card" or "number" not in card:
        raise required("card[number]")
    month, year = form.number(card.get("exp_month"), "exp_month"), form.number(card.get("exp_year"), "exp_year")
    name = str((given.get("billing_details") or {}).get("name") or "")
    return intents.new_method(desk, str(card["number"]).replace(" ", ""), month, year, name=name)


def method_show(desk: Desk, given: dict[str, Any], wanted: str) -> dict[str, Any]:
    return desk.book.get(wanted, "pm", param="payment_method")


def method_attach(desk: Desk, given: dict[str, Any], wanted: str) -> dict[str, Any]:
    """Stripe checks the card at its bank, so those that are refused at set-up are refused here."""
    form.check_known(given, ("customer",))
    customer = _customer(desk, str(given.get("customer")), param="customer", status=400)
    method = intents.method_of(desk, wanted)
    probe = {"status": "requires_confirmation", "customer": None, "id": "seti_probe", "object": "setup_intent"}
    known = cards.behaviour(desk.book.numbers[method["id"]])
    if known.refused and not known.attaches:
        error = cards.error_of(known.refused)
        raise declined(error, payment_method=method, setup_intent=probe)
    intents.attach(desk, method, customer["id"])
    return method


def method_detach(desk: Desk, given: dict[str, Any], wanted: str) -> dict[str, Any]:
    method = desk.book.get(wanted, "pm", param="payment_method")
    customer = method["customer"]
    if customer is None:
        raise invalid(
            "The payment method you provided is not attached to a customer so detachment is impossible."
        )
    method |= {"customer": None, "_gone": True}
    desk.events.note("payment_method.detached", method, previous={"customer": customer})
    return method


def method_list(desk: Desk, given: dict[str, Any], customer: str = "") -> dict[str, Any]:
    of = customer or given.get("customer")
    if of:
        _customer(desk, str(of))
    kept = [each for each in desk.book.every("pm") if each["customer"] == of and of]
    return listed(desk, kept, {**given, "customer": of}, "/v1/payment_methods")


# -- intents ------------------------------------------------------------------------------------------------


def setup_show(desk: Desk, given: dict[str, Any], wanted: str) -> dict[str, Any]:
    return desk.book.get(wanted, "seti", param="intent")


def setup_list(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    return listed(desk, desk.book.every("seti"), given, "/v1/setup_intents")


def setup_create(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    known = (
        "customer",
        "payment_method",
        "allowed_payment_method_types",
        "usage",
        "confirm",
        "metadata",
        "return_url",
    )
    form.check_methods(given)
    form.check_known(given, known)
    customer = given.get("customer")
    if customer:
        _customer(desk, customer, param="customer", status=400)
    made = checkout.new_setup(desk, customer, given.get("metadata") or {})
    made["_return_url"] = given.get("return_url")
    if given.get("payment_method"):
        made |= {"payment_method": given["payment_method"], "status": "requires_confirmation"}
    if form.truth(given.get("confirm")):
        intents.confirm_setup(desk, made, intents.method_of(desk, str(given.get("payment_method"))))
    return made


PAYMENT = (
    "amount", "currency", "customer", "payment_method", "allowed_payment_method_types", "off_session",
    "confirm", "description", "metadata", "receipt_email", "setup_future_usage", "return_url",
    "error_on_requires_action",
    "statement_descriptor_suffix", "automatic_payment_methods",
)  # fmt: skip


def payment_create(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    form.check_methods(given)
    form.check_known(given, PAYMENT)
    if form.truth(given.get("off_session")) and not form.truth(given.get("confirm")):
        raise invalid(
            "You cannot provide a value for `off_session` without `confirm=true`.", param="off_session"
        )
    for needed in ("amount", "currency"):
        if needed not in given:
            raise required(needed)
    customer = given.get("customer")
    if customer:
        _customer(desk, customer, param="customer", status=400)
    made = checkout.new_payment(desk, given)
    made["_return_url"] = given.get("return_url")
    if form.truth(given.get("confirm")):
        _confirm(desk, made, given)
    elif given.get("payment_method"):
        made |= {"payment_method": given["payment_method"], "status": "requires_confirmation"}
    return made


def _confirm(desk: Desk, intent: dict[str, Any], given: dict[str, Any]) -> None:
    wanted = given.get("payment_method") or intent["payment_method"]
    if not wanted:
        raise required("payment_method")
    method = intents.method_of(desk, str(wanted))
    intents.confirm_payment(desk, intent, method, off_session=form.truth(given.get("off_session")))


def payment_confirm(desk: Desk, given: dict[str, Any], wanted: str) -> dict[str, Any]:
    form.check_known(given, ("payment_method", "off_session", "return_url", "receipt_email"))
    intent = desk.book.get(wanted, "pi", param="intent")
    intent["_return_url"] = given.get("return_url")
    _confirm(desk, intent, given)
    return intent


def payment_cancel(desk: Desk, given: dict[str, Any], wanted: str) -> dict[str, Any]:
    form.check_known(given, ("cancellation_reason",))
    intent = desk.book.get(wanted, "pi", param="intent")
    if intent["status"] in ("succeeded", "canceled"):
        raise invalid(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}.",
            code="payment_intent_unexpected_state",
        )
    intent |= {
        "status": "canceled",
        "canceled_at": desk.book.now(),
        "cancellation_reason": given.get("cancellation_reason"),
        "next_action": None,
    }
    desk.events.note("payment_intent.canceled", intent)
    return intent


def payment_show(desk: Desk, given: dict[str, Any], wanted: str) -> dict[str, Any]:
    return desk.book.get(wanted, "pi", param="intent")


def payment_list(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    return listed(desk, desk.book.every("pi"), given, "/v1/payment_intents")


# -- charges, refunds, events -------------------------------------------------------------------------------


def charge_show(desk: Desk, given: dict[str, Any], wanted: str) -> dict[str, Any]:
    return desk.book.get(wanted, "ch", param="charge")


def charge_list(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    return listed(desk, desk.book.every("ch"), given, "/v1/charges")


def refund_create(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    form.check_known(given, ("payment_intent", "charge", "amount", "reason", "metadata"))
    charge = given.get("charge")
    if not charge:
        if not given.get("payment_intent"):
            raise required("payment_intent")
        intent = desk.book.get(str(given["payment_intent"]), "pi", param="payment_intent")
        charge = intent["latest_charge"]
        if intent["status"] != "succeeded" or charge is None:
            raise invalid(f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.")
    amount = form.number(given["amount"], "amount") if "amount" in given else None
    return intents.refund(desk, desk.book.get(charge, "ch", param="charge"), amount, given)


def refund_show(desk: Desk, given: dict[str, Any], wanted: str) -> dict[str, Any]:
    return desk.book.get(wanted, "re", param="refund")


def refund_list(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    return listed(desk, desk.book.every("re"), given, "/v1/refunds")


def event_show(desk: Desk, given: dict[str, Any], wanted: str) -> dict[str, Any]:
    return desk.book.get(wanted, "evt")


def event_list(desk: Desk, given: dict[str, Any]) -> dict[str, Any]:
    """Stripe keeps events for 30 days."""
    oldest = desk.book.now() - 30 * 24 * 3600
    kinds = set(given.get("types") or ([given["type"]] if "type" in given else []))
    kept = [
        each
        for each in desk.book.every("evt")
        if each["created"] >= oldest and (not kinds or each["type"] in kinds)
    ]
    return listed(desk, kept, given, "/v1/events")


def answer(desk: Desk, endpoint: Endpoint, given: dict[str, Any], *args: str) -> dict[str, Any]:
    """Call and expand: what goes over the wire."""
    return expanded(desk.book, endpoint(desk, given, *args), given.get("expand") or [])
