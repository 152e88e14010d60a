"""The portal's own pages: home, help, support, the style guide."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.core import navigation
from apps.portal.help import TOPICS
from tests.cast import Cast

AREAS = ["Home", "Recovery", "Search", "Jobs", "Alerts", "Activity", "Health", "Settings", "Billing", "Support"]


@pytest.fixture
def olivia(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.owner)
    return client


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_first_page_says_what_a_backup_task_is_and_offers_one(olivia: Client) -> None:
    page = olivia.get("/").content.decode()
    assert "Nothing is backed up yet" in page


def test_the_side_navigation_has_the_areas_in_their_order() -> None:
    assert [area.label for area in navigation.areas()] == AREAS


def test_name_address_log_out_and_help_stand_on_every_page(olivia: Client) -> None:
    for area in navigation.areas():
        page = olivia.get(area.url, follow=True).content.decode()
        assert "Olivia Romano" in page and "olivia.romano@pizza-perfecto.example" in page, area.key
        assert 'aria-label="Log out"' in page, area.key
        assert 'aria-label="Help for this page"' in page, area.key
        assert page.count('aria-current="page"') >= 1, area.key


def test_what_goes_on_is_counted_once_for_a_page(olivia: Client, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(60) as asked:
        olivia.get(reverse("job_list"))
    counts = [query["sql"] for query in asked.captured_queries if "COUNT" in query["sql"]]
    assert len(counts) == len(set(counts)) and any('"job"' in each for each in counts)


def test_finance_is_led_to_billing_and_nowhere_else(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.finance)
    assert client.get("/").url == reverse("billing")  # type: ignore[attr-defined]
    page = client.get(reverse("billing")).content.decode()
    side = page[page.index('id="side"') : page.index("</nav>")]
    assert re.findall(r"</svg>([A-Z]\w+)", side) == ["Everkeep", "Billing", "Support"]


@pytest.mark.parametrize("topic", TOPICS)
def test_help_is_open_to_everybody_and_has_words_on_each_topic(client: Client, topic: str) -> None:
    answer = client.get(reverse("help_topic", args=[topic]))
    assert answer.status_code == 200
    assert TOPICS[topic].title in text_of(answer.content.decode())


def test_support_names_the_reference_of_this_request(olivia: Client) -> None:
    answer = olivia.get(reverse("support"))
    assert answer.headers["X-Request-Reference"] in answer.content.decode()


def test_the_style_guide_shows_every_status_word(client: Client, db: None) -> None:
    page = client.get("/styleguide/").content.decode()
    for word in ("Success", "Partial", "Failed", "Overdue", "Not active", "Never backed up", "Archived"):
        assert f">{word}</span>" in page
