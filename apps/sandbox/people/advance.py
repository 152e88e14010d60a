"""People work: mail comes in, is read, flagged, filed, deleted and fetched back; folders are renamed.

The same tenant with the same seed does the same things on the same days.
"""

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any

import orjson

from ..cloud import Cloud
from ..state import directory, messages
from ..state import folders as folder_rows
from ..state.clock import parse, stamp
from ..state.mailboxes import mailbox_of
from .cast import OUTSIDERS, Person
from .desk import use_desk
from .habits import keep_habits
from .letters import COMMON, TOPICS, Draft
from .meetings import plan_day
from .seed import CATEGORIES, FOLDER_NAMES, Home, post


def advance(cloud: Cloud, *, days: int, number: int | None = None) -> dict[str, Any]:
    """Let `days` days pass; returns how often each thing happened."""
    done: Counter[str] = Counter()
    seed = number if number is not None else int(cloud.db.get("people.seed") or 1)
    for _ in range(days):
        today = parse(cloud.db.get("people.today") or cloud.clock.stamp())
        random = Random(f"day-{seed}-{today:%Y-%m-%d}")
        with cloud.db.transaction():
            homes = _homes(cloud)
            for home in homes:
                _work(cloud, home, homes, random, today, done)
                plan_day(cloud, home.box, Random(f"plans-{seed}-{home.box.guid}-{today:%Y-%m-%d}"), today, done)
            tomorrow = today + timedelta(days=1)
            cloud.db.set("people.today", stamp(tomorrow))
            cloud.clock.set(tomorrow, frozen=bool(cloud.db.get("clock.frozen")))
    cloud.forget()
    return {"now": cloud.clock.stamp(), "done": dict(sorted(done.items()))}


def _homes(cloud: Cloud) -> list[Home]:
    """Everyone who has mail: those without got none at the seed and stay without."""
    homes = []
    for user in directory.users(cloud.db):
        box = mailbox_of(cloud.db, user.id)
        if box is None or not cloud.db.one("SELECT 1 FROM messages WHERE mailbox = ? LIMIT 1", (box.id,)):
            continue
        every = folder_rows.every(cloud.db, box.id)
        known = {folder.well_known: folder.id for folder in every if folder.well_known}
        own = [f.id for f in every if not f.well_known and not f.hidden and f.parent != known["deleteditems"]]
        person = Person(str(user.doc.get("displayName") or user.upn), user.upn)
        homes.append(Home(person, box, known["inbox"], known["sentitems"], own))
    return homes


def _pick(cloud: Cloud, random: Random, folder: int, count: int, where: str = "1") -> list[int]:
    sql = (
        f"SELECT id FROM messages WHERE folder = ? AND {where} ORDER BY received DESC, internet_id, id LIMIT 60"
    )
    found = [row[0] for row in cloud.db.all(sql, (folder,))]
    return random.sample(found, min(count, len(found)))


def _work(
    cloud: Cloud, home: Home, homes: list[Home], random: Random, today: datetime, done: Counter[str]
) -> None:
    now = stamp(today + timedelta(hours=random.randint(1, 9)))
    _new_mail(cloud, home, homes, random, today, done)
    for key in _pick(cloud, random, home.inbox, random.randint(0, 4), "is_read = 0"):
        messages.change(cloud.db, key, now, {"is_read": True})
        done["read"] += 1
    for key in _pick(cloud, random, home.inbox, random.choice((0, 0, 1)), "is_read = 1"):
        messages.change(cloud.db, key, now, {"is_read": False})
        done["unread"] += 1
    for key in _pick(cloud, random, home.inbox, random.choice((0, 1)), "flag IS NULL"):
        flag = orjson.dumps({"flagStatus": "flagged"}).decode()
        messages.change(cloud.db, key, now, {"flag": flag})
        done["flagged"] += 1
    for key in _pick(cloud, random, home.inbox, random.choice((0, 0, 1))):
        messages.change(cloud.db, key, now, {"categories": orjson.dumps([random.choice(CATEGORIES)]).decode()})
        done["categorised"] += 1
    _tidy(cloud, home, random, now, done)
    _folders(cloud, home, random, done)
    use_desk(cloud, home.box, Random(f"desk-{home.person.address}-{today:%Y-%m-%d}"), today, done)
    keep_habits(cloud, home.box, Random(f"habits-{home.person.address}-{today:%Y-%m-%d}"), today, done)


def _new_mail(
    cloud: Cloud, home: Home, homes: list[Home], random: Random, today: datetime, done: Counter[str]
) -> None:
    for step in range(random.randint(1, 3)):
        colleague = random.choice(homes)
        when = today + timedelta(minutes=random.randint(5, 600))
        inside = colleague is not home and random.random() < 0.5
        author = (colleague.person.name, colleague.person.address) if inside else random.choice(OUTSIDERS)
        number = f"{today:%Y%m%d}-{home.box.id}-{step}"
        reader = (home.person.name, home.person.address)
        draft = Draft(author, [reader], random.choice(TOPICS), when, number, style=random.choice(COMMON))
        done["new"] += post(cloud, draft, random, [home], colleague if inside else None)


def _tidy(cloud: Cloud, home: Home, random: Random, now: str, done: Counter[str]) -> None:
    bin_ = folder_rows.well_known(cloud.db, home.box.id, "deleteditems").id
    for key in _pick(cloud, random, bin_, random.choice((0, 1))):
        messages.move(cloud.db, key, home.inbox, now)
        done["undeleted"] += 1
    if home.own:
        for key in _pick(cloud, random, home.inbox, random.randint(0, 2)):
            messages.move(cloud.db, key, random.choice(home.own), now)
            done["moved"] += 1
    for key in _pick(cloud, random, home.inbox, random.randint(0, 2)):
        messages.move(cloud.db, key, bin_, now)
        done["deleted"] += 1
    for key in _pick(cloud, random, bin_, random.choice((0, 0, 0, 1))):
        messages.destroy(cloud.db, key)
        done["removed for good"] += 1


def _folders(cloud: Cloud, home: Home, random: Random, done: Counter[str]) -> None:
    if not home.own or random.random() > 0.3:
        return
    folder = folder_rows.by_key(cloud.db, home.box.id, random.choice(home.own))
    if folder is None or folder.parent is None:
        return
    names = [*FOLDER_NAMES, f"{folder.name.split(' (')[0]} ({random.randint(2, 99)})"]
    name = folder_rows.free_name(cloud.db, home.box.id, folder.parent, random.choice(names))
    if random.random() < 0.6:
        folder_rows.rename(cloud.db, folder, name)
        done["folder renamed"] += 1
    else:
        folder_rows.create(
            cloud.db, home.box.id, folder.id, folder_rows.free_name(cloud.db, home.box.id, folder.id, name)
        )
        done["folder created"] += 1
