import pytest
from allauth.account.models import EmailAddress
from django.core.cache import cache

from apps.accounts.models import User
from tests.cast import Cast
from tests.fixtures.saml import make_provider


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    """Limits on tries are counted in the cache, which outlives a test."""
    cache.clear()


@pytest.fixture
def company(cast: Cast) -> Cast:
    """Pizza Perfecto signs its people in by itself; everybody has a verified address and a password too."""
    make_provider(cast.account)
    for user in User.objects.all():
        EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    return cast
