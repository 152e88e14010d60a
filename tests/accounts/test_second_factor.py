"""Codes of an app and recovery codes: set up, asked, used once, lost."""

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django_otp.oath import TOTP

from apps.accounts.factors.codes import app_begin, codes_left, factors_of
from apps.accounts.models import Membership, RecoveryCode, TotpDevice, User
from apps.activity.models import SecurityEvent
from apps.core import clock
from apps.core.rotation import reseal_all
from apps.core.scope import account_scope
from apps.core.sealing import Keyring, key_id_of
from tests.cast import PASSWORD, Cast, prove_again

pytestmark = pytest.mark.database
SIGN_IN, CODE = "account_login", "second_factor"


def code_of(user: User) -> str:
    """What the app shows now, or next if that was used: never what it showed before, which may end."""
    device = TotpDevice.objects.get(user=user)
    totp = TOTP(device.key)
    totp.time = clock.now().timestamp()
    totp.drift = max(0, device.last_step + 1 - totp.t())
    return f"{totp.token():06d}"


def set_up(client: Client, user: User) -> list[str]:
    """Turn the app on; returns the recovery codes."""
    prove_again(client)
    client.post(reverse("second_factor_setup"), {"begin": "1"})
    page = client.post(reverse("second_factor_setup"), {"code": code_of(user)})
    return re.findall(r"(?:[a-z2-7]{4}-){3}[a-z2-7]{4}", page.content.decode())


def first_step(user: User, client: Client | None = None) -> Client:
    client = client or Client()
    answer = client.post(reverse(SIGN_IN), {"login": user.email, "password": PASSWORD})
    assert answer["Location"] == reverse(CODE), answer.content.decode()
    return client


def is_in(client: Client) -> bool:
    return client.get(reverse("home")).status_code == 200


@pytest.fixture(autouse=True)
def _mails_go_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.db.transaction.on_commit", lambda act, *args, **kwargs: act())


@pytest.fixture
def olivia(client: Client, cast: Cast) -> User:
    EmailAddress.objects.create(user=cast.owner, email=cast.owner.email, primary=True, verified=True)
    client.force_login(cast.owner)
    return cast.owner


def codes_in(cast: Cast) -> set[str]:
    with account_scope(cast.account.pk):
        return set(SecurityEvent.objects.values_list("code", flat=True))


def test_setting_up_wants_a_fresh_proof_and_a_right_code(client: Client, olivia: User, cast: Cast) -> None:
    assert client.get(reverse("second_factor_setup"))["Location"].startswith(reverse("sudo"))
    prove_again(client)
    assert "Show the key" in client.get(reverse("second_factor_setup")).content.decode()
    assert not TotpDevice.objects.exists(), "looking makes nothing"
    page = client.post(reverse("second_factor_setup"), {"begin": "1"}).content.decode()
    assert "<svg" in page and "style=" not in page.split("<main", 1)[1]
    assert client.get(reverse("second_factor_setup")).content.decode().count("totp-key") == 1
    page = client.post(reverse("second_factor_setup"), {"code": "000000"}).content.decode()
    assert "not right" in page and not TotpDevice.objects.filter(confirmed=True).exists()
    first_sign_in = Client().post(reverse(SIGN_IN), {"login": olivia.email, "password": PASSWORD})
    assert first_sign_in["Location"] == reverse("home"), "what is not confirmed is not asked"


def test_the_key_is_sealed_and_moves_to_a_new_master_key(client: Client, olivia: User, settings: Any) -> None:
    set_up(client, olivia)
    device = TotpDevice.objects.get()
    assert device.key not in bytes(device.sealed_key)
    before = device.key
    ring = Keyring({"new": b"n" * 32, "test1": b"k" * 32})
    assert reseal_all(ring) == 1
    device.refresh_from_db()
    assert key_id_of(bytes(device.sealed_key)) == "new"
    settings.MASTER_KEYS = ["new:" + "bm5u" * 10 + "bm4="]
    assert device.key == before


def test_the_code_is_asked_before_there_is_a_session_and_works_once(
    client: Client, olivia: User, cast: Cast
) -> None:
    codes = set_up(client, olivia)
    assert len(set(codes)) == 10
    assert mail.outbox[-1].subject == "Codes from an app are now asked at your sign-in"
    visitor = first_step(olivia)
    assert not is_in(visitor) and "_auth_user_id" not in visitor.session
    before = visitor.session.session_key
    wrong = visitor.post(reverse(CODE), {"code": "000000"})
    assert "not right" in wrong.content.decode() and not is_in(visitor)
    now = code_of(olivia)
    assert visitor.post(reverse(CODE), {"code": f"{now[:3]} {now[3:]}"})["Location"] == reverse("home")
    assert is_in(visitor) and visitor.session.session_key != before
    again = first_step(olivia)
    again.post(reverse(CODE), {"code": now})
    assert not is_in(again), "a code that was seen over the shoulder is worth nothing"
    assert {"second_factor.on", "second_factor.refused"} <= codes_in(cast)


def test_a_recovery_code_works_once_is_mailed_and_counted(client: Client, olivia: User, cast: Cast) -> None:
    codes = set_up(client, olivia)
    assert not RecoveryCode.objects.filter(hashed__in=[codes[0], codes[0].replace("-", "")]).exists()
    lost = first_step(olivia)
    assert lost.post(reverse(CODE), {"code": codes[0].upper().replace("-", " ")}).status_code == 302
    assert is_in(lost) and codes_left(olivia) == 9
    assert "9 of them are left" in mail.outbox[-1].body
    again = first_step(olivia)
    again.post(reverse(CODE), {"code": codes[0]})
    assert not is_in(again)
    fresh = client.post(reverse("recovery_codes")).content.decode()
    assert codes[1] not in fresh and codes_left(olivia) == 10
    again.post(reverse(CODE), {"code": codes[1]})
    assert not is_in(again), "the old ones stopped working"
    assert {"recovery_codes.used", "recovery_codes.made"} <= codes_in(cast)


def test_another_persons_codes_open_nothing(client: Client, olivia: User, cast: Cast) -> None:
    codes = set_up(client, olivia)
    EmailAddress.objects.create(user=cast.viewer, email=cast.viewer.email, primary=True, verified=True)
    client.force_login(cast.viewer)
    set_up(client, cast.viewer)
    vera = first_step(cast.viewer)
    for code in (codes[0], code_of(olivia)):
        vera.post(reverse(CODE), {"code": code})
    assert not is_in(vera) and codes_left(olivia) == 10


def test_guessing_codes_is_stopped_and_a_new_password_gives_new_tries(client: Client, olivia: User) -> None:
    set_up(client, olivia)
    for place in range(5):
        first_step(olivia).post(reverse(CODE), {"code": "000000"}, REMOTE_ADDR=f"203.0.113.{place}")
    owner = first_step(olivia)
    page = owner.post(reverse(CODE), {"code": code_of(olivia)})
    assert page.status_code == 200 and not is_in(owner)
    changed = {"current": PASSWORD, "new": "a wholly new sentence", "again": "a wholly new sentence"}
    assert client.post(reverse("password_change"), changed).status_code == 302
    owner.post(reverse(CODE), {"code": code_of(olivia)})
    assert is_in(owner)


def test_the_page_of_the_code_is_nobodys_without_the_password(client: Client, olivia: User) -> None:
    set_up(client, olivia)
    for answer in (Client().get(reverse(CODE)), Client().post(reverse(CODE), {"code": code_of(olivia)})):
        assert answer["Location"] == reverse(SIGN_IN)
    refused = Client().post(reverse(SIGN_IN), {"login": olivia.email, "password": "wrong wrong wrong"})
    unknown = Client().post(reverse(SIGN_IN), {"login": "no@body.example", "password": "wrong wrong wrong"})
    assert refused.status_code == unknown.status_code == 200, "who has a factor is not told apart"


def test_a_code_is_a_fresh_proof_and_a_recovery_code_is_none(client: Client, olivia: User) -> None:
    codes = set_up(client, olivia)
    client = Client()
    client.force_login(olivia)
    client.post(reverse("sudo"), {"code": codes[0]})
    assert codes_left(olivia) == 10
    assert client.post(reverse("sudo"), {"code": code_of(olivia), "next": "/jobs/"})["Location"] == "/jobs/"


def test_switching_off_wants_a_fresh_proof_and_ends_everything(
    client: Client, olivia: User, cast: Cast
) -> None:
    set_up(client, olivia)
    client = Client()
    client.force_login(olivia)
    client.post(reverse("second_factor_off"))
    assert TotpDevice.objects.exists()
    prove_again(client)
    client.post(reverse("second_factor_off"))
    assert not TotpDevice.objects.exists() and not RecoveryCode.objects.exists()
    assert "second_factor.off" in codes_in(cast)
    assert Client().post(reverse(SIGN_IN), {"login": olivia.email, "password": PASSWORD})["Location"] == "/"


def test_a_key_that_waited_for_an_hour_is_made_anew(olivia: User) -> None:
    first = app_begin(olivia).key
    assert app_begin(olivia).key == first
    with clock.travel(clock.now() + timedelta(hours=1, seconds=1)):
        assert app_begin(olivia).key != first


def test_an_administrator_helps_who_lost_everything(client: Client, olivia: User, cast: Cast) -> None:
    client.force_login(cast.viewer)
    set_up(client, cast.viewer)
    client.force_login(olivia)
    member = cast.viewer.memberships.get()
    address = reverse("factor_reset", args=[member.public_id])
    assert client.post(address)["Location"].startswith(reverse("sudo"))
    prove_again(client)
    assert "Vera Viewer" in client.get(address).content.decode()
    assert client.post(address).status_code == 302
    assert not TotpDevice.objects.exists() and not RecoveryCode.objects.exists()
    assert mail.outbox[-1].to == [cast.viewer.email] and "was reset" in mail.outbox[-1].subject
    with account_scope(cast.account.pk):
        row = SecurityEvent.objects.get(code="second_factor.reset")
        assert (row.actor_label, row.subject_id) == ("Olivia Romano", cast.viewer.public_id)


def test_nobody_resets_their_own_the_owners_or_a_strangers(client: Client, cast: Cast) -> None:
    Membership.objects.filter(user=cast.operator).update(role="administrator")
    client.force_login(cast.operator)
    prove_again(client)
    answers = {
        cast.operator: 409,
        cast.owner: 403,
        cast.stranger: 404,
    }
    for user, status in answers.items():
        member = user.memberships.get()
        assert client.post(reverse("factor_reset", args=[member.public_id])).status_code == status
    elsewhere = Membership.objects.create(account=cast.other_account, user=cast.viewer, role="auditor")
    member = cast.viewer.memberships.get(account=cast.account)
    assert client.post(reverse("factor_reset", args=[member.public_id])).status_code == 403
    assert elsewhere.user == cast.viewer


def test_nobody_resets_that_of_who_has_more_rights_or_another_way_in(client: Client, cast: Cast) -> None:
    Membership.objects.filter(user=cast.custom).update(extra_permissions=["users", "view"])
    admin = Membership.objects.get(user=cast.operator)
    Membership.objects.filter(pk=admin.pk).update(role="administrator")
    client.force_login(cast.custom)
    prove_again(client)
    address = reverse("factor_reset", args=[admin.public_id])
    assert client.post(address).status_code == 403, "an administrator has more rights"
    partners = Membership.objects.create(account=cast.account, user=cast.partner, role="auditor")
    client.force_login(cast.owner)
    prove_again(client)
    address = reverse("factor_reset", args=[partners.public_id])
    assert client.post(address).status_code == 403, "who looks after other accounts"


def test_the_list_of_users_says_who_has_which(client: Client, olivia: User, cast: Cast) -> None:
    set_up(client, olivia)
    assert "App" in client.get(reverse("users")).content.decode()
    assert factors_of([olivia.pk, cast.viewer.pk]) == {olivia.pk: "App"}


def test_the_operator_helps_an_owner_alone(client: Client, olivia: User, cast: Cast, capsys: Any) -> None:
    set_up(client, olivia)
    call_command("accounts", "reset-factor", olivia.email.upper())
    assert "signs in with the password alone" in capsys.readouterr().out
    assert Client().post(reverse(SIGN_IN), {"login": olivia.email, "password": PASSWORD})["Location"] == "/"
    assert "second_factor.reset" in codes_in(cast)
