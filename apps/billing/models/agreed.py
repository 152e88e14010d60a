"""What an account agreed to: its plan, where bills go, the cards it pays with."""

from django.db import models

from apps.core import clock
from apps.core.mails import plain_name
from apps.core.models import AccountModel

from ..enums import Interval, InvoiceAs, SubscriptionState
from .prices import PriceList


class Subscription(AccountModel):
    """The plan of one account.

    `period_start` up to `period_end` (not included) is what is used now, `invoiced_to` up to when invoices have
    been issued. Before the first day of the plan (`started_on`) all three are that day: the trial's rest.
    """

    account = models.OneToOneField("accounts.Account", on_delete=models.CASCADE, related_name="+")
    interval = models.CharField(max_length=10, choices=Interval, default=Interval.MONTH)
    currency = models.CharField(max_length=3, default="USD")
    state = models.CharField(max_length=10, choices=SubscriptionState, default=SubscriptionState.NONE)
    auto_pay = models.BooleanField(default=True)
    started_on = models.DateField(null=True)
    free_until = models.DateField(null=True)  # when it began: today, or the end of its trial
    anchor_day = models.PositiveSmallIntegerField(default=1)  # of the month; a shorter month has its last day
    period_start = models.DateField(null=True)
    period_end = models.DateField(null=True)
    invoiced_to = models.DateField(null=True)
    cancel_at_end = models.BooleanField(default=False)
    purchase_order = models.CharField(max_length=60, blank=True)
    wanted_start = models.DateField(null=True)  # as an annual request says (BIL-06)
    contact_name = models.CharField(max_length=120, blank=True)
    contact_email = models.EmailField(blank=True)
    price_list = models.ForeignKey(PriceList, on_delete=models.PROTECT, null=True, related_name="+")
    requested_at = models.DateTimeField(null=True)
    asked_times = models.PositiveSmallIntegerField(default=0)  # for a year, on the day of `requested_at`
    # Suspended or cancelled: since when, the last notice of the end in days left, and how much of the grace was
    # really seen to pass (`core.grace`).
    stopped_on = models.DateField(null=True)
    told = models.PositiveSmallIntegerField(null=True)
    counted_at = models.DateTimeField(null=True)
    counted_seconds = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "subscription"

    def __str__(self) -> str:
        return f"{self.get_interval_display()}, {self.get_state_display()}"

    @property
    def contact_words(self) -> str:
        """Whom support asks about a request, and by which number the customer knows it."""
        order = f", purchase order {self.purchase_order}" if self.purchase_order else ""
        if not self.contact_email:
            return f"the customer{order}"
        return f"{plain_name(self.contact_name)} <{self.contact_email}>{order}"


class BillingDetails(AccountModel):
    """Who is billed (BIL-05). Copied into each invoice when it is issued."""

    account = models.OneToOneField("accounts.Account", on_delete=models.CASCADE, related_name="+")
    title = models.CharField(max_length=20, blank=True)
    first_name = models.CharField(max_length=60, blank=True)
    last_name = models.CharField(max_length=60, blank=True)
    email = models.EmailField(blank=True)
    company = models.CharField(max_length=120, blank=True)
    tax_id = models.CharField(max_length=30, blank=True)
    address_1 = models.CharField(max_length=120, blank=True)
    address_2 = models.CharField(max_length=120, blank=True)
    address_3 = models.CharField(max_length=120, blank=True)
    country = models.CharField(max_length=2, blank=True)
    state = models.CharField(max_length=60, blank=True)
    city = models.CharField(max_length=60, blank=True)
    zip_code = models.CharField(max_length=20, blank=True)
    phone = models.CharField(max_length=30, blank=True)
    invoice_as = models.CharField(max_length=10, choices=InvoiceAs, default=InvoiceAs.LINK)
    stripe_customer = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "billing_details"
        constraints = [
            # What Stripe tells of a customer is told of one account.
            models.UniqueConstraint(
                fields=["stripe_customer"],
                condition=~models.Q(stripe_customer=""),
                name="billing_customer_once",
            )
        ]

    def __str__(self) -> str:
        return self.company or f"{self.first_name} {self.last_name}".strip()


class Card(AccountModel):
    """A card that Stripe keeps; we know what may be shown of it. At most one is charged."""

    stripe_id = models.CharField(max_length=64)
    brand = models.CharField(max_length=30, blank=True)
    last4 = models.CharField(max_length=4, blank=True)
    exp_month = models.PositiveSmallIntegerField(default=0)
    exp_year = models.PositiveSmallIntegerField(default=0)
    holder = models.CharField(max_length=120, blank=True)
    is_active = models.BooleanField(default=False)
    added_at = models.DateTimeField(default=clock.now)
    warned_on = models.DateField(null=True)  # that it expires soon; a renewed card is warned of anew

    class Meta:
        db_table = "billing_card"
        constraints = [
            models.UniqueConstraint(fields=["account", "stripe_id"], name="card_once"),
            models.UniqueConstraint(
                fields=["account"], condition=models.Q(is_active=True), name="card_one_active"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.brand} ···· {self.last4}"
