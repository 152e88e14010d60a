"""The database is gone, the machine too: a new installation takes the vault over and goes on.

Real processes, databases of their own, one store, the sandbox as the cloud.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.core.sealing import new_master_key
from apps.sandbox.testing import SandboxCloud
from apps.vault.store.backends.local import LocalStore
from apps.vault.store.marker import ensure_marker
from tests.backups import adopt_orders
from tests.warm_worker import WarmWorker

ORDERS = "tests.backups.adopt_orders:"
OWNER = ["--owner", "olivia@pizza-perfecto.example"]


class Lost:
    """What is left of an installation with three days of backups: its store, and what was in it."""

    def __init__(self, folder: Path, cloud: SandboxCloud) -> None:
        self.folder, self.cloud = folder, cloud
        self.store = f"file://{folder}/vault"
        self.master_key = new_master_key()
        with self.installation("old") as old:
            old.order(
                "prepare",
                mailbox=cloud.admin,
                tenant=cloud.tenant_id,
                client=cloud.manual.client_id,
                secret=cloud.manual.secret,
            )
            for day in range(3):
                assert old.order("backup", minutes=day * 5).answer["verdict"] == "success"
                cloud.advance(1)
            assert old.order("backup", minutes=30).answer["verdict"] == "success"
            self.recovery_key = old.order(ORDERS + "recovery_key").answer
            self.exported = old.order(ORDERS + "export").answer
            self.states = [old.order("state", number=number).answer for number in range(1, 5)]
        assert len(self.exported) == len(cloud.export(cloud.admin)["messages"])

    def installation(self, name: str, *, store: str = "", master_key: str = "") -> WarmWorker:
        return WarmWorker(
            self.folder / name,
            self.cloud.url,
            EVERKEEP_MASTER_KEYS=master_key or self.master_key,
            EVERKEEP_VAULT_URL=store or self.store,
        )

    def claim(self, worker: WarmWorker, refused: str) -> None:
        """Do what the refusal says: the old installation is gone for good."""
        command = re.search(r"manage\.py vault claim (.+?)\. While", refused)
        assert command, refused
        said = worker.order(ORDERS + "claim", arguments=command[1].split()).answer
        assert "belongs to this installation now" in said

    def reconnect(self, worker: WarmWorker) -> None:
        manual = self.cloud.manual
        worker.order(ORDERS + "reconnect", client=manual.client_id, secret=manual.secret)


@pytest.fixture
def lost(sandbox_cloud: SandboxCloud, tmp_path: Path) -> Iterator[Lost]:
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    yield Lost(tmp_path, sandbox_cloud)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_new_installation_with_the_master_key_takes_the_vault_over_and_goes_on(lost: Lost) -> None:
    with lost.installation("new") as new:
        new.order(ORDERS + "migrate")
        refused = new.order(ORDERS + "adopt", arguments=["--store", lost.store, *OWNER]).answer
        assert refused.startswith("REFUSED These backups belong to another installation of Everkeep"), refused
        lost.claim(new, refused)
        said = new.order(ORDERS + "adopt", arguments=["--store", lost.store, *OWNER]).answer
        assert "4 backups of 1 lists brought back" in said and "Nothing is missing." in said, said
        found = new.order(ORDERS + "look").answer
        assert found["owners"] == ["olivia@pizza-perfecto.example"]
        assert (found["connection"], found["snapshots"]) == ("disconnected", [1, 2, 3, 4])
        assert found["entity"][:2] == ["active", lost.cloud.admin]

        assert [new.order("state", number=number).answer for number in range(1, 5)] == lost.states
        assert new.order(ORDERS + "export").answer == lost.exported

        refused = new.order("backup", minutes=60).answer
        assert refused["verdict"] == "failed" and "Reconnect this connection" in refused["message"]
        lost.reconnect(new)
        done = new.order("backup", minutes=120).answer
        assert (done["verdict"], done["stored"]) == ("success", 0), (
            "nothing has changed, nothing is stored anew"
        )
        after = new.order(ORDERS + "look").answer
        assert (after["connection"], after["packs"]) == ("connected", found["packs"])
        lost.cloud.advance(1)
        assert new.order("backup", minutes=180).answer["verdict"] == "success"
        live = lost.cloud.export(lost.cloud.admin)["messages"]
        assert {mail[3] for mail in new.order("state", number=6).answer["mails"]} == {m["sha256"] for m in live}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_with_the_owners_recovery_key_no_master_key_of_before_is_needed(lost: Lost) -> None:
    (key_file := lost.folder / "key.txt").write_text(lost.recovery_key.lower() + "\n")
    with lost.installation("new", master_key=new_master_key(), store=f"file://{lost.folder}/second") as new:
        new.order(ORDERS + "migrate")
        new.order(ORDERS + "strangers")
        arguments = ["--store", lost.store, *OWNER]
        refused = new.order(ORDERS + "adopt", arguments=arguments).answer
        assert refused.startswith("REFUSED No key that is known here opens vault"), refused
        lost.claim(
            new, new.order(ORDERS + "adopt", arguments=[*arguments, "--recovery-key", str(key_file)]).answer
        )
        said = new.order(ORDERS + "adopt", arguments=[*arguments, "--recovery-key", str(key_file)]).answer
        assert "Nothing is missing." in said, said
        assert new.order(ORDERS + "export").answer == lost.exported
        again = new.order(ORDERS + "adopt", arguments=arguments).answer
        assert again.startswith("REFUSED The account of this vault is here already."), again
        lost.reconnect(new)
        assert new.order("backup", minutes=120).answer["verdict"] == "success"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_another_number_of_the_account_harms_neither_reading_nor_rotation(lost: Lost) -> None:
    with lost.installation("new") as new:
        new.order(ORDERS + "migrate")
        new.order(ORDERS + "strangers")
        lost.claim(new, new.order(ORDERS + "adopt", arguments=["--store", lost.store, *OWNER]).answer)
        said = new.order(ORDERS + "adopt", arguments=["--store", lost.store, *OWNER]).answer
        assert "Nothing is missing." in said, said
        assert new.order(ORDERS + "rewrap").answer == 0
        assert new.order("state", number=4).answer == lost.states[3]
    with lost.installation("new", master_key=f"{new_master_key()},{lost.master_key}") as new:
        assert new.order(ORDERS + "rewrap").answer == 1
        assert new.order("state", number=4).answer == lost.states[3]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--store", "file:///nowhere/at/all", *OWNER], "its marker is missing"),
        (["--store", "ftp://example.org", *OWNER], "is not one"),
        (["--store", "{store}", "--owner", "nobody"], "owner's address is not one"),
        (["--store", "{store}", *OWNER, "--recovery-key", "/nowhere"], "cannot be read"),
        (["--store", "{store}", *OWNER], "There is no vault in this store"),
    ],
)
def test_what_cannot_be_adopted_is_refused_in_words(
    transactional_db: None, tmp_path: Path, arguments: list[str], words: str
) -> None:

    ensure_marker(LocalStore(tmp_path))
    said = adopt_orders.adopt(arguments=[each.replace("{store}", f"file://{tmp_path}") for each in arguments])
    assert said.startswith("REFUSED") and words in said, said
