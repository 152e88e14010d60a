"""Conditions that a signed-in person must meet before any page: allowed address, second factor, fresh password…

Each is registered once, in `AppConfig.ready()`, and asked in the order of its number on every request that
has a membership, API and htmx parts alike, after the account's scope is entered and the route is known.
"""

from collections.abc import Callable

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

Gate = Callable[[HttpRequest], HttpResponseBase | None]
_gates: dict[int, Gate] = {}


def register_gate(order: int, gate: Gate) -> None:
    """Ask `gate` on every request of a member; what it returns is the answer, None lets the person pass.

    `request.resolver_match` is known: a gate that sends people somewhere must let them reach that page. Raises
    ValueError when the number is taken.
    """
    if _gates.setdefault(order, gate) is not gate:
        raise ValueError(f"Gate {order} is {_gates[order].__name__} already.")


def first_answer(request: HttpRequest) -> HttpResponseBase | None:
    """What the first gate that does not let the person pass says, or None."""
    answers = (_gates[order](request) for order in sorted(_gates))
    return next((answer for answer in answers if answer is not None), None)


def as_json(answer: HttpResponseBase) -> HttpResponseBase:
    """The same refusal for a program, which can follow no page: 403 with what to do."""
    if isinstance(answer, JsonResponse):
        return answer
    return JsonResponse(
        {
            "code": "sign_in_needed",
            "detail": "The account asks its members for something that only a person can do.",
            "do": "Sign in at the portal and follow what it asks for.",
        },
        status=403,
    )
