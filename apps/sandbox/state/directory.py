"""Users, groups, licences, app registrations and consents: small tables, kept as JSON documents."""

from dataclasses import dataclass
from typing import Any

import orjson

from .database import Database


@dataclass(frozen=True, slots=True)
class User:
    """`doc` holds the Graph properties that were set; `is_admin` may grant consent for the tenant."""

    id: str
    upn: str
    is_admin: bool
    doc: dict[str, Any]


def add_user(db: Database, doc: dict[str, Any], *, is_admin: bool = False) -> None:
    db.execute(
        "INSERT INTO users (id, upn, is_admin, doc) VALUES (?, ?, ?, ?)",
        (doc["id"], doc["userPrincipalName"], is_admin, orjson.dumps(doc)),
    )


def _user(row: tuple[Any, ...]) -> User:
    return User(row[0], row[1], bool(row[2]), orjson.loads(row[3]))


def users(db: Database) -> list[User]:
    return [_user(row) for row in db.all("SELECT id, upn, is_admin, doc FROM users ORDER BY position")]


def find_user(db: Database, name: str) -> User | None:
    """By id or user principal name, letter case ignored."""
    row = db.one("SELECT id, upn, is_admin, doc FROM users WHERE id = ? OR upn = ?", (name.lower(), name))
    return None if row is None else _user(row)


def update_user(db: Database, user: User, changes: dict[str, Any]) -> None:
    """Change properties of a user; a new userPrincipalName renames the account, its id stays."""
    doc = user.doc | changes
    db.execute(
        "UPDATE users SET upn = ?, doc = ? WHERE id = ?", (doc["userPrincipalName"], orjson.dumps(doc), user.id)
    )


def delete_user(db: Database, user: User) -> None:
    """The account goes; its mailbox stays in the tables but nobody can reach it any more."""
    db.execute("DELETE FROM members WHERE user_id = ?", (user.id,))
    db.execute("DELETE FROM users WHERE id = ?", (user.id,))


def add_group(db: Database, doc: dict[str, Any], members: list[str]) -> None:
    db.execute("INSERT INTO groups (id, doc) VALUES (?, ?)", (doc["id"], orjson.dumps(doc)))
    db.executemany("INSERT INTO members VALUES (?, ?)", [(doc["id"], user) for user in members])


def groups(db: Database) -> list[dict[str, Any]]:
    return [orjson.loads(row[0]) for row in db.all("SELECT doc FROM groups ORDER BY position")]


def find_group(db: Database, name: str) -> dict[str, Any] | None:
    """By id or display name, letter case ignored."""
    wanted = name.lower()
    return next((doc for doc in groups(db) if wanted in (doc["id"], str(doc["displayName"]).lower())), None)


def put_members(db: Database, group: str, *, add: list[str], remove: list[str]) -> None:
    """Change who belongs to a group: ids of users, and of groups inside it."""
    db.executemany("INSERT OR IGNORE INTO members VALUES (?, ?)", [(group, member) for member in add])
    db.executemany("DELETE FROM members WHERE group_id = ? AND user_id = ?", [(group, one) for one in remove])


def delete_group(db: Database, group: str) -> None:
    db.execute("DELETE FROM members WHERE group_id = ? OR user_id = ?", (group, group))
    db.execute("DELETE FROM groups WHERE id = ?", (group,))


_DIRECT = "SELECT user_id FROM members WHERE group_id = ?"
_TRANSITIVE = (
    "WITH RECURSIVE inside(id) AS (SELECT user_id FROM members WHERE group_id = ? "
    "UNION SELECT m.user_id FROM members m JOIN inside i ON m.group_id = i.id) SELECT id FROM inside"
)


def members_of(db: Database, group: str, *, transitive: bool = False) -> list[dict[str, Any]]:
    """The users, then the groups inside it; `transitive`: also of the groups inside those."""
    ids = _TRANSITIVE if transitive else _DIRECT
    users = db.all(f"SELECT doc FROM users WHERE id IN ({ids}) ORDER BY position", (group,))
    inner = db.all(f"SELECT doc FROM groups WHERE id IN ({ids}) ORDER BY position", (group,))
    return [orjson.loads(row[0]) for row in (*users, *inner)]


def groups_of(db: Database, user: str) -> list[dict[str, Any]]:
    sql = (
        "SELECT g.doc FROM members m JOIN groups g ON g.id = m.group_id WHERE m.user_id = ? ORDER BY g.position"
    )
    return [orjson.loads(row[0]) for row in db.all(sql, (user,))]


def add_sku(db: Database, doc: dict[str, Any]) -> None:
    db.execute("INSERT INTO skus (doc) VALUES (?)", (orjson.dumps(doc),))


def skus(db: Database) -> list[dict[str, Any]]:
    return [orjson.loads(row[0]) for row in db.all("SELECT doc FROM skus ORDER BY position")]


def put_app(db: Database, doc: dict[str, Any]) -> None:
    """`doc`: client_id, name, roles, redirect_uris, secrets [{value, expires}], certificates [PEM],
    optional_claims (of the id_token)."""
    db.execute("INSERT OR REPLACE INTO apps VALUES (?, ?)", (doc["client_id"].lower(), orjson.dumps(doc)))


def find_app(db: Database, client_id: str) -> dict[str, Any] | None:
    row = db.one("SELECT doc FROM apps WHERE client_id = ?", (client_id.lower(),))
    return None if row is None else orjson.loads(row[0])


def apps(db: Database) -> list[dict[str, Any]]:
    return [orjson.loads(row[0]) for row in db.all("SELECT doc FROM apps ORDER BY client_id")]


def consent(db: Database, client_id: str, roles: list[str]) -> None:
    row = (client_id.lower(), " ".join(sorted(roles)))
    db.execute("INSERT OR REPLACE INTO consents VALUES (?, ?)", row)


def consented_roles(db: Database, client_id: str) -> list[str] | None:
    """None: nobody in this tenant ever consented to the app."""
    row = db.one("SELECT roles FROM consents WHERE client_id = ?", (client_id.lower(),))
    return None if row is None else str(row[0]).split()


def revoke_consent(db: Database, client_id: str) -> None:
    db.execute("DELETE FROM consents WHERE client_id = ?", (client_id.lower(),))
