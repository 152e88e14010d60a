"""Words of recipients and of what is sent to them."""

from typing import Final

from django.db import models

NOTICE: Final = "notice"
"""The kind of mails in an account's name whose first try failed (`core.mails`): who gets them is settled."""
TEST: Final = "test"
"""The kind of what a person sends to see whether a recipient can be reached."""


class Way(models.TextChoices):
    """How a recipient is reached."""

    MAIL = "mail", "E-mail"
    WEBHOOK = "webhook", "Webhook, signed"
    SLACK = "slack", "Slack"
    TEAMS = "teams", "Microsoft Teams"


class DeliveryState(models.TextChoices):
    """What became of one letter to one recipient. `STOPPED`: it may not or shall not be sent any more."""

    WAITING = "waiting", "Waiting"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Failed"
    STOPPED = "stopped", "Stopped"


class Silence(models.TextChoices):
    """Why an address that is written to gets nothing."""

    LEFT = "left", "It was the sign-in address of somebody who left the account or changed it"
    OFF = "off", "It belongs to somebody who cannot sign in here now"
