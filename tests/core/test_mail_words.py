"""Every mail can be translated whole, and writes names as they are: a text is no page."""

import re
from pathlib import Path

from django.conf import settings

TOKEN = re.compile(r"({%.*?%}|{{.*?}}|{#.*?#})", re.DOTALL)
MAILS = sorted(Path(settings.BASE_DIR, "templates/mails").glob("*.txt"))
# A part that mails with `autoescape off` include, and the sign of the house below each.
PARTS, SIGNED = {"_news.txt"}, {"Everkeep"}


def bare_words(text: str) -> list[str]:
    inside, bare = False, []
    for token in TOKEN.split(text):
        if token.startswith("{"):
            inside = not token.startswith("{% endblock") if "blocktranslate" in token else inside
        elif not inside and re.search(r"[A-Za-z]{2,}", token) and token.strip() not in SIGNED:
            bare.append(token)
    return bare


def test_no_word_of_a_mail_stands_outside_of_a_translation() -> None:
    assert {path.name: bare for path in MAILS if (bare := bare_words(path.read_text()))} == {}


def test_no_name_is_escaped_in_a_text() -> None:
    escaping = {path.name for path in MAILS if "{% autoescape off %}" not in path.read_text()}
    assert escaping == PARTS
