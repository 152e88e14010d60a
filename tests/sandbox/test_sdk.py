"""Microsoft's own client, which knows nothing of us, works with the sandbox."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from azure.core.credentials import AccessToken
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.models.body_type import BodyType
from msgraph.generated.models.item_body import ItemBody
from msgraph.generated.models.message import Message
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.generated.models.single_value_legacy_extended_property import SingleValueLegacyExtendedProperty

from apps.sandbox.testing import SandboxCloud


class Credential:
    def __init__(self, token: str) -> None:
        self.token = token

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        return AccessToken(self.token, 2**31)


def with_sdk(cloud: SandboxCloud, work: Callable[[GraphServiceClient], Awaitable[None]]) -> None:
    async def run() -> None:
        provider = AzureIdentityAuthenticationProvider(
            Credential(cloud.token()),
            scopes=["https://graph.microsoft.com/.default"],
            allowed_hosts=["127.0.0.1"],
        )
        adapter = GraphRequestAdapter(provider)
        adapter.base_url = f"{cloud.graph_url}/v1.0"
        await work(GraphServiceClient(request_adapter=adapter))

    asyncio.run(run())


def test_microsofts_sdk_reads_the_directory_and_a_mailbox(sandbox_cloud: SandboxCloud) -> None:
    async def work(client: GraphServiceClient) -> None:
        people = await client.users.get()
        assert people is not None and people.value is not None
        assert "Olivia Romano" in {person.display_name for person in people.value}
        mailbox = client.users.by_user_id(sandbox_cloud.admin)
        folders = await mailbox.mail_folders.get()
        assert folders is not None and folders.value is not None
        assert {"Inbox", "Drafts"} <= {folder.display_name for folder in folders.value}
        found = await mailbox.messages.get()
        assert found is not None and found.value
        one = found.value[0]
        assert one.subject and one.received_date_time and one.body and one.from_ is not None
        truth = {
            m["internetMessageId"]: m["size"] for m in sandbox_cloud.export(sandbox_cloud.admin)["messages"]
        }
        mime = await mailbox.messages.by_message_id(str(one.id)).content.get()
        assert mime is not None and len(mime) == truth[one.internet_message_id]

    with_sdk(sandbox_cloud, work)


def test_microsofts_sdk_follows_a_delta(sandbox_cloud: SandboxCloud) -> None:
    async def work(client: GraphServiceClient) -> None:
        inbox = client.users.by_user_id(sandbox_cloud.admin).mail_folders.by_mail_folder_id("inbox")
        page = await inbox.messages.delta.get()
        seen = 0
        while page is not None and page.odata_next_link:
            seen += len(page.value or [])
            page = await inbox.messages.delta.with_url(page.odata_next_link).get()
        assert page is not None and page.odata_delta_link
        seen += len(page.value or [])
        folder = await inbox.get()
        assert folder is not None and seen == folder.total_item_count
        made = await inbox.messages.post(Message(subject="New"))
        after = await inbox.messages.delta.with_url(page.odata_delta_link).get()
        assert after is not None and made is not None
        assert [one.id for one in after.value or []] == [made.id]

    with_sdk(sandbox_cloud, work)


def test_microsofts_sdk_creates_a_mail(sandbox_cloud: SandboxCloud) -> None:
    async def work(client: GraphServiceClient) -> None:
        mailbox = client.users.by_user_id(sandbox_cloud.admin)
        wanted = Message(
            subject="Made by the SDK",
            body=ItemBody(content_type=BodyType.Html, content="<p>Ciao</p>"),
            single_value_extended_properties=[
                SingleValueLegacyExtendedProperty(id="Integer 0x0E07", value="5")
            ],
        )
        made = await mailbox.mail_folders.by_mail_folder_id("inbox").messages.post(wanted)
        assert made is not None and made.is_draft is False and made.is_read is True
        again = await mailbox.messages.by_message_id(str(made.id)).get()
        assert again is not None and again.subject == "Made by the SDK"
        await mailbox.messages.by_message_id(str(made.id)).permanent_delete.post()
        try:
            await mailbox.messages.by_message_id(str(made.id)).get()
        except ODataError as error:
            assert error.response_status_code == 404 and error.error is not None
            assert error.error.code == "ErrorItemNotFound"
        else:
            raise AssertionError("a message removed for good can still be read")

    with_sdk(sandbox_cloud, work)
