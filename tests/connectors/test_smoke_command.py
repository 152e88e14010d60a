"""`manage.py connectors smoke` walks through a tenant."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.sandbox.testing import SandboxCloud


def smoke(cloud: SandboxCloud, *more: str, mailbox: str | None = None) -> str:
    said = StringIO()
    app = ["--tenant", cloud.tenant_id, "--client-id", cloud.manual.client_id, "--secret-env", "SMOKE_SECRET"]
    call_command("connectors", "smoke", *app, "--mailbox", mailbox or cloud.admin, *more, stdout=said)
    return said.getvalue()


def test_it_signs_in_reads_fetches_and_writes(cloud: SandboxCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMOKE_SECRET", cloud.manual.secret)
    said = smoke(cloud, "--write", "--items", "3")
    assert "The tenant is Pizza Perfecto." in said
    assert "Fetched 3 messages" in said
    assert "6. Wrote one message" in said
    folders = [mail["folder"] for mail in cloud.export(cloud.admin)["messages"]]
    assert sum(folder.startswith("Everkeep test ") for folder in folders) == 1


def test_without_write_nothing_is_changed(cloud: SandboxCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMOKE_SECRET", cloud.manual.secret)
    before = cloud.mailbox_hash(cloud.admin)
    smoke(cloud)
    assert cloud.mailbox_hash(cloud.admin) == before


@pytest.mark.parametrize(
    ("secret", "mailbox", "words"),
    [
        ("wrong", None, "client secret is wrong"),
        ("", None, "SMOKE_SECRET is empty"),
        (None, "no@body.x", "no mailbox"),
    ],
)
def test_what_is_wrong_is_said_without_the_secret(
    cloud: SandboxCloud, monkeypatch: pytest.MonkeyPatch, secret: str | None, mailbox: str | None, words: str
) -> None:
    monkeypatch.setenv("SMOKE_SECRET", cloud.manual.secret if secret is None else secret)
    with pytest.raises(CommandError, match=words) as caught:
        smoke(cloud, mailbox=mailbox)
    assert cloud.manual.secret not in str(caught.value)
