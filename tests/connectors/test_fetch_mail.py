"""Fetching answers every id exactly once: with the exact bytes, or with why not."""

import hashlib

import pytest

from apps.connectors.base import Fetched, FetchProblem
from apps.connectors.enums import SkipCause
from apps.connectors.microsoft.auth import AppIdentity
from apps.connectors.microsoft.client import GraphClient
from apps.connectors.microsoft.connector import MicrosoftConnector
from apps.connectors.microsoft.exchange import mail_fetch
from apps.core.errors import ConsentLost, Gone
from apps.sandbox.testing import SandboxCloud

from .reading import Reader

BOB = "bob.smith@pizza-perfecto.example"


@pytest.fixture
async def reader(cloud: SandboxCloud, identity: AppIdentity) -> Reader:
    cloud.reset(users=4, messages=200)
    return await Reader(identity, BOB).read()


def content_of(answer: Fetched | FetchProblem) -> bytes:
    assert isinstance(answer, Fetched), answer
    return answer.content


def large_mail(size: int) -> bytes:
    return b"Subject: large\r\nFrom: a@x.example\r\n\r\n" + (b"x" * 75 + b"\r\n") * (size // 77)


async def test_every_mail_comes_byte_for_byte(cloud: SandboxCloud, reader: Reader) -> None:
    truth = {mail["id"]: mail for mail in cloud.export(BOB)["messages"]}
    answers = await reader.fetch()
    assert len(answers) > 20
    for remote_id, answer in answers.items():
        assert hashlib.sha256(content_of(answer)).hexdigest() == truth[remote_id]["sha256"]


async def test_twenty_mails_cost_one_request(cloud: SandboxCloud, reader: Reader) -> None:
    wanted = list(reader.mails)[:30]
    async with MicrosoftConnector(reader.identity) as connector:
        answers = [each async for each in connector.fetch(reader.entity, "mail", wanted)]
        assert connector.counter.calls == 2
    assert len(answers) == 30


async def test_an_id_asked_for_twice_is_answered_once(reader: Reader) -> None:
    one = next(iter(reader.mails))
    async with MicrosoftConnector(reader.identity) as connector:
        answers = [each async for each in connector.fetch(reader.entity, "mail", [one, one])]
    assert [each.remote_id for each in answers] == [one]


@pytest.mark.parametrize(
    ("kind", "options", "cause", "code"),
    [
        ("gone", {}, SkipCause.GONE, "ErrorItemNotFound"),
        ("malware", {}, SkipCause.MALWARE, "malwareDetected"),
        ("malware", {}, SkipCause.MALWARE, "accessDenied"),
        ("corrupt", {}, SkipCause.CORRUPT, "ErrorCorruptData"),
        ("error", {"status": 400}, SkipCause.CORRUPT, "ErrorInvalidRecipients"),
        ("error", {"status": 500}, SkipCause.CORRUPT, "ErrorCannotOpenFileAttachment"),
    ],
)
async def test_what_microsoft_never_hands_out_is_skipped_with_its_cause(  # noqa: PLR0917
    cloud: SandboxCloud,
    reader: Reader,
    kind: str,
    options: dict[str, object],
    cause: SkipCause,
    code: str,
) -> None:
    poisoned = list(reader.mails)[3]
    fault = cloud.add_fault(kind, path=rf"{poisoned}/\$value", count=None, code=code, **options)
    answers = await reader.fetch()
    problem = answers.pop(poisoned)
    assert isinstance(problem, FetchProblem)
    assert (problem.skip, problem.code) == (cause, code)
    assert problem.request_id
    assert all(isinstance(answer, Fetched) for answer in answers.values())
    assert cloud.reached(fault) == 1, "asking again would not help"


async def test_a_fault_that_never_passes_fails_one_item_which_is_tried_again_next_time(
    cloud: SandboxCloud, reader: Reader, settings: object
) -> None:
    settings.MICROSOFT_TRIES = 3  # type: ignore[attr-defined]
    poisoned = list(reader.mails)[3]
    fault = cloud.add_fault("error", path=rf"{poisoned}/\$value", count=None, status=504)
    answers = await reader.fetch()
    problem = answers.pop(poisoned)
    assert isinstance(problem, FetchProblem)
    assert problem.skip is None
    assert cloud.reached(fault) == mail_fetch.BATCH_TRIES + 3
    assert all(isinstance(answer, Fetched) for answer in answers.values())
    cloud.clear_faults()
    assert content_of((await reader.fetch(poisoned))[poisoned])


@pytest.mark.parametrize("kind", ["empty_404", "reset", "html_error", "token_expired"])
async def test_passing_faults_cost_nothing_but_time(cloud: SandboxCloud, reader: Reader, kind: str) -> None:
    before = {key: content_of(answer) for key, answer in (await reader.fetch()).items()}
    spoilt = list(reader.mails)[5]
    fault = cloud.add_fault(kind, path=rf"{spoilt}/\$value", count=1)
    alone = cloud.add_fault(kind, path=rf"{list(reader.mails)[7]}/\$value", count=1)
    after = {key: content_of(answer) for key, answer in (await reader.fetch()).items()}
    assert cloud.reached(fault) == cloud.reached(alone) == 1
    assert after == before


async def test_parts_that_are_throttled_are_asked_for_again_and_only_they(
    cloud: SandboxCloud, reader: Reader
) -> None:
    fault = cloud.add_fault(
        "error", path=r"\$value", nth=3, count=5, status=429, retry_after=0.02, style="decimal"
    )
    cloud.reset_requests()
    answers = await reader.fetch(*list(reader.mails)[:20])
    assert all(isinstance(answer, Fetched) for answer in answers.values())
    assert cloud.reached(fault) == 5
    values = sum(count for route, count in cloud.requests()["routes"].items() if route.endswith("$value"))
    assert values == 25


async def test_a_batch_that_is_too_large_is_cut_until_it_fits(
    cloud: SandboxCloud, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_fetch, "BATCH_LIMIT", 200_000)
    large = [cloud.deliver(BOB, large_mail(100_000)) for _ in range(5)]
    wanted = [*list(reader.mails)[:15], *large]
    answers = await reader.fetch(*wanted)
    assert [len(content_of(answers[each])) > 99_000 for each in large] == [True] * 5
    assert all(isinstance(answer, Fetched) for answer in answers.values())


async def test_a_mail_beyond_all_limits_is_skipped_as_too_large(
    cloud: SandboxCloud, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_fetch, "BATCH_LIMIT", 200_000)
    monkeypatch.setattr(mail_fetch, "ITEM_LIMIT", 300_000)
    large = cloud.deliver(BOB, large_mail(400_000))
    problem = (await reader.fetch(large, *list(reader.mails)[:5]))[large]
    assert isinstance(problem, FetchProblem)
    assert problem.skip == SkipCause.TOO_LARGE


async def test_a_batch_that_is_too_large_is_handed_out_piece_by_piece(
    cloud: SandboxCloud, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_fetch, "BATCH_LIMIT", 200_000)
    large = [cloud.deliver(BOB, large_mail(150_000)) for _ in range(20)]
    held = most = 0
    decode, get = mail_fetch.decode_part, GraphClient.get

    def counted(body: object) -> bytes:
        nonlocal held, most
        content = decode(body)
        held += len(content)
        most = max(most, held)
        return content

    async def got(self: GraphClient, *args: object, **options: object) -> object:
        nonlocal held, most
        answer = await get(self, *args, **options)  # type: ignore[arg-type]
        held += len(answer.body)
        most = max(most, held)
        return answer

    monkeypatch.setattr(mail_fetch, "decode_part", counted)
    monkeypatch.setattr(GraphClient, "get", got)
    async with MicrosoftConnector(reader.identity) as connector:
        async for answer in connector.fetch(reader.entity, "mail", large):
            held -= len(content_of(answer))
            large.remove(answer.remote_id)
    assert large == []
    assert most < 1_000_000


async def test_a_mailbox_that_is_not_reached_for_a_moment_loses_no_mail(
    cloud: SandboxCloud, reader: Reader
) -> None:
    for code in ("MailboxNotEnabledForRESTAPI", "ErrorNonExistentMailbox"):
        cloud.add_fault("error", path=r"/\$value", count=None, status=404, code=code)
        with pytest.raises(Gone):
            await reader.fetch()
        with pytest.raises(Gone):
            await reader.fetch(next(iter(reader.mails)))
        cloud.clear_faults()


async def test_lost_consent_ends_the_fetch_instead_of_failing_item_by_item(
    cloud: SandboxCloud, reader: Reader, settings: object
) -> None:
    settings.MICROSOFT_TRIES = 2  # type: ignore[attr-defined]
    cloud.register_app(cloud.manual.client_id, secrets=[{"value": "another"}])
    cloud.expire_tokens()
    with pytest.raises(ConsentLost):
        await reader.fetch()


async def test_leaving_a_fetch_half_way_leaves_nothing_running(reader: Reader) -> None:
    async with MicrosoftConnector(reader.identity) as connector:
        answers = connector.fetch(reader.entity, "mail", list(reader.mails))
        async for answer in answers:
            assert answer.remote_id in reader.mails
            break
        await answers.aclose()  # type: ignore[attr-defined]
        calls = connector.counter.calls
    assert calls <= 3


async def test_a_permission_that_is_missing_for_one_mailbox_is_a_problem_of_its_items(
    cloud: SandboxCloud, reader: Reader
) -> None:
    cloud.add_fault("error", path=r"\$value", count=None, status=403, code="ErrorAccessDenied")
    answers = await reader.fetch(*list(reader.mails)[:3])
    assert {type(answer) for answer in answers.values()} == {FetchProblem}
    assert {answer.skip for answer in answers.values() if isinstance(answer, FetchProblem)} == {None}
