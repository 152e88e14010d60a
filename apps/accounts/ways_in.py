"""Everything by which a person gets in beside the password and open sessions, to take it away at once."""

from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount

from .factors.codes import PENDING
from .models import ApiToken, RecoveryCode, TotpDevice, User


def ways_in_void(user: User) -> None:
    """Take all away."""
    for model in (SocialAccount, Authenticator, TotpDevice, RecoveryCode):
        model.objects.filter(user_id=user.pk).delete()
    ApiToken.objects.filter(membership__user=user).delete()


def ways_in_void_since(user: User, since: datetime) -> None:
    """Take away what was set up since then, and all recovery codes: nothing tells when they were made."""
    SocialAccount.objects.filter(user=user, date_joined__gte=since).delete()
    Authenticator.objects.filter(user_id=user.pk, created_at__gte=since).delete()
    # An app counts from its key, which may have waited for its first code.
    TotpDevice.objects.filter(user=user, created_at__gte=since - PENDING).delete()
    RecoveryCode.objects.filter(user=user).delete()
    ApiToken.objects.filter(membership__user=user, created_at__gte=since).delete()
