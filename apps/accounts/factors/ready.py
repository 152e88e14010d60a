"""What this package tells the house at start."""

from typing import Any

from apps.activity.registry import register_codes
from apps.core.rotation import register_sealed_field

from ..gates import register_gate
from ..http import MemberRequest
from ..members.listing import register_facts
from ..panels import Panel, register_panel
from .codes import codes_left, factors_of, has_app, has_factor
from .forms import PolicyForm
from .passkeys import passkeys_of
from .policy import factor_gate, password_gate, without_factor


def ready() -> None:
    """Register words, gates and panels."""
    register_codes(
        "Sign-in",
        {
            "passkey.added": "Passkey added",
            "passkey.removed": "Passkey removed",
            "proof.refused": "Proof of identity before a dangerous act refused",
            "recovery_codes.made": "New recovery codes made",
            "recovery_codes.used": "Recovery code used",
            "second_factor.off": "Second factor turned off",
            "second_factor.on": "Second factor turned on",
            "second_factor.refused": "Wrong code at the second factor",
            "second_factor.reset": "Second factor reset",
            "policy.changed": "Sign-in rules of the account changed",
        },
    )
    register_facts("second_factor", factors_of)
    register_gate(40, factor_gate)
    register_gate(50, password_gate)
    register_panel(Panel("me", 10, "accounts/_my_password.html", _password, outside=True))
    register_panel(Panel("me", 20, "accounts/_my_second_factor.html", _second_factor, outside=True))
    register_panel(Panel("me", 30, "accounts/_my_passkeys.html", _passkeys, outside=True))
    register_panel(Panel("everyone", 10, "accounts/_policies.html", _policies))
    register_sealed_field("accounts.TotpDevice", "sealed_key", lambda row: str(row.purpose), of_person=True)


def _password(request: MemberRequest) -> dict[str, Any]:
    user = request.user
    return {"has_one": user.has_usable_password(), "changed_at": user.password_changed_at}


def _second_factor(request: MemberRequest) -> dict[str, Any]:
    user = request.user
    return {"app": has_app(user), "any": has_factor(user), "left": codes_left(user)}


def _passkeys(request: MemberRequest) -> dict[str, Any]:
    return {
        "passkeys": [{"id": row.pk, "name": row.data["name"], "row": row} for row in passkeys_of(request.user)]
    }


def _policies(request: MemberRequest) -> dict[str, Any]:
    return {"form": PolicyForm.of(request.account), "without": without_factor(request.account)}
