"""Setup and payment intents: what becomes of a card when it is saved, and when money is asked of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from . import cards
from .book import Book, shown
from .errors import StripeFault, declined, invalid
from .events import Events


@dataclass(frozen=True)
class Desk:
    """What every act of the stand-in needs."""

    book: Book
    events: Events
    address: str = ""


def new_method(desk: Desk, number: str, month: int, year: int, *, name: str = "") -> dict[str, Any]:
    """A card as Stripe shows it; its number stays with the stand-in. Raises card errors."""
    cards.check_number(number)
    today = desk.book.now()
    if not 1 <= month <= 12:
        raise _bad_card("invalid_expiry_month", "Your card's expiration month is invalid.", "exp_month")
    if (year, month) < _month_of(today):
        raise _bad_card("invalid_expiry_year", "Your card's expiration year is invalid.", "exp_year")
    brand = cards.behaviour(number).brand
    method = desk.book.add(
        "pm",
        object="payment_method",
        type="card",
        allow_redisplay="unspecified",
        customer=None,
        customer_account=None,
        metadata={},
        billing_details={"address": None, "email": None, "name": name or None, "phone": None, "tax_id": None},
        card={
            "brand": brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US",
            "display_brand": brand,
            "exp_month": month,
            "exp_year": year,
            "fingerprint": f"fp{number[-8:]}",
            "funding": "credit",
            "generated_from": None,
            "last4": number[-4:],
            "networks": {"available": [brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
    )
    desk.book.numbers[method["id"]] = number
    return method


def new_paypal(desk: Desk) -> dict[str, Any]:
    """Somebody's PayPal account, as they choose it on the page; PayPal's own pages are left out."""
    payer = {"payer_email": "payer@example.com", "payer_id": "PAYER1", "country": "DE"}
    details = {"address": None, "email": payer["payer_email"], "name": None, "phone": None, "tax_id": None}
    method = desk.book.add(
        "pm", object="payment_method", type="paypal", customer=None, metadata={}, billing_details=details,
        paypal=payer,
    )  # fmt: skip
    desk.book.numbers[method["id"]] = "4242424242424242"  # refused by nobody
    return method


def _bad_card(code: str, said: str, param: str) -> StripeFault:
    return StripeFault(402, "card_error", said, code=code, param=param)


def _month_of(moment: int) -> tuple[int, int]:
    day = datetime.fromtimestamp(moment, UTC)
    return day.year, day.month


def method_of(desk: Desk, wanted: str, *, param: str = "payment_method") -> dict[str, Any]:
    """The method of that id, or a new one for the names that test code uses."""
    if wanted in cards.NAMED:
        year = _month_of(desk.book.now())[0] + 3
        return new_method(desk, cards.NAMED[wanted], 12, year)
    return desk.book.get(wanted, "pm", param=param, status=400)


def attach(desk: Desk, method: dict[str, Any], customer: str) -> None:
    if method.get("_gone"):
        raise invalid(
            "This PaymentMethod was previously used without being attached to a Customer or was detached from "
            "a Customer, and may not be used again."
        )
    if method["customer"] not in (None, customer):
        raise invalid("The payment method you provided has already been attached to a customer.")
    if method["customer"] is None:
        method["customer"] = customer
        desk.events.note("payment_method.attached", method)


def _check_owner(method: dict[str, Any], customer: str | None) -> None:
    if method.get("_gone") or (method["customer"] is not None and method["customer"] != customer):
        raise invalid(
            f"The customer does not have a payment method with the ID {method['id']}. The payment method "
            "must be attached to the customer.",
            param="payment_method",
        )


def _asks(desk: Desk, method: dict[str, Any]) -> bool:
    asks = cards.behaviour(desk.book.numbers[method["id"]]).asks
    return asks == "always" or (asks == "until_set_up" and method["id"] not in desk.book.set_up)


# -- saving a card ------------------------------------------------------------------------------------------


def confirm_setup(
    desk: Desk, intent: dict[str, Any], method: dict[str, Any], *, is_proved: bool = False
) -> None:
    """Raises the card error; leaves `requires_action` when the person's bank wants to see them first."""
    _check_open(intent, "setup_intent")
    _check_owner(method, intent["customer"])
    intent["payment_method"] = method["id"]
    known = cards.behaviour(desk.book.numbers[method["id"]])
    if known.refused and not known.attaches:
        error = cards.error_of(known.refused)
        intent |= {
            "status": "requires_payment_method",
            "payment_method": None,
            "last_setup_error": error | {"payment_method": shown(method)},
        }
        desk.events.note("setup_intent.setup_failed", intent)
        raise declined(error, setup_intent=shown(intent))
    if _asks(desk, method) and not is_proved:
        _ask(desk, intent)
        desk.events.note("setup_intent.requires_action", intent)
        return
    if intent["customer"]:
        attach(desk, method, intent["customer"])
    desk.book.set_up.add(method["id"])
    intent |= {"status": "succeeded", "next_action": None, "last_setup_error": None}
    desk.events.note("setup_intent.succeeded", intent)


def _ask(desk: Desk, intent: dict[str, Any]) -> None:
    intent |= {
        "status": "requires_action",
        "next_action": {
            "type": "redirect_to_url",
            "redirect_to_url": {
                "url": f"{desk.address}/c/3ds/{intent['id']}",
                "return_url": intent.get("_return_url"),
            },
        },
    }


def _check_open(intent: dict[str, Any], kind: str) -> None:
    if intent["status"] in ("succeeded", "canceled"):
        raise invalid(
            f"You cannot confirm this {kind.title().replace('_', '')} because it has a status of "
            f"{intent['status']}.",
            code=f"{kind}_unexpected_state",
        )


# -- money --------------------------------------------------------------------------------------------------


def confirm_payment(
    desk: Desk, intent: dict[str, Any], method: dict[str, Any], *, off_session: bool, is_proved: bool = False
) -> None:
    """Take the money. Raises the card error; leaves `requires_action` when the person is there to act."""
    _check_open(intent, "payment_intent")
    _check_owner(method, intent["customer"])
    intent["payment_method"] = method["id"]
    known = cards.behaviour(desk.book.numbers[method["id"]])
    if _asks(desk, method) and not is_proved:
        if off_session:
            raise _refuse(desk, intent, method, "authentication_required")
        _ask(desk, intent)
        desk.events.note("payment_intent.requires_action", intent)
        return
    if known.refused:
        raise _refuse(desk, intent, method, known.refused)
    charge = _charge(desk, intent, method)
    intent |= {
        "status": "succeeded",
        "amount_received": intent["amount"],
        "latest_charge": charge["id"],
        "next_action": None,
        "last_payment_error": None,
    }
    if intent.get("setup_future_usage") and intent["customer"]:
        attach(desk, method, intent["customer"])
        desk.book.set_up.add(method["id"])
    desk.events.note("charge.succeeded", charge)
    desk.events.note("payment_intent.succeeded", intent)


def _refuse(desk: Desk, intent: dict[str, Any], method: dict[str, Any], refused: str) -> StripeFault:
    error = cards.error_of(refused)
    charge = _charge(desk, intent, method, error)
    error["charge"] = charge["id"]
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "latest_charge": charge["id"],
        "next_action": None,
        "last_payment_error": error | {"payment_method": shown(method)},
    }
    desk.events.note("charge.failed", charge)
    desk.events.note("payment_intent.payment_failed", intent)
    return declined(error, payment_intent=shown(intent), payment_method=shown(method))


def _charge(
    desk: Desk, intent: dict[str, Any], method: dict[str, Any], error: dict[str, Any] | None = None
) -> dict[str, Any]:
    paid = error is None
    charge = desk.book.add(
        "ch",
        object="charge",
        amount=intent["amount"],
        amount_captured=intent["amount"] if paid else 0,
        amount_refunded=0,
        billing_details=method["billing_details"],
        captured=paid,
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        disputed=False,
        failure_code=error["code"] if error else None,
        failure_message=error["message"] if error else None,
        metadata=dict(intent["metadata"]),
        outcome={
            "type": "authorized" if paid else "issuer_declined",
            "network_status": "approved_by_network" if paid else "declined_by_network",
            "reason": error.get("decline_code") if error else None,
            "seller_message": "Payment complete." if paid else "The bank did not return further details.",
        },
        paid=paid,
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details=_details_of(method),
        receipt_email=intent["receipt_email"],
        refunded=False,
        status="succeeded" if paid else "failed",
    )
    charge["receipt_url"] = f"{desk.address}/receipts/{charge['id']}" if paid else None
    return charge


def _details_of(method: dict[str, Any]) -> dict[str, Any]:
    if method["type"] == "paypal":
        return {"type": "paypal", "paypal": dict(method["paypal"])}
    shown_of_card = ("brand", "last4", "exp_month", "exp_year", "country")
    return {"type": "card", "card": {key: method["card"][key] for key in shown_of_card}}


def refund(desk: Desk, charge: dict[str, Any], amount: int | None, fields: dict[str, Any]) -> dict[str, Any]:
    """Give money back, all that is left unless `amount` says less."""
    left = charge["amount_captured"] - charge["amount_refunded"]
    if not charge["paid"] or left <= 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = left if amount is None else amount
    if amount > left or amount <= 0:
        raise invalid(f"Refund amount ({amount}) is greater than unrefunded amount ({left}).", param="amount")
    made = desk.book.add(
        "re",
        object="refund",
        amount=amount,
        balance_transaction=None,
        charge=charge["id"],
        currency=charge["currency"],
        metadata=fields.get("metadata") or {},
        payment_intent=charge["payment_intent"],
        reason=fields.get("reason"),
        receipt_number=None,
        status="succeeded",
    )
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    desk.events.note("refund.created", made)
    desk.events.note("charge.refunded", charge)
    return made
