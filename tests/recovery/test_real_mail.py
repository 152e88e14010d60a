"""Three thousand real mails: exported byte for byte, restored into an empty mailbox as they were."""

import hashlib
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from apps.backups.models import Snapshot
from apps.backups.selectors.browse import as_of, contents, items_of_folder
from apps.backups.selectors.tree import folder_tree
from apps.connectors.microsoft import governor
from apps.connectors.microsoft.exchange.mail_compose import read_letter
from apps.jobs.models import JobItem
from apps.recovery.reading import read_stored
from apps.vault.api import open_reader
from tests.fixtures.sandbox import CORPUS
from tests.recovery.conftest import Office, as_it_was
from tests.recovery.test_export import messages_in, served
from tests.recovery.test_read_letter import CORPUS as BESIDE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_the_corpus_is_exported_byte_for_byte_and_restored_as_it_was(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = CORPUS if CORPUS.exists() else BESIDE
    if corpus is None:
        pytest.skip("the corpus of real mail is not here")
    with tarfile.open(corpus) as archive:
        archive.extractall(tmp_path / "corpus", filter="data")
    # Ours stays below Microsoft's 10,000 requests in ten minutes; this cloud has no such limit.
    monkeypatch.setattr(governor, "MAILBOX_REQUESTS", 1_000_000)
    assert office.cloud.load(tmp_path / "corpus", office.bob.remote_id) == 3000
    snapshot = office.back_up()
    office.choose(snapshot)
    assert messages_in(office.export(snapshot)) == served(office)
    office.cloud.add_user("empty@pizza-perfecto.example")
    empty = office.mailbox("empty@pizza-perfecto.example")
    job = office.restore(snapshot, "skip", empty)
    failed = list(JobItem.objects.filter(job=job, outcome="failed").values_list("label", "message")[:5])
    assert job.state == "succeeded", failed
    assert Counter((m["folder"], *as_it_was(m)) for m in office.live(empty)) == Counter(
        (m["folder"], *as_it_was(m)) for m in office.live()
    )
    assert _letters(office.back_up(empty)) == _letters(snapshot)


def _letters(snapshot: Snapshot) -> Counter[tuple[str, str, tuple[str, ...]]]:
    """Count what the messages say: Message-ID, body, and the digests of the attachments."""
    state, reader, found = as_of(snapshot), open_reader(snapshot.account_id), Counter[Any]()
    for folder in folder_tree(snapshot, state).walk():
        nodes = list(items_of_folder(state, folder.node.remote_id))
        for stored in contents(state, [node.id for node in nodes]).values():
            letter = read_letter(read_stored(reader, stored))
            attached = sorted(hashlib.sha256(each.content).hexdigest() for each in letter.attachments)
            found[letter.message_id, letter.body.replace("\r\n", "\n").rstrip(), tuple(attached)] += 1
    return found
