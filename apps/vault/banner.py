"""Reminds the owner that nobody but us can open the backups, until a recovery key is confirmed."""

from django.http import HttpRequest
from django.urls import reverse

from apps.core.banners import Banner

from .models import RecoveryKey, VaultKey


def recovery_key_banner(request: HttpRequest) -> Banner | None:
    """Ask the owner to show or to confirm the recovery key. One query where all is well."""
    membership = getattr(request, "membership", None)
    if membership is None or not membership.is_owner:
        return None
    rows = list(RecoveryKey.objects.filter(replaced_at=None).values_list("confirmed_at", flat=True))
    url = reverse("recovery_key")
    if None in rows:
        return Banner(
            "Confirm your recovery key.", "It is shown, but not yet proved to be put away.", url, "Confirm it"
        )
    if rows or not VaultKey.objects.filter(shredding_since=None).exists():
        return None
    return Banner("Get your recovery key.", "Without it, only Everkeep can open your backups.", url, "Show it")
