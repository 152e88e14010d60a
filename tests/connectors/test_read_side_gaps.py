"""What the read side meets seldom, and must not lose by: cut answers, foreign ids, bytes that are not whole."""

from apps.connectors.base import Fetched, FetchProblem, Removal, Upsert
from apps.connectors.documents import read_document
from apps.connectors.microsoft.exchange.calendars import list_calendars
from apps.connectors.microsoft.exchange.contact_changes import Contacts
from apps.connectors.microsoft.exchange.event_fetch import fetch_events
from apps.connectors.microsoft.exchange.item_changes import ItemRound
from apps.connectors.microsoft.exchange.item_write import those_there
from apps.connectors.microsoft.exchange.note_fetch import fetch_notes

from .scripted import ScriptedGraph, json_answer


async def test_a_note_whose_file_is_not_whole_fails_alone_and_a_file_without_bytes_is_missing() -> None:
    file = {"@odata.type": "#microsoft.graph.fileAttachment", "id": "f", "name": "list.txt"}
    graph = ScriptedGraph(
        json_answer({"id": "broken", "subject": "A", "hasAttachments": True}),
        json_answer({"value": [{**file, "contentBytes": "not base64!"}]}),
        json_answer({"id": "bare", "subject": "B", "hasAttachments": True}),
        json_answer({"value": [file]}),
    )
    broken, bare = [each async for each in fetch_notes(graph.open(), "bob", ["broken", "bare"])]
    assert isinstance(broken, FetchProblem)
    assert isinstance(bare, Fetched)
    (missing,) = bare.missing
    assert "list.txt" in missing.what
    assert missing.skip is None


async def test_an_id_that_microsoft_calls_malformed_is_not_there_and_the_others_are() -> None:
    refused = {"error": {"code": "ErrorInvalidIdMalformed", "message": "Id is malformed."}}
    answers = [{"id": "0", "status": 400, "body": refused}, {"id": "1", "status": 200, "body": {"id": "b"}}]
    graph = ScriptedGraph(json_answer({"responses": answers}))
    client = graph.open()
    paths = {"a": "/users/u/contacts/a", "b": "/users/u/contacts/b"}
    assert await those_there(client, paths, pool=client.pool("u")) == {"b": {"id": "b"}}


async def test_what_went_and_came_within_a_page_is_told_in_the_providers_order() -> None:
    client = ScriptedGraph().open()
    pool = client.pool("u")
    told = ItemRound(client, pool, Contacts(client, "u", pool=pool), None)
    gone = {"id": "x", "@removed": {"reason": "deleted"}}
    entries = [{"id": "x", "displayName": "X"}, gone, {"id": "y", "displayName": "Y"}]
    changes = await told._read(entries, "f")
    assert [type(each) for each in changes] == [Upsert, Removal, Upsert]


async def test_a_calendar_that_is_known_stays_when_the_address_of_its_mailbox_changes() -> None:
    def calendar(key: str, address: str, *, default: bool = False) -> dict[str, object]:
        owner = {"name": "Bob", "address": address}
        return {"id": key, "name": key, "owner": owner, "isDefaultCalendar": default}

    listed = [
        calendar("main", "bob.new@a.example", default=True),
        calendar("shop", "bob@a.example"),
        calendar("of another", "carol@a.example"),
    ]
    lists = (json_answer({"value": []}), json_answer({"value": listed}))
    unknown: dict[str, object] = {"mail": "bob.new@a.example", "proxyAddresses": []}
    renamed = unknown | {"proxyAddresses": ["SMTP:bob.new@a.example", "smtp:Bob@a.example"]}
    for known, addresses in ((["main", "shop"], unknown), ([], renamed)):
        client = ScriptedGraph(*lists, json_answer(addresses)).open()
        found = await list_calendars(client, "bob", pool=client.pool("bob"), known=known)
        assert [each.remote_id for each in found] == ["main", "shop"]


async def test_changed_dates_that_microsoft_tells_only_in_part_are_looked_for_one_by_one() -> None:
    series = {
        "id": "s",
        "type": "seriesMaster",
        "start": {"dateTime": "2026-01-05T08:00:00", "timeZone": "UTC"},
        "recurrence": {"range": {"type": "endDate", "startDate": "2026-01-05", "endDate": "2026-03-01"}},
        "exceptionOccurrences": [{"id": "e1", "originalStart": "2026-01-12T08:00:00Z"}],
        "exceptionOccurrences@odata.nextLink": "https://graph.test/v1.0/more",
    }
    dates = [{"id": f"e{n}", "type": "exception", "originalStart": f"2026-01-{5 + n:02}"} for n in (1, 2)]
    graph = ScriptedGraph(
        json_answer({"responses": [{"id": "0", "status": 200, "body": series}]}),
        json_answer({"value": [{"id": each["id"], "type": "exception"} for each in dates]}),
        *map(json_answer, dates),
    )
    (answer,) = [each async for each in fetch_events(graph.open(), "bob", ["s"])]
    assert isinstance(answer, Fetched)
    assert [each["originalStart"] for each in read_document(answer.content)["exceptionOccurrences"]] == [
        "2026-01-06",
        "2026-01-07",
    ]
