"""A tenant with people, folders and mail: the same for the same numbers."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from .. import defaults
from ..cloud import Cloud
from ..state import folders as folder_rows
from ..state import messages
from ..state.clock import parse, stamp
from ..state.mailboxes import Mailbox
from . import letters, tenant
from .cast import OUTSIDERS, SPECIAL, Person, people
from .desk import seed_desk
from .habits import seed_habits
from .letters import Draft
from .meetings import seed_calendar

FOLDER_NAMES = ("Suppliers", "Shops", "Staff", "Orders & returns", "Ideas", "Übersicht", "Archive 2024")
HISTORY_DAYS = 400
ARCHIVED = 12
RICH_FROM = 100
"""Tenants with less mail have none of the rarities, and nothing but mail."""
CATEGORIES = ("Red category", "Blue category", "Green category", "Suppliers")


@dataclass(slots=True)
class Home:
    """A person's mailbox and its folders by role; `own` are those that the person made."""

    person: Person
    box: Mailbox
    inbox: int
    sent: int
    own: list[int]


def seed(
    cloud: Cloud, *, users: int, messages: int, number: int, now: str = defaults.START_OF_TIME
) -> dict[str, Any]:
    """Replace the tenant: `users` members (and the special accounts), `messages` mails over all mailboxes."""
    members = people(users, number)
    everyone = [*members, *SPECIAL]
    with cloud.db.transaction():
        tenant.start(cloud, now)
        cloud.db.set("people.seed", str(number))
        for person in everyone:
            tenant.add_cast(cloud, person)
        tenant.add_licences(cloud, sum(person.licensed for person in everyone))
        tenant.add_groups(cloud, members)
        homes = open_homes(cloud, everyone, Random(f"folders-{number}"))
        made = _write_history(cloud, homes, messages, Random(f"mail-{number}"), parse(now), number)
        _fill_calendars(cloud, homes, parse(now))
        if messages >= RICH_FROM:
            for home in homes:
                if home.person.has_mail:
                    seed_desk(cloud, home.box, Random(f"desk-{number}-{home.person.address}"), parse(now))
                    habits = Random(f"habits-{number}-{home.person.address}")
                    seed_habits(cloud, home.box, habits, parse(now))
            _seed_archive(cloud, homes[0], Random(f"archive-{number}"), parse(now))
    cloud.forget()
    return {"users": len(everyone), "mailboxes": len(homes), "messages": made}


def _seed_archive(cloud: Cloud, home: Home, random: Random, now: datetime) -> None:
    """Letters of long ago in the in-place archive of one person: after all else, whose numbers stay."""
    box = tenant.mailbox_named(cloud, tenant.add_archive(cloud, home.box))
    inbox, top = (folder_rows.well_known(cloud.db, box.id, name).id for name in ("inbox", "msgfolderroot"))
    own = folder_rows.create(cloud.db, box.id, top, "Founding years").id
    old = Home(home.person, box, inbox, inbox, [own])
    for index, when in enumerate(_times(random, ARCHIVED, now - timedelta(days=5 * HISTORY_DAYS))):
        style = random.choice(letters.COMMON)
        post(cloud, _draft(OUTSIDERS[0], [old], random, when, f"archive-{index}", style), random, [old])


def this_morning() -> str:
    """So that a demonstration's mail ends today; tests keep the fixed day."""
    return stamp(datetime.now(UTC).replace(hour=6, minute=0, second=0))


def open_homes(cloud: Cloud, everyone: list[Person], random: Random) -> list[Home]:
    homes = []
    for person in everyone:
        if person.mailbox is None:
            continue
        box = tenant.mailbox_named(cloud, person.id)
        inbox = folder_rows.well_known(cloud.db, box.id, "inbox").id
        sent = folder_rows.well_known(cloud.db, box.id, "sentitems").id
        own = _own_folders(cloud, box, inbox, random) if person.has_mail else []
        homes.append(Home(person, box, inbox, sent, own))
    return homes


def _own_folders(cloud: Cloud, box: Mailbox, inbox: int, random: Random) -> list[int]:
    """Folders below the Inbox and at the top, nested, and a hidden one as Outlook makes them."""
    db = cloud.db
    top = folder_rows.well_known(db, box.id, "msgfolderroot").id
    names = random.sample(FOLDER_NAMES, 4)
    first = folder_rows.create(db, box.id, inbox, names[0])
    second = folder_rows.create(db, box.id, top, names[1])
    below = folder_rows.create(db, box.id, second.id, names[2])
    deepest = folder_rows.create(db, box.id, below.id, names[3])
    folder_rows.create(db, box.id, top, "ExternalContacts", hidden=True)
    return [first.id, second.id, below.id, deepest.id]


def _times(random: Random, count: int, now: datetime) -> list[datetime]:
    """Moments of the working day over the last year and a bit, oldest first, none after now."""
    found = []
    for _ in range(count):
        day = now - timedelta(days=int(random.random() ** 2 * HISTORY_DAYS) + 1)
        found.append(
            day.replace(hour=random.randint(7, 18), minute=random.randint(0, 59), second=random.randint(0, 59))
        )
    return sorted(found)


def _write_history(
    cloud: Cloud, homes: list[Home], wanted: int, random: Random, now: datetime, number: int
) -> int:
    writers = [home for home in homes if home.person.has_mail]
    if not writers or wanted <= 0:
        return 0
    made, index = 0, 0
    times = _times(random, wanted, now)
    for style in ("huge", *letters.RARE):
        if wanted >= RICH_FROM:
            home = writers[index % len(writers)]
            author = OUTSIDERS[index % len(OUTSIDERS)]
            draft = _draft(author, [home], random, times[index], f"rare-{number}-{index}", style)
            made += post(cloud, draft, random, [home])
            index += 1
    while made < wanted:
        when = times[min(made, len(times) - 1)]
        made += _thread(cloud, writers, random, when, f"{number}-{index}", now, wanted - made)
        index += 1
    return made


def _fill_calendars(cloud: Cloud, homes: list[Home], today: datetime) -> None:
    busy = [home for home in homes if home.person.has_mail]
    for home in busy:
        others = [(each.person.name, each.person.address) for each in busy if each is not home]
        seed_calendar(cloud, home.box, (home.person.name, home.person.address), others, today)


def _draft(
    author: tuple[str, str],
    homes: list[Home],
    random: Random,
    when: datetime,
    number: str,
    style: str | None = None,
) -> Draft:
    readers = [(home.person.name, home.person.address) for home in homes]
    chosen = style or random.choice(letters.COMMON if random.random() > 0.04 else letters.RARE)
    return Draft(author, readers, random.choice(letters.TOPICS), when, number, style=chosen)


def _thread(
    cloud: Cloud, homes: list[Home], random: Random, when: datetime, number: str, now: datetime, room: int
) -> int:
    """A first mail and some replies; each lands with its readers and in the author's Sent Items."""
    some = random.sample(homes, min(len(homes), random.choice((2, 2, 2, 3, 4))))
    made, references = 0, list[str]()
    outside = random.random() < 0.35 or len(some) < 2
    for step in range(random.choice((1, 1, 1, 2, 3, 4))):
        if outside and step % 2 == 0:
            author, author_home, readers = random.choice(OUTSIDERS), None, some[:1]
        else:
            author_home = some[step % len(some)]
            author = (author_home.person.name, author_home.person.address)
            readers = [home for home in some if home is not author_home][:3]
        if not readers:
            break
        draft = _draft(author, readers, random, min(when, now), f"{number}-{step}")
        draft.in_reply_to = list(references)
        references.append(draft.message_id)
        made += post(cloud, draft, random, readers, author_home)
        when += timedelta(minutes=random.randint(5, 2000))
        if made >= room:
            break
    return made


def post(cloud: Cloud, draft: Draft, random: Random, readers: list[Home], author: Home | None = None) -> int:
    """Deliver one mail; returns how many messages it made."""
    data, when = letters.write(random, draft), stamp(draft.when)
    for home in readers:
        folder = random.choice(home.own) if home.own and random.random() < 0.35 else home.inbox
        flag = {"flagStatus": random.choice(("flagged", "complete"))} if random.random() < 0.06 else None
        messages.deliver_mime(
            cloud.db,
            mailbox=home.box.id,
            folder=folder,
            data=data,
            now=when,
            received=when,
            is_read=random.random() < 0.8,
            flag=flag,
            categories=[random.choice(CATEGORIES)] if random.random() < 0.08 else None,
        )
    if author is not None:
        messages.deliver_mime(
            cloud.db,
            mailbox=author.box.id,
            folder=author.sent,
            data=data,
            now=when,
            received=when,
            is_read=True,
        )
    return len(readers) + (author is not None)
