"""What the users of an account add to other apps' registries."""

from apps.activity.registry import register_codes
from apps.core import navigation
from apps.core.permissions import Permission

from .facts import sign_ins_of
from .listing import register_facts


def register_users() -> None:
    """Called in `AppConfig.ready()`."""
    register_codes(
        "Users",
        {
            "user.invited": "User invited",
            "user.invitation_resent": "Invitation sent again",
            "user.invitation_withdrawn": "Invitation taken back",
            "user.joined": "Invitation accepted",
            "user.changed": "Permissions changed",
            "user.switched_off": "Access switched off",
            "user.switched_on": "Access switched on",
            "user.removed": "User removed",
            "user.entered": "Came over from another account",
            "account.owner_changed": "Owner of the account changed",
        },
    )
    register_facts("signs_in", sign_ins_of)
    sentence = "Who can sign in to this account, and what each of them may do."
    navigation.register_section(
        navigation.Section("users", "Users", sentence, "users", 12, "users", Permission.USERS)
    )
