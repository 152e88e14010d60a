"""How people sign in, for the columns of the list (features USR-01, ACC-16)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from allauth.socialaccount.models import SocialAccount

from ..models import User
from ..social.configured import KNOWN


def sign_ins_of(user_ids: Sequence[int]) -> Mapping[int, str]:
    """ "Microsoft" or "Password, Google": every way, in two queries however many there are."""
    ways: dict[int, list[str]] = defaultdict(list)
    for user in User.objects.filter(pk__in=user_ids).only("password"):
        if user.has_usable_password():
            ways[user.pk].append("Password")
    linked = (
        SocialAccount.objects.filter(user_id__in=user_ids).order_by("pk").values_list("user_id", "provider")
    )
    for user_id, provider in linked:
        known = KNOWN.get(provider)
        name = known[0] if known else provider.capitalize()
        if name not in ways[user_id]:
            ways[user_id].append(name)
    return {user_id: ", ".join(found) or "Nothing yet" for user_id, found in ways.items()}
