"""Mail of the in-place archive comes back into the mailbox: nobody can write into an archive."""

from apps.backups.models import NodeVersion
from apps.backups.models.catalog import key_of
from apps.recovery.enums import RestoreMode
from apps.recovery.models import Plan
from apps.recovery.restore.plan import FROM_ARCHIVE
from tests.recovery.conftest import Office, as_it_was
from tests.recovery.factories import mail
from tests.sandbox.client import Graph


def test_archived_mail_comes_back_below_a_folder_of_the_mailbox_once_and_as_it_was(office: Office) -> None:
    cloud = office.cloud
    archive = cloud.add_archive(cloud.admin)
    office.task.inplace_archives = True
    office.task.save()
    office.bob.refresh_from_db()
    graph = Graph(cloud, mailbox=archive)
    folder = graph.post("mailFolders", {"displayName": "Founding years"})
    cloud.deliver(archive, mail("Order 0", "Flour, 0 bags."))  # one that the mailbox has, too
    first = cloud.deliver(archive, mail("The first oven", "It smokes."))
    graph.post(f"messages/{first}/move", {"destinationId": folder["id"]})
    before, archived = office.live(), cloud.export(archive)["messages"]
    snapshot = office.back_up()
    for again in (True, False):
        office.choose(snapshot)
        job = office.restore(snapshot, RestoreMode.SKIP)
        assert not job.items.exclude(outcome__in=["done", "skipped"]).exists()
        assert FROM_ARCHIVE in Plan.objects.latest("pk").notes
        if again:
            office.back_up()
    made = [each for each in office.live() if each not in before]
    assert {each["folder"] for each in made} == {"In-Place Archive/Inbox", "In-Place Archive/Founding years"}
    assert sorted(map(as_it_was, made)) == sorted(map(as_it_was, archived))
    only = NodeVersion.objects.get(name="Founding years", remote_id__startswith="MBX:")
    office.choose(snapshot, folders=[key_of(only.remote_id)])
    office.restore(snapshot, RestoreMode.NEW_ROOT)
    news = [each for each in office.live() if each not in before + made]
    assert [each["folder"].split("/")[1:] for each in news] == [["In-Place Archive", "Founding years"]]
    assert cloud.export(archive)["messages"] == archived
    assert cloud.contract_violations() == []
