"""Partners and staff: only on the customer's ground, never further, and out the moment it is gone."""

import re
from datetime import timedelta
from io import StringIO
from typing import Any
from unittest.mock import patch

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.enums import PartnerRole, Role
from apps.accounts.guests.support import support_grant
from apps.accounts.models import (
    Account,
    GuestMembership,
    Membership,
    Partner,
    PartnerCustomer,
    PartnerMembership,
    SupportGrant,
    User,
)
from apps.activity.models import SecurityEvent
from apps.backups.models import BackupTask
from apps.core import clock
from apps.core.scope import ScopeViolated, account_scope, some_accounts
from apps.notifications.models import Recipient
from tests.backups.makers import make_connection, make_protected, make_task
from tests.cast import PASSWORD, Cast, partner_person, prove_again, with_factor
from tests.security.url_table import TABLE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.database]


def entered_as_partner(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.partner)
    relation = PartnerCustomer.objects.get(account=cast.account)
    assert client.post(reverse("partner_enter", args=[relation.public_id]))["Location"] == reverse("home")
    return client


def grant_to_staff(cast: Cast, role: str = Role.AUDITOR) -> SupportGrant:
    with account_scope(cast.account.pk):
        return support_grant(hours=4, role=role, reason="Look at the failed backup")


def entered_as_staff(cast: Cast) -> Client:
    client = with_factor(Client(), cast.staff)
    assert client.post(reverse("staff_enter", args=[cast.account.public_id])).status_code == 302
    return client


def link_in_mail() -> str:
    found = re.search(r"https?://[^/]+(/\S+/)", str(mail.outbox[-1].body))
    assert found, mail.outbox[-1].body
    return found[1]


def told(cast: Cast) -> list[tuple[str, str]]:
    with account_scope(cast.account.pk):
        rows = SecurityEvent.objects.filter(code__regex=r"^(partner|support)\.").order_by("pk")
        return list(rows.values_list("code", "actor_label"))


def a_task_of(account: Account) -> BackupTask:
    with account_scope(account.pk):
        return make_task(make_connection(account), name=f"Mail of {account.name}")


def test_a_partner_works_as_what_the_customer_says_and_every_entry_is_in_the_customers_log(cast: Cast) -> None:
    ours, strange = a_task_of(cast.account), a_task_of(cast.other_account)
    before = Membership.objects.count()
    client = entered_as_partner(cast)
    home = client.get(reverse("home")).content.decode()
    assert "Mail of Pizza Perfecto" in home and "You are in the account of Pizza Perfecto." in home
    assert client.get(reverse("task", args=[ours.public_id])).status_code == 200
    assert client.get(reverse("task", args=[strange.public_id])).status_code == 404
    assert client.get(reverse("storage")).status_code == 403, "a backup operator sets nothing of the account"
    assert client.post(reverse("guest_leave"))["Location"] == reverse("partner")
    assert client.get(reverse("home")).status_code == 403
    assert told(cast) == [("partner.entered", "Paul (Managed Mail)"), ("partner.left", "Paul (Managed Mail)")]
    assert Membership.objects.count() == before, "a guest is nobody's user"


def test_what_a_guest_does_carries_the_partners_name(cast: Cast) -> None:
    task = a_task_of(cast.account)
    client = entered_as_partner(cast)
    client.post(reverse("task_settings", args=[task.public_id]), {"name": "Renamed", "precedence": "2"})
    from apps.activity.models import Activity

    with account_scope(cast.account.pk):
        assert "Paul (Managed Mail)" in Activity.objects.values_list("actor_label", flat=True)


def test_one_partner_never_reaches_anothers_customers(cast: Cast) -> None:
    rival = partner_person(
        "Rival IT", "rival@rival-it.example", customer=cast.other_account, role=Role.ADMINISTRATOR
    )
    theirs = PartnerCustomer.objects.get(account=cast.account)
    client = Client()
    client.force_login(rival)
    prove_again(client)
    page = client.get(reverse("partner")).content.decode()
    assert "Strange Sushi" in page and "Pizza Perfecto" not in page
    for name in ("partner_enter", "partner_end", "partner_customer"):
        assert client.post(reverse(name, args=[theirs.public_id])).status_code == 404
    colleague = PartnerMembership.objects.get(user=cast.partner)
    assert client.post(reverse("partner_person_remove", args=[colleague.public_id])).status_code == 404
    session = client.session
    session["entered"] = {"kind": "partner", "id": str(theirs.public_id), "account": cast.account.pk}
    session.save()
    assert client.get(reverse("home")).status_code == 403, "a session alone is no ground"


@pytest.mark.parametrize("end", ["customer", "person", "relation changed hands"])
def test_what_is_ended_ends_in_open_sessions_at_once(cast: Cast, end: str) -> None:
    client = entered_as_partner(cast)
    assert client.get(reverse("recovery")).status_code == 200
    if end == "customer":
        owner = Client()
        owner.force_login(cast.owner)
        assert owner.post(reverse("account_partner_end")).status_code == 302
    elif end == "person":
        PartnerMembership.objects.filter(user=cast.partner).delete()
    else:
        PartnerCustomer.objects.filter(account=cast.account).update(partner=Partner.objects.create(name="New"))
    page = client.get(reverse("recovery"))
    assert page.status_code == 403 and "this was ended" in page.content.decode()
    assert client.post(reverse("guest_leave")).status_code == 302


def test_who_is_out_does_not_land_in_an_account_of_their_own(cast: Cast) -> None:
    Membership.objects.create(account=cast.other_account, user=cast.partner, role=Role.ADMINISTRATOR)
    client = entered_as_partner(cast)
    PartnerCustomer.objects.all().delete()
    answer = client.post(reverse("account_settings"), {"name": "Meant for the customer"})
    assert answer.status_code == 403
    assert Account.objects.get(pk=cast.other_account.pk).name == "Strange Sushi"


def test_staff_see_names_and_states_and_nothing_else_without_a_grant(cast: Cast) -> None:
    task = a_task_of(cast.account)
    client = with_factor(Client(), cast.staff)
    page = client.get(reverse("staff")).content.decode()
    assert "Pizza Perfecto" in page and task.name not in page and cast.owner.email not in page
    assert client.post(reverse("staff_enter", args=[cast.account.public_id])).status_code == 403
    assert client.get(reverse("task", args=[task.public_id])).status_code == 403
    assert told(cast) == []


def test_staff_enter_on_a_grant_and_the_owner_hears_of_it(cast: Cast) -> None:
    task = a_task_of(cast.account)
    grant_to_staff(cast)
    client = entered_as_staff(cast)
    assert client.get(reverse("task", args=[task.public_id])).status_code == 200
    assert client.get(reverse("task_settings", args=[task.public_id])).status_code == 403, "an auditor looks"
    assert (mail.outbox[-1].to, mail.outbox[-1].subject) == (
        [cast.owner.email],
        "Everkeep support is in your account",
    )
    assert told(cast)[-1] == ("support.entered", "Stella Staff (Everkeep support)")


@pytest.mark.parametrize("end", ["revoked", "over", "no staff any more"])
def test_a_grant_that_ends_is_the_end_at_once(cast: Cast, end: str) -> None:
    grant = grant_to_staff(cast)
    client = entered_as_staff(cast)
    if end == "over":
        SupportGrant._base_manager.filter(pk=grant.pk).update(ends_at=clock.now() - timedelta(seconds=1))
    if end == "revoked":
        owner = Client()
        owner.force_login(cast.owner)
        assert owner.post(reverse("account_support_end", args=[grant.public_id])).status_code == 302
    if end == "no staff any more":
        User.objects.filter(pk=cast.staff.pk).update(is_platform_staff=False)
    assert client.get(reverse("recovery")).status_code == 403
    assert client.post(reverse("staff_enter", args=[cast.account.public_id])).status_code == 403


def test_a_guest_gives_nobody_rights_whatever_the_role(cast: Cast) -> None:
    grant_to_staff(cast, Role.ADMINISTRATOR)
    staff = entered_as_staff(cast)
    for name in ("account_settings", "security", "recovery_key"):
        assert staff.get(reverse(name)).status_code == 403, name
    PartnerCustomer.objects.update(role=Role.ADMINISTRATOR)
    partner = entered_as_partner(cast)
    prove_again(partner)
    grant = {"hours": "4", "role": Role.ADMINISTRATOR, "reason": "Let me stay"}
    for name, data in (("account_support", grant), ("account_remove", {"consent": "on", "sure": "on"})):
        assert partner.post(reverse(name), data).status_code == 403, name
    with pytest.raises(TypeError):
        GuestMembership(account=cast.account, user=cast.partner, role=Role.ADMINISTRATOR).save()


def test_no_page_breaks_under_a_guest_and_none_makes_tokens(cast: Cast) -> None:
    PartnerCustomer.objects.update(role=Role.ADMINISTRATOR)
    client = entered_as_partner(cast)
    client.raise_request_exception = False
    prove_again(client)
    broken, key = [], client.cookies["sessionid"].value
    with patch("celery.app.task.Task.apply_async"), patch("celery.app.base.Celery.send_task"):
        for name, row in TABLE.items():
            if name.startswith(("guest_leave", "account_logout", "outbox", "partner_", "account_partner_end")):
                continue
            with transaction.atomic():
                address = reverse(name, args=row.args(cast))
                answer = client.get(address) if row.data is None else client.post(address, row.data)
                transaction.set_rollback(True)
            if answer.status_code >= 500 and answer.status_code != 502:  # a provider that is not there
                broken.append(f"{name}: {answer.status_code}")
            client.cookies["sessionid"] = key
    assert broken == []
    assert client.get(reverse("my_security")).status_code == 200
    assert client.get(reverse("token_new")).status_code == 403


def test_only_administrators_of_their_own_let_support_in(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.owner)
    prove_again(client)
    client.post(reverse("account_support"), {"hours": "4", "role": Role.AUDITOR, "reason": "Look"})
    with account_scope(cast.account.pk):
        (grant,) = SupportGrant.objects.all()
    assert grant.given_by == "Olivia Romano" and grant.is_open
    assert "Look" in client.get(reverse("account_settings")).content.decode()


def test_a_partner_opens_an_account_and_hands_it_over(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.partner)
    data = {"name": "Cafe Cortado", "location": "de", "role": Role.ADMINISTRATOR, "email": ""}
    assert client.post(reverse("partner_new"), data).status_code == 302
    account = Account.objects.get(name="Cafe Cortado")
    assert not account.memberships.exists(), "held by the partner"
    relation = PartnerCustomer.objects.get(account=account)
    hand_over = reverse("partner_customer", args=[relation.public_id])
    assert client.post(reverse("partner_end", args=[relation.public_id]))["Location"] == hand_over
    assert client.post(hand_over, {"email": "Carla@Cortado.example"}).status_code == 302
    assert not account.memberships.exists(), "held by the partner until she accepts"
    assert mail.outbox[-1].to == ["carla@cortado.example"]
    name = {"name": "Carla Cortado", "password": PASSWORD}
    assert Client().post(link_in_mail(), name)["Location"] == reverse("account_login")
    owner = account.memberships.get()
    assert owner.is_owner and owner.user.email == "carla@cortado.example"
    with account_scope(account.pk):
        assert SecurityEvent.objects.get(code="account.handed_over").actor_label == "Carla Cortado"
        assert Recipient.objects.get().user == owner.user, "told from now on; before, there was nobody to tell"
    assert client.post(hand_over, {"email": "other@cortado.example"}).status_code == 409


def test_nobody_owns_an_account_without_saying_yes(cast: Cast) -> None:
    account = Account.objects.create(name="Trap", location="de")
    seat = PartnerMembership.objects.get(user=cast.partner)
    relation = PartnerCustomer.objects.create(partner=seat.partner, account=account, role=Role.ADMINISTRATOR)
    manager, stranger, viewer = Client(), Client(), Client()
    for client, person in ((manager, cast.partner), (stranger, cast.stranger), (viewer, cast.viewer)):
        client.force_login(person)
    hand_over = reverse("partner_customer", args=[relation.public_id])
    manager.post(hand_over, {"email": cast.viewer.email})
    first = link_in_mail()
    manager.post(hand_over, {"email": cast.stranger.email})
    link = link_in_mail()
    assert not account.memberships.exists()
    assert viewer.post(first).status_code == 404, "asking somebody else ends it"
    assert viewer.post(link).status_code == 400 and stranger.get(link).status_code == 200
    PartnerMembership.objects.filter(pk=seat.pk).update(role=PartnerRole.TECHNICIAN)
    assert stranger.post(link).status_code == 404, "who asked manages the partner no more"
    PartnerMembership.objects.filter(pk=seat.pk).update(role=PartnerRole.MANAGER)
    assert stranger.post(link).status_code == 302 and account.memberships.get().user == cast.stranger


def test_a_seat_at_a_partner_is_taken_by_the_person_alone(cast: Cast) -> None:
    manager, person = Client(), Client()
    manager.force_login(cast.partner)
    person.force_login(cast.viewer)
    prove_again(manager)
    manager.post(reverse("partner_people"), {"email": cast.viewer.email, "role": "technician"})
    assert person.get(reverse("partner")).status_code == 403
    assert person.get(link_in_mail()).status_code == 200
    assert not PartnerMembership.objects.filter(user=cast.viewer).exists()
    assert person.post(link_in_mail())["Location"] == reverse("partner")
    assert person.get(reverse("partner")).status_code == 200
    manager.post(reverse("partner_people"), {"email": "new@managed-mail.example", "role": "technician"})
    link = link_in_mail()
    assert not User.objects.filter(email="new@managed-mail.example").exists()
    assert Client().post(link, {"name": "Nina", "password": PASSWORD})["Location"] == reverse("account_login")
    assert PartnerMembership.objects.get(user__email="new@managed-mail.example").partner.name == "Managed Mail"
    assert Client().get(link).status_code == 404


def test_an_owner_lets_a_partner_in_by_its_number(cast: Cast, client: Client) -> None:
    client.force_login(cast.stranger)
    prove_again(client)
    accept = reverse("account_partner")
    assert client.post(accept, {"number": "no number", "role": Role.AUDITOR}).status_code == 404
    number = str(PartnerMembership.objects.get(user=cast.partner).partner.public_id)
    assert client.post(accept, {"number": number, "role": Role.AUDITOR}).status_code == 302
    assert client.post(accept, {"number": number, "role": Role.ADMINISTRATOR}).status_code == 409
    relation = PartnerCustomer.objects.get(account=cast.other_account)
    assert relation.role == Role.AUDITOR


def test_the_dashboard_asks_as_much_for_thirty_customers_as_for_one(cast: Cast) -> None:
    partner = PartnerCustomer.objects.get(account=cast.account).partner
    with account_scope(cast.account.pk):
        make_protected(make_task(make_connection(cast.account)), "Bob Smith", verdict="failed")
    client = Client()
    client.force_login(cast.partner)

    def asked() -> tuple[int, Any]:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page = client.get(reverse("partner")).content.decode()
        return len(queries), page

    asked()
    few, page = asked()
    assert "Pizza Perfecto" in page and "Just now" in page
    for number in range(60):
        account = Account.objects.create(name=f"Customer {number:02}", location="de")
        PartnerCustomer.objects.create(partner=partner, account=account, role=Role.AUDITOR)
    many, page = asked()
    assert many == few and "Customer 49" in page and "Customer 50" not in page
    after = page.split("?after=")[1].split('"')[0]
    assert "Pizza Perfecto" in client.get(reverse("partner"), {"after": after}).content.decode()


def test_a_scope_of_several_accounts_reads_these_and_saves_nothing(cast: Cast) -> None:
    ours, strange = a_task_of(cast.account), a_task_of(cast.other_account)
    with some_accounts([cast.account.pk]):
        assert list(BackupTask.objects.all()) == [ours]
        with pytest.raises(ScopeViolated):
            ours.save()
    with some_accounts([cast.account.pk, cast.other_account.pk]):
        assert set(BackupTask.objects.all()) == {ours, strange}


def test_the_operator_makes_staff_and_partners_and_moves_accounts(cast: Cast) -> None:
    def asked(*words: str) -> str:
        said = StringIO()
        call_command("accounts", *words, stdout=said)
        return said.getvalue()

    assert "is platform staff now" in asked("staff", cast.viewer.email)
    assert User.objects.get(pk=cast.viewer.pk).is_platform_staff
    assert "no more" in asked("staff", cast.viewer.email, "--remove")
    said = asked("partner", "New IT", "nina@new-it.example")
    assert str(Partner.objects.get(name="New IT").public_id) in said
    assert mail.outbox[-1].to == ["nina@new-it.example"]
    assert "belongs to Japan" in asked("location", cast.owner.email, "jp")
    assert "has a plan" in asked("plan", str(cast.account.public_id))
    assert asked("ended") == ""
    with pytest.raises(CommandError, match="Nobody signs in"):
        asked("staff", "nobody@nowhere.example")
