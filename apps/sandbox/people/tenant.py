"""The tenant without its mail: apps, licences, accounts, groups; and what control requests look up."""

from typing import Any

from .. import defaults
from ..cloud import Cloud
from ..state import directory
from ..state.clock import parse
from ..state.ids import guid
from ..state.mailboxes import Mailbox, archive_name, create_archive, create_mailbox
from .cast import Person

E3 = {"skuId": "05e9a617-0261-4cee-bb44-138d3ef5d965", "skuPartNumber": "SPE_E3"}
EXCHANGE_PLAN = {
    "servicePlanId": "efb87545-963c-4e0d-99df-69c6916d9eb0",
    "servicePlanName": "EXCHANGE_S_ENTERPRISE",
    "provisioningStatus": "Success",
    "appliesTo": "User",
}


def start(cloud: Cloud, now: str = defaults.START_OF_TIME) -> dict[str, Any]:
    """An empty tenant with the seeded app registrations."""
    db = cloud.db
    with db.transaction():
        db.clear()
        db.set("tenant.created", "2021-05-17T09:30:00Z")
        db.set("people.today", now)
        cloud.clock.set(parse(now))
        for app in defaults.SEEDED_APPS:
            directory.put_app(
                db,
                {
                    "client_id": app.client_id,
                    "name": app.name,
                    "roles": list(app.roles),
                    "redirect_uris": list(app.redirect_uris),
                    "secrets": [{"value": app.secret, "expires": None}],
                    "certificates": [],
                    "optional_claims": list(app.optional_claims),
                },
            )
            if app.consented:
                directory.consent(db, app.client_id, list(app.roles))
    cloud.forget()
    return {"ok": True}


def add_licences(cloud: Cloud, used: int) -> None:
    directory.add_sku(
        cloud.db,
        {
            "id": f"{defaults.TENANT_ID}_{E3['skuId']}",
            "accountId": defaults.TENANT_ID,
            "accountName": defaults.COMPANY,
            "appliesTo": "User",
            "capabilityStatus": "Enabled",
            "consumedUnits": used,
            "prepaidUnits": {"enabled": used + 5, "suspended": 0, "warning": 0, "lockedOut": 0},
            "servicePlans": [EXCHANGE_PLAN],
            "subscriptionIds": [guid("subscription", 1)],
            **E3,
        },
    )


def add_cast(cloud: Cloud, person: Person) -> str:
    first, _, last = person.name.partition(" ")
    doc: dict[str, Any] = {
        "id": person.id,
        "displayName": person.name,
        "givenName": first if person.job else None,
        "surname": last if person.job else None,
        "userPrincipalName": person.address,
        "mail": "desk@it-partner.example" if person.guest else (person.address if person.mailbox else None),
        "mailNickname": person.address.partition("@")[0],
        "jobTitle": person.job or None,
        "department": person.department or None,
        "officeLocation": person.office or None,
        "city": person.city or None,
        "country": "United Kingdom" if person.department else None,
        "companyName": defaults.COMPANY if person.department else None,
        "preferredLanguage": person.language,
        "usageLocation": "GB",
        "userType": "Guest" if person.guest else "Member",
        # The sign-in of shared and room mailboxes is blocked, as Microsoft advises.
        "accountEnabled": person.mailbox in ("user", None),
        "assignedLicenses": [{"skuId": E3["skuId"], "disabledPlans": []}] if person.licensed else [],
    }
    return add_person(cloud, doc, mailbox=person.mailbox, language=person.language, is_admin=person.is_admin)


def add_person(
    cloud: Cloud, doc: dict[str, Any], *, mailbox: str | None, language: str = "en-GB", is_admin: bool = False
) -> str:
    """`doc` needs userPrincipalName; the rest of an account is filled in. Returns the id."""
    address = str(doc["userPrincipalName"])
    full = {
        "id": guid("user", address),
        "displayName": address.partition("@")[0],
        "mail": address if mailbox else None,
        "userType": "Member",
        "accountEnabled": True,
        "assignedLicenses": [],
        "assignedPlans": [],
        "businessPhones": [],
        "createdDateTime": "2021-05-17T09:30:00Z",
        "proxyAddresses": [f"SMTP:{address}"] if mailbox else [],
        "onPremisesSyncEnabled": None,
    } | doc
    with cloud.db.transaction():
        directory.add_user(cloud.db, full, is_admin=is_admin)
        if mailbox:
            create_mailbox(cloud.db, full["id"], purpose=mailbox, language=language)
    cloud.forget()
    return str(full["id"])


_GROUP: dict[str, Any] = {
    "createdDateTime": "2021-05-18T10:00:00Z",
    "proxyAddresses": [],
    "securityEnabled": False,
    "deletedDateTime": None,
}


def change_group(
    cloud: Cloud,
    name: str,
    *,
    add: list[str],
    remove: list[str],
    delete: bool = False,
    properties: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Make a security group of this name, or change it. Raises LookupError for who is not in the directory."""
    db = cloud.db
    with db.transaction():
        group = directory.find_group(db, name)
        if group is None:
            kind = {"groupTypes": [], "mailEnabled": False, "mailNickname": "group", "securityEnabled": True}
            group = _GROUP | kind | {"id": guid("group", name), "displayName": name} | (properties or {})
            directory.add_group(db, group, [])
        if delete:
            directory.delete_group(db, group["id"])
        else:
            ids = {each: _member(cloud, each) for each in (*add, *remove)}
            directory.put_members(
                db, group["id"], add=[ids[one] for one in add], remove=[ids[one] for one in remove]
            )
    return {"id": group["id"]}


def _member(cloud: Cloud, name: str) -> str:
    user, group = directory.find_user(cloud.db, name), directory.find_group(cloud.db, name)
    if user is None and group is None:
        raise LookupError(f"{name} is neither a person nor a group here")
    return user.id if user else str(group["id"])  # type: ignore[index]


def add_groups(cloud: Cloud, people: list[Person]) -> None:
    common = _GROUP
    members = [person.id for person in people]
    team = {
        "id": guid("group", "everyone"),
        "displayName": "All of Pizza Perfecto",
        "description": "News for everyone",
        "groupTypes": ["Unified"],
        "mailEnabled": True,
        "mailNickname": "everyone",
        "mail": f"everyone@{defaults.DOMAIN}",
        "visibility": "Private",
    }
    directory.add_group(cloud.db, common | team, members)
    for department in sorted({person.department for person in people if person.department}):
        doc = {
            "id": guid("group", department),
            "displayName": department,
            "description": f"Everyone in {department}",
            "groupTypes": [],
            "mailEnabled": False,
            "mailNickname": department.lower(),
            "securityEnabled": True,
        }
        held = [person.id for person in people if person.department == department]
        directory.add_group(cloud.db, common | doc, held)


def mailbox_named(cloud: Cloud, name: str) -> Mailbox:
    """Raises LookupError."""
    person = cloud.person(name)
    if person is None or person[1] is None:
        raise LookupError(f"{name} has no mailbox here")
    return person[1]


def add_archive(cloud: Cloud, box: Mailbox) -> str:
    """Give a mailbox an in-place archive; returns what that is called in addresses, and here."""
    create_archive(cloud.db, box.guid, language=box.language)
    cloud.forget()
    return archive_name(box.guid)


def describe(cloud: Cloud) -> dict[str, Any]:
    """What a test or a person needs to know to use this tenant."""
    return {
        "tenant_id": defaults.TENANT_ID,
        "domain": defaults.DOMAIN,
        "company": defaults.COMPANY,
        "apps": directory.apps(cloud.db),
        "users": [user.doc for user in directory.users(cloud.db)],
        "mailboxes": [
            {"user": row[0], "purpose": row[1], "language": row[2], "messages": row[3]}
            for row in cloud.db.all(
                "SELECT u.upn, m.purpose, m.language, (SELECT COUNT(*) FROM messages WHERE mailbox = m.id) "
                "FROM mailboxes m JOIN users u ON u.id = m.user_id ORDER BY u.position"
            )
        ],
    }
