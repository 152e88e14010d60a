"""Writes about identities at sign-in providers."""

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.activity.models import ActivityStatus
from apps.core.errors import Conflict
from apps.core.mails import mail_after_commit

from ..everywhere import audit_everywhere
from ..models import User
from ..services import account_open
from .configured import KNOWN
from .identity import Identity


def is_taken(email: str) -> bool:
    """Whether somebody signs in with this address."""
    return (
        User.objects.filter(email=email).exists()
        or EmailAddress.objects.filter(email=email, verified=True).exists()
    )


@transaction.atomic
def account_open_by_identity(
    identity: Identity, *, account_name: str, location: str, name: str, email: str
) -> User:
    """Open a trial account for somebody who signs in at a provider and has no password (features ACC-05).

    The address needs no activation when the provider has proved it. Raises IntegrityError when a person with
    this address, or with this identity, exists.
    """
    user = account_open(
        account_name=account_name, location=location, name=name, email=email, password=None,
        email_verified=identity.verified and identity.email == email,
    )  # fmt: skip
    _link(user, identity)
    return user


def identity_link(user: User, identity: Identity) -> SocialAccount:
    """Let the person sign in at this provider. Raises Conflict when the identity is somebody's already."""
    label = KNOWN[identity.provider][0]
    try:
        with transaction.atomic():
            row = _link(user, identity)
            mail_after_commit(
                "identity_linked", [user.email], link="/me/", link_words="My sign-in and security",
                provider=label, identity_email=identity.email, person=str(user),
            )  # fmt: skip
            return row
    except IntegrityError:
        mine = SocialAccount.objects.filter(provider=identity.provider, uid=identity.key, user=user).exists()
        if mine:
            raise Conflict(f"You sign in with this {label} account already.") from None
        audit_everywhere(
            "identity.refused", user=user, status=ActivityStatus.FAILED, provider=identity.provider,
            description=f"Tried to link a {label} account that somebody else signs in with",
        )  # fmt: skip
        raise Conflict(
            f"Somebody else signs in here with this {label} account.",
            do=f"Choose another one at {label}, or unlink it there first.",
        ) from None


def _link(user: User, identity: Identity) -> SocialAccount:
    row = SocialAccount.objects.create(
        user=user, provider=identity.provider, uid=identity.key, extra_data=_noted(identity)
    )
    words = f"{KNOWN[identity.provider][0]} account {identity.email}".strip()
    audit_everywhere(
        "identity.linked", user=user, description=f"{user} signs in with the {words} from now on",
        subject_id=user.public_id, provider=identity.provider,
    )  # fmt: skip
    return row


@transaction.atomic
def identity_unlink(row: SocialAccount) -> None:
    """End the sign-in with this identity. Raises Conflict when it is the person's last way in."""
    user = User.objects.select_for_update(no_key=True).get(pk=row.user_id)
    others = SocialAccount.objects.filter(user=user, provider__in=list(settings.SIGN_IN_PROVIDERS))
    if not user.has_usable_password() and not others.exclude(pk=row.pk).exists():
        raise Conflict(
            "This is your only way in, so it stays.",
            do="Set a password first, by “Forgotten?” on the sign-in page.",
        )
    label, email = KNOWN[row.provider][0], row.extra_data.get("email", "")
    words = f"{user} no longer signs in with the {label} account {email}".strip()
    SocialAccount.objects.filter(pk=row.pk).delete()
    audit_everywhere(
        "identity.unlinked", user=user, description=words, subject_id=user.public_id, provider=row.provider
    )
    mail_after_commit(
        "identity_unlinked", [user.email], link="/me/", link_words="My sign-in and security",
        provider=label, identity_email=email, person=str(user),
    )  # fmt: skip


def identity_used(row: SocialAccount, identity: Identity) -> None:
    """Note that somebody came with it, and what the provider calls them today."""
    row.extra_data, row.last_login = _noted(identity), timezone.now()
    row.save(update_fields=["extra_data", "last_login"])


def _noted(identity: Identity) -> dict[str, str]:
    return {
        "issuer": identity.issuer,
        "subject": identity.subject,
        "email": identity.email,
        "name": identity.name,
    }
