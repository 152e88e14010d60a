"""Three thousand real mails, with all that is wrong with them: bytes served are bytes loaded."""

import hashlib
import tarfile
from base64 import b64decode
from collections import Counter
from pathlib import Path

import pytest

from apps.sandbox.testing import SandboxCloud
from tests.fixtures.sandbox import CORPUS
from tests.sandbox.client import Graph


@pytest.mark.slow
@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of real mail (../shared/corpus) is not at hand")
def test_real_mail_is_served_byte_for_byte(sandbox_cloud: SandboxCloud, tmp_path: Path) -> None:
    with tarfile.open(CORPUS) as archive:
        archive.extractall(tmp_path, filter="data")
    files = Counter(hashlib.sha256(p.read_bytes()).hexdigest() for p in tmp_path.rglob("*.txt"))
    assert sandbox_cloud.load(tmp_path, sandbox_cloud.admin, "archive") == sum(files.values())
    graph = Graph(sandbox_cloud)
    served: Counter[str] = Counter()
    for folder in graph.all("mailFolders/archive/childFolders"):
        path = f"mailFolders/{folder['id']}/messages/delta?$select=subject,from,receivedDateTime"
        items, _ = graph.delta(path, page=500)
        assert len(items) == folder["totalItemCount"]
        for start in range(0, len(items), 20):
            urls = [f"{graph.base}messages/{item['id']}/$value" for item in items[start : start + 20]]
            parts = [{"id": str(n), "method": "GET", "url": url} for n, url in enumerate(urls)]
            for answer in graph.post("/$batch", {"requests": parts})["responses"]:
                served[hashlib.sha256(b64decode(answer["body"])).hexdigest()] += 1
    assert served == files
