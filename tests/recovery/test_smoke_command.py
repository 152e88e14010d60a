"""`manage.py smoke` walks the whole main job against a tenant."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.sandbox.testing import SandboxCloud

pytestmark = pytest.mark.django_db(transaction=True)


def smoke(cloud: SandboxCloud, mailbox: str) -> str:
    said = StringIO()
    app = ["--tenant", cloud.tenant_id, "--client-id", cloud.manual.client_id, "--secret-env", "SMOKE_SECRET"]
    call_command("smoke", *app, "--mailbox", mailbox, "--items", "3", stdout=said)
    return said.getvalue()


def test_a_mailbox_is_backed_up_and_its_newest_messages_come_back_into_a_new_folder(
    cloud: SandboxCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMOKE_SECRET", cloud.manual.secret)
    before = cloud.export(cloud.admin)["messages"]
    said = smoke(cloud, cloud.admin)
    assert "3. Backed up: Success." in said
    assert "3 restored and read back, 0 failed" in said
    after = cloud.export(cloud.admin)["messages"]
    restored = [mail for mail in after if "Restored " in mail["folder"]]
    assert len(restored) == 3 and len(after) == len(before) + 3
    assert not any(mail["isDraft"] for mail in restored)


def test_a_wrong_secret_is_said_in_words(cloud: SandboxCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMOKE_SECRET", "wrong")
    with pytest.raises(CommandError, match="client secret is wrong"):
        smoke(cloud, cloud.admin)
