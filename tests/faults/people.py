"""What people do to their mailboxes in the sandbox cloud, as Graph lets them."""

from urllib.request import Request, urlopen

from apps.sandbox.testing import SandboxCloud


def destroy_mail(cloud: SandboxCloud, mailbox: str, mail_id: str) -> None:
    """Delete a mail for good: not even Recoverable Items have it any more."""
    request = Request(
        f"{cloud.url}/v1.0/users/{mailbox}/messages/{mail_id}/permanentDelete",
        b"",
        headers={"Authorization": f"Bearer {cloud.token()}"},
    )
    with urlopen(request, timeout=60) as answer:
        assert answer.status == 204
