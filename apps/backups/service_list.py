"""What each service is called, includes and counts (TSK-03, TSK-05, TSK-06), and whether it can be added."""

from dataclasses import dataclass

from apps.connectors.enums import Service
from apps.core.sight import serves


@dataclass(frozen=True, slots=True)
class Nouns:
    """What a service's entities are called."""

    one: str
    many: str

    def count(self, number: int) -> str:
        """ "1 mailbox", "12 mailboxes"."""
        return f"{number:,} {self.one if number == 1 else self.many}"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a task's list, after the name with its address and tags. The template knows the `key`."""

    key: str
    label: str
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class ServiceChoice:
    """One line of the list of services. `built` is false for what Everkeep cannot back up yet."""

    service: Service
    family: str
    includes: str
    icon: str
    nouns: Nouns
    built: bool = False
    columns: tuple[Column, ...] = ()

    @property
    def is_licensed(self) -> bool:
        """Tell whether its entities have a licence at the provider, to be shown, counted and filtered by."""
        return LICENCE in self.columns


STATUS, COVERAGE = Column("status", "Status"), Column("coverage", "Coverage")
LICENCE, KIND = Column("licence", "Licence"), Column("kind", "Type")
SIZE, LAST = Column("size", "Size", is_number=True), Column("last", "Last backup")
# What differs by service in the list of a task (features STA-01 to STA-03).
WITH_LICENCE = (STATUS, COVERAGE, LICENCE, SIZE, LAST)
WITH_KIND = (KIND, STATUS, COVERAGE, SIZE, LAST)
PLAIN = (STATUS, COVERAGE, SIZE, LAST)

MAILBOXES = Nouns("mailbox", "mailboxes")
USERS = Nouns("user", "users")
SITES = Nouns("site", "sites")

CATALOGUE = (
    ServiceChoice(
        Service.EXCHANGE,
        "Microsoft 365",
        "Mail, calendars, contacts, tasks, notes and settings of mailboxes",
        "mail",
        MAILBOXES,
        built=True,
        columns=WITH_LICENCE,
    ),
    ServiceChoice(Service.ONEDRIVE, "Microsoft 365", "Files, folders, versions, sharing", "cloud", USERS),
    ServiceChoice(Service.SHAREPOINT, "Microsoft 365", "Sites, libraries, lists", "sites", SITES),
    ServiceChoice(
        Service.GROUPS_TEAMS,
        "Microsoft 365",
        "Conversations, calendar, sites, apps, channels, metadata",
        "teams",
        Nouns("group or team", "groups and teams"),
        columns=WITH_KIND,
    ),
    ServiceChoice(
        Service.ENTRA,
        "Microsoft 365",
        "Users, groups, memberships, app registrations",
        "tree",
        Nouns("directory", "directories"),
    ),
    ServiceChoice(Service.GOOGLE_WORKSPACE, "Google", "Mail, calendar, contacts, drive, tasks", "grid", USERS),
    ServiceChoice(Service.SHARED_DRIVES, "Google", "Files and folders", "drives", Nouns("drive", "drives")),
    ServiceChoice(
        Service.GOOGLE_ACCOUNT, "Google", "Personal mail, calendar, contacts, drive, tasks", "user", USERS
    ),
    ServiceChoice(
        Service.SALESFORCE, "Others", "Organisation data and Chatter", "database", Nouns("seat", "seats")
    ),
    ServiceChoice(Service.BOX, "Others", "Files and folders", "cube", USERS),
    ServiceChoice(Service.DROPBOX, "Others", "Business and professional: files and folders", "layers", USERS),
    ServiceChoice(Service.IMAP, "Others", "Mail of any provider", "at", MAILBOXES),
)
BY_SERVICE = {choice.service: choice for choice in CATALOGUE}


def service_families() -> dict[str, list[ServiceChoice]]:
    """The services that the actor in force sees in their families, in the order of the page."""
    families: dict[str, list[ServiceChoice]] = {}
    for choice in filter(lambda choice: serves(choice.service), CATALOGUE):
        families.setdefault(choice.family, []).append(choice)
    return families


def built_service(value: str) -> ServiceChoice | None:
    """The service of an address if it can be backed up and the actor in force sees it, else None."""
    choice = BY_SERVICE.get(value)  # type: ignore[call-overload]
    return choice if choice is not None and choice.built and serves(value) else None


def nouns_of(service: str) -> Nouns:
    """What the entities of a service are called."""
    return BY_SERVICE[Service(service)].nouns


def columns_of(service: str) -> tuple[Column, ...]:
    """The columns of the service's list."""
    return BY_SERVICE[Service(service)].columns or PLAIN


def has_licences(service: str) -> bool:
    """Tell whether the service's entities have licences."""
    return BY_SERVICE[Service(service)].is_licensed


def icon_of(service: str) -> str:
    """The neutral glyph of a service."""
    return BY_SERVICE[Service(service)].icon
