"""Pages of the card processor that somebody was sent to."""

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel

from ..enums import PagePurpose, PageState
from .invoices import Invoice


class HostedPage(AccountModel):
    """One visit to a page of Stripe's: to add a card, or to pay one invoice.

    Committed before Stripe is asked: `public_id` is the idempotency key, and names the visit in the address
    that the browser comes back to. At most one of an invoice is open, so two tabs show the same page.
    """

    purpose = models.CharField(max_length=10, choices=PagePurpose)
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, null=True, related_name="pages")
    amount_minor = models.BigIntegerField(default=0)
    stripe_id = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=10, choices=PageState, default=PageState.OPEN)
    back_to = models.CharField(max_length=300)  # path of ours
    opened_at = models.DateTimeField(default=clock.now)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "hosted_page"
        constraints = [
            models.UniqueConstraint(
                fields=["invoice"], condition=models.Q(state="open"), name="hosted_page_one_open"
            )
        ]
        indexes = [
            models.Index(fields=["state", "opened_at"], name="hosted_page_open"),
            models.Index(fields=["account", "opened_at"], name="hosted_page_of_an_hour"),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()}, {self.get_state_display()}"
