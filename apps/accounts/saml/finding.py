"""From a mail address to a company's sign-in, telling nobody who has an account here."""

from datetime import timedelta
from typing import Final

from apps.core.mails import mail_after_commit
from apps.core.scope import account_scope

from ..limits import Limit, take
from ..models import Account, CompanyDomain, Membership
from .provider import sign_in_url
from .services import provider_in_use

MAILS: Final = Limit("saml.mail", 3, timedelta(minutes=10))


def company_domain_of(email: str) -> Account | None:
    """The account that proved the domain of this address and signs its people in; who has it is not read."""
    rows = CompanyDomain.objects.select_related("account").filter(
        domain=email.rpartition("@")[2], verified_at__isnull=False
    )
    found = rows.first()
    return found.account if found and _in_use(found.account) else None


def mail_links(email: str) -> None:
    """Mail the sign-in links of this address, or that it has none: from outside both look and cost the same."""
    if not take(MAILS, email):
        return
    memberships = Membership.objects.select_related("account").filter(
        user__email=email, user__is_active=True, is_active=True, is_owner=False
    )
    accounts = [row.account for row in memberships if _in_use(row.account)]
    if not accounts:
        mail_after_commit("saml_no_link", [email])
    for account in accounts:
        link = sign_in_url(account.public_id)
        mail_after_commit("saml_link", [email], link=link, link_words="Sign in", account=account.name)


def _in_use(account: Account) -> bool:
    with account_scope(account.pk):
        return provider_in_use() is not None
