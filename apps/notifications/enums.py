"""Words of recipients and of what is sent to them."""

from django.db import models


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
