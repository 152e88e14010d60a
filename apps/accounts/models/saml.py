"""Company sign-in (SAML): the identity provider of an account, and what it has said so far."""

from typing import Any

from django.db import models

from apps.core import clock
from apps.core.models import AccountModel

from ..enums import Role
from .account import Account


class SamlProvider(AccountModel):
    """One row an account. `live` signs people in; `draft` waits for its test (docs/company-sign-in.md).

    Both hold what `saml.metadata.Config` reads: parsed, never the provider's own XML.
    """

    live = models.JSONField(null=True, blank=True)
    draft = models.JSONField(null=True, blank=True)
    # Whose test sign-in with this very draft succeeded, and when.
    draft_tested_by = models.BigIntegerField(null=True, blank=True)
    draft_tested_at = models.DateTimeField(null=True, blank=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    ask_second_factor = models.BooleanField(default=False)
    create_people = models.BooleanField(default=False)
    default_role = models.CharField(max_length=20, choices=Role, default=Role.AUDITOR)
    refreshed_at = models.DateTimeField(null=True, blank=True)
    refresh_error = models.CharField(max_length=300, blank=True)
    # The last warning about the end of the certificate said so many days.
    warned_days = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        db_table = "saml_provider"
        constraints = [models.UniqueConstraint(fields=["account"], name="saml_provider_once")]

    @property
    def is_active(self) -> bool:
        return self.live is not None


class SamlArrival(AccountModel):
    """An assertion that was good, kept so that it is good once only; its person comes for it with a token."""

    assertion_id = models.CharField(max_length=255)
    token_digest = models.CharField(max_length=64, unique=True)
    in_response_to = models.CharField(max_length=255, blank=True)
    address = models.EmailField()
    person_name = models.CharField(max_length=200, blank=True)
    authenticated_at = models.DateTimeField()
    session_until = models.DateTimeField(null=True, blank=True)
    by_live = models.BooleanField()
    # Which draft judged it good (`metadata.digest_of`); empty when none did.
    draft_digest = models.CharField(max_length=64, blank=True)
    finish_before = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    # As long as the provider's own words would let the assertion be used again.
    remember_until = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "saml_arrival"
        constraints = [
            models.UniqueConstraint(fields=["account", "assertion_id"], name="saml_arrival_once"),
        ]


class CompanyDomain(models.Model):
    """A mail domain that an account has shown to be its own. Read before a scope exists, hence not scoped."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    domain = models.CharField(max_length=253)
    token = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=clock.now)
    verified_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "company_domain"
        constraints = [
            models.UniqueConstraint(fields=["account", "domain"], name="company_domain_once"),
            models.UniqueConstraint(
                fields=["domain"],
                condition=models.Q(verified_at__isnull=False),
                name="company_domain_one_owner",
            ),
        ]

    def __str__(self) -> str:
        return self.domain

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.domain = self.domain.lower()
        super().save(*args, **kwargs)
