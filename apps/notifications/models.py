"""Recipients of an account, what they do not want any more, and every letter to them."""

from itertools import combinations

from django.db import models

from apps.core import clock
from apps.core.actor import Actor, current_actor
from apps.core.models import AccountModel
from apps.core.permissions import Permission, may_name_contents
from apps.core.sight import named_sight, seen_services, sees_limited

from .enums import NOTICE, DeliveryState, Way
from .registry import hidden_kinds, kind_of


class Recipient(AccountModel):
    """Whom the account writes to. A member (`user`) gets what their rights let them see today.

    Anybody else, a hook included, sees what the one saw who put them there (`services`, `limited`, `view`).
    """

    way = models.CharField(max_length=7, choices=Way, default=Way.MAIL)
    address = models.CharField(max_length=254)  # of a hook the host alone: the rest may be a secret
    name = models.CharField(max_length=100, blank=True)
    kinds = models.JSONField(default=list)
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, null=True, related_name="+")
    services = models.JSONField(null=True, default=list)  # None is all, also future ones
    limited = models.BooleanField(default=False)
    view = models.BooleanField(default=False)
    sealed_url = models.BinaryField(default=bytes)
    sealed_secret = models.BinaryField(default=bytes)
    created_at = models.DateTimeField(default=clock.now)
    added_by = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "recipient"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "address"], name="recipient_once", condition=models.Q(way=Way.MAIL)
            )
        ]

    def __str__(self) -> str:
        return self.name or self.place

    @property
    def place(self) -> str:
        """Where letters go today: of a member, where they sign in."""
        return self.user.email if self.user else self.address

    @property
    def url_purpose(self) -> str:
        """The name under which a hook's address is sealed."""
        return f"notifications.url:{self.public_id}"

    @property
    def secret_purpose(self) -> str:
        """The name under which a hook's secret is sealed."""
        return f"notifications.secret:{self.public_id}"

    def sees_as(self, actor: Actor) -> None:
        """Let an outsider see what this person sees, no more."""
        self.services = None if actor.services is None else sorted(actor.services)
        self.limited = actor.kind != "user" or Permission.LIMITED_ACCESS in actor.permissions
        self.view = actor.kind != "user" or Permission.VIEW in actor.permissions

    def seen_by_actor(self) -> bool:
        """Whether the actor in force sees all that this outsider is sent."""
        actor, mine = current_actor(), seen_services()
        within = mine is None or (self.services is not None and mine.issuperset(self.services))
        views = actor.kind != "user" or Permission.VIEW in actor.permissions
        return within and (sees_limited() or not self.limited) and (views or not self.view)


class Refusal(AccountModel):
    """An address that wants no more letters of a kind, or gets none of any ("") since its person left.

    `but`: kinds that somebody who answers for them sends there all the same, knowing whose it was.
    """

    address = models.CharField(max_length=254)
    kind = models.CharField(max_length=20, blank=True)
    but = models.JSONField(default=list)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "notification_refusal"
        constraints = [models.UniqueConstraint(fields=["account", "address", "kind"], name="refusal_once")]

    def __str__(self) -> str:
        return f"{self.address}: {self.kind or 'everything'}"


class Delivery(AccountModel):
    """One letter to one recipient, sent until it arrives or is given up.

    `digest`: the letter with which it goes out, when several become one. `user`: the member it is for.
    `made_for`: what its reader saw when it was made in their sight (`rights.sight_of`). `reader`: who a plain
    address is (`rights.reader_kept`).
    """

    recipient = models.ForeignKey(Recipient, on_delete=models.SET_NULL, null=True, related_name="deliveries")
    user = models.ForeignKey("accounts.User", on_delete=models.CASCADE, null=True, related_name="+")
    way = models.CharField(max_length=7, choices=Way, default=Way.MAIL)
    address = models.CharField(max_length=254)
    kind = models.CharField(max_length=20)
    letter = models.CharField(max_length=60)
    subject = models.CharField(max_length=300)
    service = models.CharField(max_length=20, blank=True)
    entity_id = models.UUIDField(null=True)
    task_id = models.UUIDField(null=True)
    made_for = models.JSONField(default=dict)
    reader = models.JSONField(default=dict)
    sealed_body = models.BinaryField(default=bytes)
    digest_key = models.CharField(max_length=100, blank=True)
    digest = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="gathered")
    state = models.CharField(max_length=9, choices=DeliveryState, default=DeliveryState.WAITING)
    said = models.CharField(max_length=300, blank=True)
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    claimed_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "delivery"
        indexes = [
            models.Index(fields=["account", "-id"], name="delivery_newest"),
            models.Index(fields=["account", "state", "-id"], name="delivery_by_state"),
            models.Index(fields=["account", "kind", "-id"], name="delivery_by_kind"),
            models.Index(fields=["account", "address", "settled_at"], name="delivery_of_a_day"),
            models.Index(fields=["created_at"], name="delivery_age"),
            models.Index(
                fields=["next_try_at"], name="delivery_due", condition=models.Q(state=DeliveryState.WAITING)
            ),
        ]

    @classmethod
    def sight(cls) -> models.Q | None:
        """By what a row names, its kind, and for whom it was made; notices name what they like: for who sees
        everything.
        """
        if current_actor().kind == "system":
            return None
        seen = named_sight("entity_id")
        hidden = [*hidden_kinds(), *([NOTICE] if seen is not None else [])]
        return (seen or models.Q()) & ~models.Q(kind__in=hidden) & _made_within_sight()

    def __str__(self) -> str:
        return f"{self.subject} to {self.address}"

    @property
    def to_whom(self) -> str:
        """Who did not get it, told apart from others: of a hook its name, since many share a host."""
        is_named = self.way != Way.MAIL and self.recipient is not None and self.recipient.name
        return f"{self.recipient} ({self.address})" if is_named else self.address

    @property
    def log_subject(self) -> str:
        """What logs call it: a subject made for one reader, or of a kind with its own right, is not for all."""
        kind = kind_of(self.kind)
        return f"{kind.label}: a letter" if self.made_for or kind.listed_for else self.subject

    @property
    def purpose(self) -> str:
        """The name under which its text is sealed."""
        return f"notifications.delivery:{self.public_id}"


def _made_within_sight() -> models.Q:
    """Rows for all alike, and those made for a reader who saw no more than the actor in force."""
    within = models.Q()
    services = seen_services()
    if services is not None:
        # Services are few; SQLite knows no "is contained in".
        sets = [
            list(some) for size in range(len(services) + 1) for some in combinations(sorted(services), size)
        ]
        within &= models.Q(made_for__services__in=sets)
    if not sees_limited():
        within &= models.Q(made_for__limited=False)
    if current_actor().kind == "user" and not may_name_contents():
        within &= models.Q(made_for__contents=False)
    return models.Q(made_for={}) | within if within else within
