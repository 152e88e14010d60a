"""Rows of `url_table.py`: Stripe's webhook, and the ways back from its pages. No key is set here."""

from apps.billing.enums import PagePurpose, PageState
from apps.billing.models import HostedPage
from apps.core.scope import account_scope
from tests.cast import Cast
from tests.security.url_rows import Row, everybody, row


def a_visit(cast: Cast) -> list[object]:
    """Somebody was sent to Stripe, and is back."""
    with account_scope(cast.account.pk):
        page = HostedPage.objects.create(
            account=cast.account, purpose=PagePurpose.CARD, state=PageState.CLOSED, back_to="/billing/"
        )
    return [page.public_id]


STRIPE: dict[str, Row] = {
    "billing_stripe_webhook": everybody(404, data={}),
    "billing_stripe_return": row(302, 302, 403, 403, 403, 302, 404, args=a_visit),
    "billing_stripe_left": row(302, 302, 403, 403, 403, 302, 404, args=a_visit),
}
