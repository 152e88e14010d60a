from django.db import models


class PackState(models.IntegerChoices):
    """What is known of a pack."""

    STORED = 1, "Stored"
