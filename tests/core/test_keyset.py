"""Walking by key sees every row once, in order, whichever way one walks and however many share a moment."""

from datetime import timedelta

import pytest

from apps.activity.models import Activity
from apps.core import clock
from apps.core.keyset import KeysetPage, page_of
from apps.core.scope import account_scope
from tests.cast import Cast

pytestmark = pytest.mark.database


def rows(cast: Cast, count: int) -> list[Activity]:
    """Three rows share each moment."""
    start = clock.now()
    return [
        Activity.objects.create(
            account_id=cast.account.pk,
            at=start + timedelta(seconds=n // 3),
            code="a.b",
            status="done",
            item_label=str(n),
        )
        for n in range(count)
    ]


@pytest.mark.parametrize("descending", [True, False])
def test_forth_and_back_again(cast: Cast, descending: bool) -> None:
    with account_scope(cast.account.pk):
        expected = [row.item_label for row in rows(cast, 11)]
        expected = expected[::-1] if descending else expected

        def page(**place: object) -> KeysetPage[Activity]:
            return page_of(
                Activity.objects.all(),
                keys=("at", "id"),
                size=4,
                descending=descending,
                **place,  # type: ignore[arg-type]
            )

        first = page()
        second = page(after=first.following)
        third = page(after=second.following)
        seen = [row.item_label for found in (first, second, third) for row in found.items]
        assert seen == expected
        assert (first.previous, third.following) == (None, None)
        back = page(before=third.previous)
        assert back == second
        start = page(before=back.previous)
        assert (start.items, start.previous) == (first.items, None)


def test_a_row_of_another_account_is_no_place_to_start_from(cast: Cast) -> None:
    with account_scope(cast.other_account.pk):
        foreign = Activity.objects.create(account_id=cast.other_account.pk, code="a.b", status="done")
    with account_scope(cast.account.pk):
        mine = rows(cast, 2)
        page = page_of(Activity.objects.all(), keys=("at", "id"), size=4, after=foreign.public_id)
    assert page.items == mine
