"""Mail domains that an account has shown to be its own, by a file on the domain's web server.

Only for addresses of such domains are users made automatically, and only such a domain leads from an address
to a company's sign-in.
"""

import re
import secrets
from collections.abc import Sequence
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction

from apps.activity.audit import audit
from apps.core import clock
from apps.core.errors import Conflict, InvalidRequest, NotFound
from apps.core.public_web import fetch, networks
from apps.core.scope import current_account_id

from ..models import CompanyDomain

PATH: Final = "/.well-known/everkeep.txt"
MOST_DOMAINS: Final = 50
_NAME: Final = re.compile(r"(?=.{4,253}$)([a-z0-9](-?[a-z0-9])*\.)+[a-z]{2,63}")


def domains_here() -> Sequence[CompanyDomain]:
    """The domains of the account in force."""
    return list(CompanyDomain.objects.filter(account_id=current_account_id()).order_by("domain"))


@transaction.atomic
def domain_add(text: str) -> CompanyDomain:
    """Note a domain that is to be proved. Raises InvalidRequest, Conflict."""
    name = text.strip().lower().removeprefix("@")
    if not _NAME.fullmatch(name):
        raise InvalidRequest("This is not a mail domain.", do="Write it like example.com.")
    if len(domains_here()) >= MOST_DOMAINS:
        raise Conflict("There are too many domains already.", do="Remove one first.")
    row, is_new = CompanyDomain.objects.get_or_create(
        account_id=current_account_id(), domain=name, defaults={"token": secrets.token_urlsafe(24)}
    )
    if is_new:
        audit("saml.domain_added", description=f"Began to prove the domain {name}")
    return row


def domain_prove(pk: int) -> CompanyDomain:
    """Look for our word on the domain's web server. Raises Conflict, InvalidRequest, Unavailable, NotFound."""
    row = _domain(pk)
    private = networks(settings.SAML_PRIVATE_NETWORKS)
    found = fetch(f"https://{row.domain}{PATH}", most_bytes=4096, private=private)
    if row.token not in found.decode("utf-8", "replace").split():
        raise Conflict(
            f"The file at {row.domain} does not hold our word.", do="Check the file, then try again."
        )
    try:
        with transaction.atomic():
            row.verified_at = clock.now()
            row.save(update_fields=["verified_at"])
            audit("saml.domain_proved", description=f"Proved the domain {row.domain}")
    except IntegrityError as error:
        raise Conflict(
            f"{row.domain} was proved by another account.", do="Remove it there first, or ask support."
        ) from error
    return row


@transaction.atomic
def domain_remove(pk: int) -> None:
    """Forget a domain. Raises NotFound."""
    row = _domain(pk)
    row.delete()
    audit("saml.domain_removed", description=f"Removed the domain {row.domain}")


def _domain(pk: int) -> CompanyDomain:
    row = CompanyDomain.objects.filter(account_id=current_account_id(), pk=pk).first()
    if row is None:
        raise NotFound("There is no such domain.")
    return row
