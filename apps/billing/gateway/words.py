"""Why a card was refused, in a user's words: what happened, and what to do about it."""

from typing import Final

OTHER_CARD: Final = "Try another card, or ask your bank."
_PLAIN: Final = ("Your bank refused the payment.", OTHER_CARD)
_WORDS: Final = {
    "authentication_required": (
        "Your bank wants you to confirm this payment yourself.",
        "Open the payment page and confirm it there.",
    ),
    "card_velocity_exceeded": ("The card is over its limit.", OTHER_CARD),
    "currency_not_supported": ("The card cannot be charged in this currency.", "Try another card."),
    "expired_card": ("The card has expired.", "Add a card that is valid."),
    "incorrect_cvc": ("The security code of the card is wrong.", "Add the card again."),
    "incorrect_number": ("The number of the card is wrong.", "Add the card again."),
    "insufficient_funds": ("There was not enough money on the card.", "Pay again later, or try another card."),
    "processing_error": ("The bank could not process the card just now.", "We try again by ourselves."),
    "try_again_later": ("The bank could not process the card just now.", "We try again by ourselves."),
    "issuer_not_available": ("The bank could not be reached.", "We try again by ourselves."),
    "canceled": ("The payment was called off.", "Pay again."),
    "card_gone": ("The card was removed before it could be charged.", "Add a card and pay again."),
    "not_asked": (
        "The card processor does not take this payment.",
        "We were told, and look into it. You can also pay by bank transfer.",
    ),
    "not_taken": ("The payment never arrived at the card processor.", "We try again by ourselves."),
}
UNKNOWN: Final = "not_known"  # given up, its end never heard of: charged again, it might be paid twice
# The bank says never to ask for this card again, so no retry of ours would do any good (and fines may follow).
LOST_FOR_GOOD: Final = frozenset(
    {"lost_card", "stolen_card", "pickup_card", "restricted_card", "revocation_of_authorization", "card_gone"}
)


def words_for(code: str, decline_code: str) -> tuple[str, str]:
    """What happened and what to do. A decline that might tell a thief something is told as any other."""
    return _WORDS.get(decline_code) or _WORDS.get(code) or _PLAIN
