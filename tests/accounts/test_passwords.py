"""Passwords: changed, ended, not taken twice, not stolen elsewhere, kept with Argon2."""

import hashlib
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.hashers import identify_hasher, make_password
from django.core import mail
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Account, PastPassword, User
from apps.accounts.passwords import is_listed
from apps.activity.models import SecurityEvent
from apps.core import clock
from apps.core.scope import account_scope
from tests.cast import PASSWORD, Cast

NEW = "a wholly new sentence"
CHANGE = "password_change"


@pytest.fixture(autouse=True)
def _mails_go_out_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.db.transaction.on_commit", lambda act, *args, **kwargs: act())


def change(client: Client, current: str = PASSWORD, new: str = NEW, again: str = "") -> Any:
    return client.post(reverse(CHANGE), {"current": current, "new": new, "again": again or new})


def test_a_new_password_ends_all_other_sessions_and_is_told(client: Client, cast: Cast) -> None:
    other = Client()
    for one in (client, other):
        one.force_login(cast.owner)
    assert change(client)["Location"] == reverse("my_security")
    assert client.get(reverse("home")).status_code == 200
    assert other.get(reverse("home")).status_code == 302
    cast.owner.refresh_from_db()
    assert cast.owner.check_password(NEW)
    assert mail.outbox[-1].subject == "Your password was changed" and NEW not in mail.outbox[-1].body
    with account_scope(cast.account.pk):
        assert SecurityEvent.objects.get(code="password.changed").actor_id == cast.owner.pk


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"current": "wrong"}, "This is not your password"),
        ({"again": "something else here"}, "not the same as the new"),
        ({"new": "short"}, "too short"),
        ({"new": PASSWORD}, "had this password before"),
        ({"new": "olivia.romano@pizza"}, "too similar"),
    ],
)
def test_what_does_not_do_is_said_and_nothing_changes(
    client: Client, cast: Cast, values: dict[str, str], words: str
) -> None:
    client.force_login(cast.owner)
    page = change(client, **values).content.decode()
    assert words in page and 'data-show="id_new"' in page
    cast.owner.refresh_from_db()
    assert cast.owner.check_password(PASSWORD)


def test_guessing_the_current_one_is_stopped(client: Client, cast: Cast) -> None:
    client.force_login(cast.owner)
    assert [change(client, current="guess").status_code for _ in range(6)] == [200] * 5 + [429]
    assert change(client).status_code == 429


def test_the_last_five_are_remembered_and_older_ones_forgotten(client: Client, cast: Cast) -> None:
    client.force_login(cast.owner)
    words = [PASSWORD, *(f"sentence number {n} of mine" for n in range(5))]
    for current, new in pairwise(words):
        assert change(client, current, new).status_code == 302
    assert PastPassword.objects.filter(user=cast.owner).count() == 5
    assert "had this password before" in change(client, words[-1], words[1]).content.decode()
    assert change(client, words[-1], PASSWORD).status_code == 302, "six ago"


def set_so_many_days_ago(user: User, days: int) -> None:
    User.objects.filter(pk=user.pk).update(password_changed_at=clock.now() - timedelta(days=days))


def test_after_so_many_days_nothing_goes_before_a_new_one(client: Client, cast: Cast) -> None:
    Account.objects.filter(pk=cast.account.pk).update(password_days=90)
    client.force_login(cast.owner)
    assert client.get(reverse("home")).status_code == 200
    set_so_many_days_ago(cast.owner, 91)
    assert client.get("/jobs/")["Location"] == f"{reverse(CHANGE)}?next=%2Fjobs%2F"
    assert client.post(reverse("task_new"), headers={"HX-Request": "true"}).headers["HX-Redirect"]
    assert "Your password has ended" in client.get(reverse(CHANGE)).content.decode()
    assert client.get(reverse("help")).status_code == 200
    assert change(client).status_code == 302
    assert client.get(reverse("home")).status_code == 200
    set_so_many_days_ago(cast.stranger, 91)
    client.force_login(cast.stranger)
    assert client.get(reverse("home")).status_code == 200, "another account, other rules"


def test_who_has_no_password_is_not_asked_for_a_new_one(client: Client, cast: Cast) -> None:
    Account.objects.update(password_days=1)
    set_so_many_days_ago(cast.owner, 9)
    User.objects.filter(pk=cast.owner.pk).update(password=make_password(None))
    cast.owner.refresh_from_db()
    client.force_login(cast.owner)
    assert client.get(reverse("home")).status_code == 200
    assert client.get(reverse(CHANGE))["Location"] == reverse("my_security")


def test_a_list_of_stolen_passwords_is_searched_where_it_lies(
    client: Client, cast: Cast, tmp_path: Path, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    stolen = [f"stolen password number {n}" for n in range(500)]
    hashes = sorted(hashlib.sha1(word.encode()).hexdigest().upper() for word in stolen)
    path = tmp_path / "pwned.txt"
    for end in ("\n", "\r\n"):
        path.write_text("".join(f"{one}:{len(one) * 7}{end}" for one in hashes), newline="")
        assert all(is_listed(path, word) for word in stolen)
        assert not any(is_listed(path, f"{word}!") for word in stolen)
    path.write_text(hashes[7])
    assert [is_listed(path, word) for word in stolen].count(True) == 1
    path.write_text("")
    assert not is_listed(path, "anything")
    path.write_text("\n".join(hashes))
    settings.BREACHED_PASSWORDS = str(path)
    client.force_login(cast.owner)
    assert "theft of data" in change(client, new=stolen[3]).content.decode()
    settings.BREACHED_PASSWORDS = str(tmp_path / "gone.txt")
    assert change(client, new=stolen[3]).status_code == 302
    assert "cannot be read" in caplog.text


def test_new_hashes_are_argon2_and_old_ones_are_brought_up(cast: Cast, settings: Any) -> None:
    from config.settings import base

    old = make_password(PASSWORD)
    settings.PASSWORD_HASHERS = [*base.PASSWORD_HASHERS, "django.contrib.auth.hashers.MD5PasswordHasher"]
    User.objects.filter(pk=cast.owner.pk).update(password=old)
    cast.owner.refresh_from_db()
    assert cast.owner.check_password(PASSWORD)
    cast.owner.refresh_from_db()
    assert identify_hasher(cast.owner.password).algorithm == "argon2"
    assert cast.owner.password.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
