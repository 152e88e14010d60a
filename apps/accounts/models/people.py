"""People who sign in, and what they may do in which account."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from apps.core import clock
from apps.core.ids import new_public_id

from ..enums import ROLE_PERMISSIONS, Role
from .account import Account


class UserManager(BaseUserManager["User"]):
    """Creates users by e-mail address, compared without case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser):
    """A person. What they may do is said by their memberships, never here."""

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    # Came by an invitation: goes with the last account that let them in.
    by_invitation = models.BooleanField(default=False)
    date_joined = models.DateTimeField(default=clock.now)
    # Runs Everkeep itself; given by `manage.py accounts staff` alone. Opens no account (guests.py).
    is_platform_staff = models.BooleanField(default=False)
    password_changed_at = models.DateTimeField(null=True, blank=True)
    prefers_rows = models.BooleanField(default=False)  # how the home page lists backup tasks: rows, or cards

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        db_table = "user"

    def __str__(self) -> str:
        return self.name or self.email


class Membership(models.Model):
    """What one person may do in one account. Read before a scope exists, hence not an AccountModel."""

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role)
    # Of the role Custom all there are; of another role at most LIMITED_ACCESS (features TAG-02).
    extra_permissions = models.JSONField(default=list, blank=True)
    # Values of connectors' Service; None is all, also future ones (features USR-05).
    services = models.JSONField(null=True, blank=True)
    # Off in this account only: the person may belong to others, of which nobody here learns.
    is_active = models.BooleanField(default=True)
    last_seen_at = models.DateTimeField(null=True)
    # Who opened the account (features USR-08, the primary user): a few things concern no other administrator.
    is_owner = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now)
    # Since when nobody gave or changed these rights: who was let in a moment ago approves nothing (approvals/).
    standing_since = models.DateTimeField(default=clock.now)
    via = ""  # of a guest: whom they come from (guests.GuestMembership)

    class Meta:
        db_table = "membership"
        constraints = [
            models.UniqueConstraint(fields=["account", "user"], name="membership_once"),
            models.UniqueConstraint(
                fields=["account"], condition=models.Q(is_owner=True), name="membership_one_owner"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.account}"

    @property
    def permissions(self) -> frozenset[str]:
        return ROLE_PERMISSIONS[self.role] | frozenset(self.extra_permissions)

    @property
    def seen_services(self) -> frozenset[str] | None:
        """What `Actor.services` holds for this person."""
        return None if self.services is None else frozenset(self.services)


class Invitation(models.Model):
    """Somebody who may join an account until `expires_at`, by the link that was mailed to `email`.

    Read by who is signed in nowhere yet, hence not an AccountModel. Of the link only a hash is kept. Whether
    the address has a login already is not asked before the link is followed.
    """

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=20, choices=Role)
    extra_permissions = models.JSONField(default=list, blank=True)
    services = models.JSONField(null=True, blank=True)
    # A partner hands the account over: who accepts owns it (members/invitations.py).
    is_owner = models.BooleanField(default=False)
    token_hash = models.CharField(max_length=64, unique=True)
    # Who takes it up must still be given it by somebody who holds it; None is the system.
    inviter = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    inviter_label = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()

    class Meta:
        db_table = "invitation"
        constraints = [models.UniqueConstraint(fields=["account", "email"], name="invitation_once")]

    def __str__(self) -> str:
        return self.email

    @property
    def is_open(self) -> bool:
        return self.expires_at > clock.now()
