"""One way to write a mail: a text whose first line is the subject; the HTML is the same text in our frame."""

import logging
from collections.abc import Iterable
from contextlib import ExitStack
from functools import partial
from smtplib import SMTPException
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string

from .scope import ScopeMissing, account_scope, current_account_id

logger = logging.getLogger("everkeep.mails")


class Listener(Protocol):
    """Knows of each mail in an account's name, in its scope. `service` and `entity_id` are what it names."""

    def __call__(
        self, name: str, subject: str, to: str, *, is_sent: bool, service: str, entity_id: UUID | None
    ) -> None: ...


class Keeper(Protocol):
    """Keeps a mail in the account's name whose first try failed, in its scope, and sends it later.

    `words`: subject, body, link and link_words. `service` and `entity_id` are what it names.
    """

    def __call__(
        self, name: str, to: str, words: dict[str, str], *, service: str, entity_id: UUID | None
    ) -> None: ...


_listeners: list[Listener] = []
_keepers: list[Keeper] = []


def register_mail_listener(listener: Listener) -> None:
    """Let `listener` know of each mail in an account's name."""
    _listeners.append(listener)


def register_mail_keeper(keeper: Keeper) -> None:
    """Set who sends later what could not go out. Called in `ready()`."""
    _keepers[:] = [keeper]


def mail_after_commit(
    name: str,
    to: Iterable[str],
    *,
    link: str = "",
    link_words: str = "",
    secret: Any = False,  # a bool, a Callable[[], None], a str, a UUID: callers spread words of any kind,
    sent: Any = None,  # which a checker would try on them
    service: Any = "",
    entity_id: Any = None,
    **context: Any,
) -> None:
    """Send `templates/mails/<name>.txt` to each address by itself, once what it tells is durable.

    `link` (a path or a whole address) becomes a button in the HTML and a line in the text. A mail that cannot
    go out is logged with its name, what it tells has happened all the same, and in an account's name it is kept
    and tried again; one with a `secret` (a link that lets somebody in) is not, so that no row holds it.
    `sent` is called when at least one of them went out, or there is nobody to write to: for what must not
    happen before somebody knew of it. Who gives it writes again by themselves: those are not kept either.
    `service` and `entity_id`: what the subject names, which stands in the audit, for who may see that.
    """
    address = link if "://" in link else f"{settings.PORTAL_URL}{link}" if link else ""
    subject, _, body = render_to_string(f"mails/{name}.txt", context).strip().partition("\n")
    # Names that people chose stand in it: with a line break in one, no mail server would get any of it.
    subject = " ".join(subject.split())
    words = {"subject": subject, "body": body.strip(), "link": address, "link_words": link_words}
    try:
        account_id = current_account_id()
    except ScopeMissing:
        account_id = None
    addresses, gone = list(to), list[str]()
    keeps = not secret and sent is None

    def send(one: str) -> None:
        if _send_for(account_id, name, one, words, keeps=keeps, service=service, entity_id=entity_id):
            gone.append(one)

    for one in addresses:
        transaction.on_commit(partial(send, one))
    if sent:
        transaction.on_commit(lambda: sent() if gone or not addresses else None)


def plain_name(name: str) -> str:
    """A name that carries no web address: the mail goes to people who have not asked for it."""
    return " ".join("".join(c for c in name if c not in "/:<>@").replace("www.", "").replace(".", " ").split())


def note_mail(
    name: str,
    subject: str,
    to: str,
    *,
    is_sent: bool = True,
    service: str = "",
    entity_id: UUID | None = None,
) -> None:
    """Tell all listeners of a mail that went out, or did not, in the name of the account in force.

    `service` and `entity_id`: what the subject names, so that nobody reads of it who may not see it.
    """
    for listener in _listeners:
        listener(name, subject, to, is_sent=is_sent, service=service, entity_id=entity_id)


def _send_for(
    account_id: int | None,
    name: str,
    to: str,
    words: dict[str, str],
    *,
    keeps: bool,
    service: str,
    entity_id: UUID | None,
) -> bool:
    is_sent = _send(name, to, words)
    with ExitStack() as stack:
        if account_id is not None:
            stack.enter_context(account_scope(account_id))
            note_mail(name, words["subject"], to, is_sent=is_sent, service=service, entity_id=entity_id)
            for keeper in _keepers if keeps and not is_sent else ():
                keeper(name, to, words, service=service, entity_id=entity_id)
    return is_sent


def _send(name: str, to: str, words: dict[str, str]) -> bool:
    text = words["body"] + (f"\n\n{words['link_words']}:\n{words['link']}" if words["link"] else "")
    mail = EmailMultiAlternatives(words["subject"], f"{text}\n\nEverkeep\n", settings.DEFAULT_FROM_EMAIL, [to])
    mail.attach_alternative(render_to_string("mails/frame.html", words), "text/html")
    try:
        mail.send()
    except (SMTPException, OSError):
        logger.exception("mail %s was not sent", name)
        return False
    return True
