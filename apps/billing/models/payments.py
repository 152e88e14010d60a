"""Money that came, or did not."""

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel

from ..enums import PaymentMethod, PaymentState
from .agreed import Card
from .invoices import Invoice


class Payment(AccountModel):
    """One try to be paid, or money that arrived. `stripe_id` is that of the PaymentIntent.

    A row of a charge is committed before Stripe is asked: `public_id` is its idempotency key, so that a worker
    that was killed in between asks again for the same charge, not for another.
    """

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="payments")
    card = models.ForeignKey(Card, on_delete=models.SET_NULL, null=True, related_name="+")
    method = models.CharField(max_length=10, choices=PaymentMethod, default=PaymentMethod.CARD)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=14, choices=PaymentState, default=PaymentState.PENDING)
    attempt = models.PositiveSmallIntegerField(null=True)  # of our own charges, from 1; others have none
    stripe_id = models.CharField(max_length=64, blank=True)
    failure_code = models.CharField(max_length=60, blank=True)
    words = models.CharField(max_length=300, blank=True)
    refunded_minor = models.BigIntegerField(default=0)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "payment"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "stripe_id"], condition=~models.Q(stripe_id=""), name="payment_once"
            ),
            models.UniqueConstraint(fields=["invoice", "attempt"], name="payment_attempt_once"),
        ]
        indexes = [models.Index(fields=["account", "-at"], name="payment_newest")]

    def __str__(self) -> str:
        return f"{self.get_method_display()}, {self.get_state_display()}"


class StripeEvent(models.Model):
    """An event that Stripe told us, so that one that is told twice happens once.

    Only which object of whom it is about: how that object stands is asked of Stripe when the event is handled.
    """

    stripe_id = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=80)
    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, null=True, related_name="+")
    object_id = models.CharField(max_length=100, blank=True)
    customer = models.CharField(max_length=64, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    trouble = models.CharField(max_length=300, blank=True)  # why it could not be handled yet, or was refused
    received_at = models.DateTimeField(default=clock.now)
    handled_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "stripe_event"
        indexes = [models.Index(fields=["handled_at", "next_try_at"], name="stripe_event_open")]

    def __str__(self) -> str:
        return f"{self.kind} {self.stripe_id}"
