"""The mail to every administrator about what lets backups go sooner, or at all."""

from apps.accounts.models import Account
from apps.accounts.selectors import administrators
from apps.core.actor import current_actor
from apps.core.mails import mail_after_commit
from apps.core.scope import current_account_id

from .retention.marking import GRACE


def tell_less_protected(what: str, words: str, *, link: str, link_words: str) -> None:
    """Say what was changed, by whom, and that it can be changed back for a week."""
    account_id = current_account_id()
    mail_after_commit(
        "less_protected",
        administrators(account_id),
        what=what,
        words=words,
        who=current_actor().label,
        account=Account.objects.get(pk=account_id).name,
        days=GRACE.days,
        link=link,
        link_words=link_words,
    )
