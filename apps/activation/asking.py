"""The mail of a rule that asks before it deletes."""

from apps.accounts.selectors import administrators
from apps.backups.selectors import nouns_of
from apps.core.mails import mail_after_commit

from .models import Rule


def tell_asks(rule: Rule, count: int) -> None:
    """To all administrators: a rule waits for one of them."""
    mail_after_commit(
        "rule_asks",
        administrators(rule.account_id),
        rule=rule.name,
        task=rule.task.name,
        count=nouns_of(rule.task.service).count(count),
        link=f"/activation/{rule.public_id}/",
        link_words="Look at the rule",
    )
