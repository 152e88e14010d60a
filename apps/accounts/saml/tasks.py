"""Daily upkeep of company sign-in."""

from celery import shared_task

from apps.core.scope import account_scope, every_account

from ..models import SamlProvider
from .arrivals import forget_old
from .services import refresh


@shared_task(name="apps.accounts.saml.tasks.refresh_providers")  # type: ignore[untyped-decorator]
def refresh_providers() -> None:
    """Fetch all providers' metadata anew, warn before certificates end, forget old assertions."""
    with every_account("providers of all accounts are refreshed"):
        providers = list(SamlProvider.objects.filter(live__isnull=False).order_by("id"))
    for provider in providers:
        with account_scope(provider.account_id):
            refresh(provider)
    forget_old()
