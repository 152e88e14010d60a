"""What the core of billing adds to the apps below. Called by `BillingConfig.ready()`."""

from apps.accounts.approvals import register_act
from apps.accounts.registry import ClosingStep, register_closing_step, register_returned, register_veto
from apps.activity.registry import register_codes
from apps.core.permissions import Permission
from apps.notifications.registry import Kind, register_kind

from .gateway.charges import StripeCharger
from .gateway.customers import customer_forget
from .mails import KIND, still_pays
from .registry import register_charger
from .services import plans
from .services.holding import held_up
from .services.keeping import papers_keep
from .services.plans import CANCEL
from .services.recovering import account_returned


def register_billing() -> None:
    """Codes, the kind of our mails, the step that keeps papers."""
    register_charger(StripeCharger())
    register_codes(
        "Billing",
        {
            "billing.address_allowed": "Bills sent to an address of somebody who left",
            "billing.cancelled": "Plan cancelled",
            "billing.card_activated": "Card chosen for payments",
            "billing.card_added": "Card added",
            "billing.card_deleted": "Card deleted",
            "billing.changed": "Plan changed by support",
            "billing.charge_failed": "Charge failed",
            "billing.credited": "Credit note issued",
            "billing.details_changed": "Billing details changed",
            "billing.given_up": "Invoice given up",
            "billing.invoiced": "Invoice issued",
            "billing.kept": "Cancellation of the plan taken back",
            "billing.overdue": "Invoice overdue",
            "billing.paid": "Payment received",
            "billing.recovered": "Plan in order again",
            "billing.refunded": "Payment given back",
            "billing.refused": "Request for an annual plan closed",
            "billing.requested": "Annual plan asked for",
            "billing.skipped": "Time without backups not billed",
            "billing.subscribed": "Plan begun",
        },
    )
    words = "Invoices, receipts, failed payments. Goes to who may see billing."
    register_kind(
        Kind(
            KIND,
            "Billing",
            words,
            sight_needed=False,
            stoppable=False,
            offered=False,
            listed_for=Permission.BILLING,
            goes_to=still_pays,
        )
    )
    register_closing_step(ClosingStep(34, "cards", customer_forget))
    register_act(CANCEL, do=plans.cancel_approved, words=plans.cancel_words, permission=Permission.BILLING)
    register_returned(account_returned)
    register_veto(held_up)
    register_closing_step(ClosingStep(35, "invoices", papers_keep))
