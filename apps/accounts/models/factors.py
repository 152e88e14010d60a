"""What a person proves themselves with, and which passwords they had. Rows of a person, of no account."""

from typing import Any, ClassVar

from django.db import models
from django_otp.models import Device, DeviceManager
from django_otp.oath import TOTP

from apps.core import clock, sealing

from .people import User

# Sealed values are bound to an account; those of a person belong to none, and accounts begin at 1.
NO_ACCOUNT = 0


class TotpDevice(Device):  # type: ignore[misc]
    """An authenticator app: the key that it shares with us, and the newest code that was accepted.

    django-otp's own model keeps the key in plain text. Tries are limited by `factors.codes`, not here: growing
    waits of the device itself would let somebody who knows the password keep its owner out for weeks.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    sealed_key = models.BinaryField()
    last_step = models.BigIntegerField(default=-1)
    created_at = models.DateTimeField(default=clock.now)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager["TotpDevice"]] = DeviceManager()

    class Meta:
        db_table = "totp_device"
        constraints = [models.UniqueConstraint(fields=["user", "confirmed"], name="totp_device_once")]

    @property
    def purpose(self) -> str:
        """What the key is sealed for."""
        return f"user.totp:{self.user.public_id}"

    @property
    def key(self) -> bytes:
        """The shared key, unsealed."""
        return sealing.unseal(account_id=NO_ACCOUNT, purpose=self.purpose, sealed=bytes(self.sealed_key))

    def seal(self, key: bytes) -> None:
        """Keep `key`, sealed for this person."""
        self.sealed_key = sealing.seal(account_id=NO_ACCOUNT, purpose=self.purpose, plaintext=key)

    def verify_token(self, token: Any) -> bool:
        """Accept a code of now, half a minute before or after, once. The row must be locked."""
        digits = str(token).replace(" ", "")
        if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
            return False
        now = clock.now()
        totp = TOTP(self.key)
        totp.time = now.timestamp()
        if not totp.verify(int(digits), tolerance=1, min_t=self.last_step + 1):
            return False
        self.last_step, self.last_used_at = totp.t(), now
        self.save(update_fields=["last_step", "last_used_at"])
        return True


class RecoveryCode(models.Model):
    """One of the codes for who lost the app: 80 random bits, of which we keep a hash alone."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    hashed = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "recovery_code"
        constraints = [models.UniqueConstraint(fields=["user", "hashed"], name="recovery_code_once")]

    def __str__(self) -> str:
        return f"Recovery code of {self.user}"


class PastPassword(models.Model):
    """The hash of a password that a person has or had, so that it is not taken again."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    hashed = models.CharField(max_length=256)
    set_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "past_password"

    def __str__(self) -> str:
        return f"Password of {self.user}, set {self.set_at:%Y-%m-%d}"
