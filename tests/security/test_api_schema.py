"""The API keeps what its schema promises, asked by a program that tries everything."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.core.scope import account_scope
from tests.accounts.test_tokens import new_token
from tests.backups.makers import make_connection, make_mailbox, make_run, make_task
from tests.cast import make_cast
from tests.jobs.conftest import new_job

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "ignored_auth"
)
NONSENSE = ["{", "[]", '"x"', "{}", '{"action": "destroy"}', '{"action": "pause", "all": 1, "x"']


@pytest.mark.server
@pytest.mark.django_db(transaction=True)
def test_nothing_that_the_schema_allows_breaks_the_api(
    live_server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for throttle in ("TokenThrottle", "AddressThrottle"):
        monkeypatch.setattr(f"apps.core.rest.{throttle}.rate", "100000/min", raising=False)
    cast = make_cast()
    with account_scope(cast.account.pk):
        run = make_run(make_mailbox(make_task(make_connection(cast.account)), "Bob Smith"))
    job = new_job(cast.owner)
    ids = {"task_id": run.entity.task, "entity_id": run.entity, "run_id": run, "job_id": job}
    ids["user_id"] = cast.viewer.memberships.get()
    # Half of what is asked for is there.
    parameters = "".join(f'"path.{name}" = "{row.public_id}"\n' for name, row in ids.items())
    config = tmp_path / "schemathesis.toml"
    config.write_text(f"[parameters]\n{parameters}")
    command = [
        str(Path(sys.executable).parent / "schemathesis"), f"--config-file={config}", "run",
        f"{live_server.url}{reverse('api_schema')}", "--url", live_server.url,
        "-H", f"Authorization: Token {new_token(cast.owner)}",
        "--checks", CHECKS, "--phases", "coverage,fuzzing", "-n", "3", "--seed", "1", "--no-color",
        "--max-response-time", "60",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=200, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


def test_every_answer_of_a_list_leads_to_its_next_page(client: Client, cast: Any, settings: Any) -> None:
    settings.PORTAL_URL = "https://backup.example"
    with account_scope(cast.account.pk):
        task = make_task(make_connection(cast.account))
        for number in range(51):
            make_mailbox(task, f"Mailbox {number:02}")
    client.force_login(cast.viewer)
    address = reverse("api_entities", args=[task.public_id])
    first = client.get(address, {"q": "Mailbox"}).json()
    assert len(first["items"]) == 50
    assert first["next"].startswith(f"https://backup.example{address}?q=Mailbox&after=")
    rest = client.get(first["next"].removeprefix("https://backup.example")).json()
    assert [item["name"] for item in rest["items"]] == ["Mailbox 50"]
    assert rest["next"] is None


@pytest.mark.parametrize("body", NONSENSE)
def test_what_makes_no_sense_is_refused_in_words(client: Client, cast: Any, body: str) -> None:
    with account_scope(cast.account.pk):
        task = make_task(make_connection(cast.account))
    client.force_login(cast.operator)
    answer = client.post(reverse("api_task_act", args=[task.public_id]), body, content_type="application/json")
    assert answer.status_code == 400
    assert set(json.loads(answer.content)) == {"code", "detail", "do"}


def test_an_address_that_the_api_has_not_is_answered_in_its_own_shape(client: Client, db: None) -> None:
    answer = client.get("/api/v1/no/such/thing")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
