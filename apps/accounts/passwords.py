"""Passwords: what is refused (AUTH_PASSWORD_VALIDATORS), what is remembered, changing one's own."""

import hashlib
import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

from allauth.account.signals import password_changed
from django.conf import settings
from django.contrib.auth import password_validation, update_session_auth_hash
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.db import transaction

from apps.core import clock

from .factors.codes import tries_forget
from .factors.notices import mail_person
from .http import MemberRequest
from .models import PastPassword, User

logger = logging.getLogger("everkeep.accounts")
REMEMBERED = 5


class BreachedPasswordValidator:
    """Refuses what stands in the operator's list of leaked passwords (EVERKEEP_BREACHED_PASSWORDS). No network.

    The list has one SHA-1 a line in rising order, as haveibeenpwned.com gives it out: `HASH:count`.
    """

    def validate(self, password: str, user: User | None = None) -> None:
        """Raises ValidationError."""
        path = settings.BREACHED_PASSWORDS
        if path and is_listed(Path(path), password):
            raise ValidationError(
                "This password is known from a theft of data elsewhere. Choose another one.", code="breached"
            )

    def get_help_text(self) -> str:
        return "Not a password that was stolen elsewhere."


class ReusedPasswordValidator:
    """Refuses the REMEMBERED newest passwords of this person, and remembers each new one."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raises ValidationError."""
        if user is None or user.pk is None:
            return
        newest = PastPassword.objects.filter(user=user).order_by("-id").values_list("hashed", flat=True)
        if any(check_password(password, hashed) for hashed in newest[:REMEMBERED]):
            raise ValidationError(
                f"You had this password before. Choose one that is not among your last {REMEMBERED}.",
                code="reused",
            )

    def password_changed(self, password: str, user: User | None = None) -> None:
        """Called by Django once a new password is saved, by whichever way it was set."""
        if user is None or user.pk is None:
            return
        with transaction.atomic():
            PastPassword.objects.create(user=user, hashed=user.password)
            old = PastPassword.objects.filter(user=user).order_by("-id").values_list("id", flat=True)
            PastPassword.objects.filter(id__in=list(old[REMEMBERED:])).delete()
            user.password_changed_at = clock.now()
            User.objects.filter(pk=user.pk).update(password_changed_at=user.password_changed_at)
            tries_forget(user)

    def get_help_text(self) -> str:
        return f"Not one of your last {REMEMBERED} passwords."


def is_listed(path: Path, password: str) -> bool:
    """Whether the sorted file of SHA-1 hashes names `password`; a few dozen short reads, however large."""
    wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode("ascii")
    try:
        with path.open("rb") as file:
            low, high = 0, file.seek(0, 2)
            while low < high:
                middle = (low + high) // 2
                line = _line_from(file, middle)
                if line and line[: len(wanted)].upper() < wanted:
                    low = middle + 1
                else:
                    high = middle
            return _line_from(file, low)[: len(wanted)].upper() == wanted
    except OSError:
        # A list that went missing must not keep people from setting a password; the operator is told.
        logger.exception("the list of breached passwords cannot be read")
        return False


def _line_from(file: Any, position: int) -> bytes:
    """The first whole line that begins at `position` or after it; empty at the end."""
    file.seek(max(position - 1, 0))
    if position:
        file.readline()
    return bytes(file.readline())


def is_too_old(user: User, days: int | None) -> bool:
    """Whether the account's limit of `days` has passed since the password was set."""
    if not days or not user.has_usable_password():
        return False
    since = user.password_changed_at or user.date_joined
    return clock.now() - since > timedelta(days=days)


@transaction.atomic
def password_change(request: MemberRequest, new: str) -> None:
    """Set it, keep this session, end all others: their hash of the password no longer fits."""
    user = request.user
    user.set_password(new)
    user.save(update_fields=["password"])
    update_session_auth_hash(request, user)
    password_changed.send(sender=User, request=request, user=user)
    mail_person(user, what="Your password was changed", more="All other devices were signed out.")


def password_problems(password: str, user: User) -> list[str]:
    """Why this password cannot be taken; empty when it can."""
    try:
        password_validation.validate_password(password, user)
    except ValidationError as error:
        return list(error.messages)
    return []
