"""Who works at Pizza Perfecto, and who writes to them."""

from dataclasses import dataclass
from random import Random

from ..defaults import DOMAIN
from ..state.ids import guid

_HEAD, _SHOPS = ("Head office", "London"), ("Shop 4", "Leeds")
OFFICES = {
    "Management": _HEAD, "Finance": _HEAD, "Purchasing": _HEAD, "Marketing": _HEAD, "People": _HEAD,
    "IT": _HEAD,
    "Kitchen": ("Central kitchen", "London"), "Delivery": _SHOPS, "Shops": _SHOPS, "Care": _SHOPS,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """`mailbox` is user, shared or room; None: the account has no mailbox."""

    name: str
    address: str
    job: str = ""
    department: str = ""
    mailbox: str | None = "user"
    language: str = "en-GB"
    licensed: bool = True
    is_admin: bool = False
    guest: bool = False
    has_mail: bool = True

    @property
    def office(self) -> str:
        return OFFICES.get(self.department, ("", ""))[0]

    @property
    def city(self) -> str:
        return OFFICES.get(self.department, ("", ""))[1]

    @property
    def id(self) -> str:
        return guid("user", self.address)


JOBS = (
    ("Olivia Romano", "Managing director", "Management"),
    ("Agata Brown", "Head of kitchen", "Kitchen"),
    ("Bob Smith", "Accountant", "Finance"),
    ("Charles Wilson", "Delivery planner", "Delivery"),
    ("Ida Taylor", "Shop manager", "Shops"),
    ("Jacob Anderson", "Buyer", "Purchasing"),
    ("Jessica Miller", "Marketing lead", "Marketing"),
    ("Linda Fuller", "People partner", "People"),
    ("Mila Scott", "Recipe developer", "Kitchen"),
    ("Sarah Johnson", "Customer care", "Care"),
    ("Karim Haddad", "IT administrator", "IT"),
    ("Petra Lindqvist", "New starter", "Shops"),
)
FIRST = (
    "Ada", "Amir", "Bela", "Carla", "Dario", "Elif", "Emil", "Farah", "Greta", "Hugo", "Ines", "Jonas", "Kaya",
    "Leon", "Maya", "Nils", "Oskar", "Paula", "Quinn", "Rosa", "Selma", "Theo", "Una", "Vera", "Wim",
    "Yara", "Zoe",
)  # fmt: skip
LAST = (
    "Abbott", "Berger", "Costa", "Dunn", "Engel", "Ferri", "Gallo", "Hansen", "Ito", "Jansen", "Keller",
    "Lopez", "Moreau", "Novak", "Olsen", "Park", "Quist", "Rossi", "Silva", "Tran", "Ueda", "Vogel",
    "Weber", "Young", "Zeller",
)  # fmt: skip
OUTSIDERS = (
    ("Mozzarella & Figli", "ordini@mozzarella-figli.example"),
    ("Green Fields Vegetables", "sales@green-fields.example"),
    ("City Council Licensing", "licensing@city-council.example"),
    ("Oven Service Ltd", "service@oven-service.example"),
    ("Hanna Berg", "hanna.berg@customer.example"),
    ("Дмитрий Орлов", "d.orlov@postmail.example"),
    ("山田 太郎", "yamada@tokyo-foods.example"),
    ("Zoë Brontë", "zoe@bakery-news.example"),
    ("Parcel Tracking", "no-reply@parcel.example"),
)


def _address(name: str, suffix: str = "") -> str:
    return f"{name.lower().replace(' ', '.')}{suffix}@{DOMAIN}"


def people(count: int, number: int) -> list[Person]:
    """`count` members with a mailbox; beyond the known cast they are made up, the same for the same seed."""
    random = Random(f"cast-{number}")
    found: list[Person] = []
    used: set[str] = set()
    for index in range(count):
        if index < len(JOBS):
            name, job, department = JOBS[index]
        else:
            name = f"{random.choice(FIRST)} {random.choice(LAST)}"
            job, department = random.choice(JOBS)[1:]
        address = _address(name)
        if address in used:
            address = _address(name, str(index))
        used.add(address)
        language = {1: "de-DE", 8: "it-IT"}.get(index, "en-GB")
        new = count > 3 and index == min(count, len(JOBS)) - 1
        found.append(
            Person(name, address, job, department, language=language, is_admin=index == 0, has_mail=not new)
        )
    return found


SPECIAL = (
    Person("Finance department", f"finance@{DOMAIN}", mailbox="shared", licensed=False),
    Person("Info", f"info@{DOMAIN}", mailbox="shared", licensed=False),
    Person("Tasting room", f"tasting.room@{DOMAIN}", mailbox="room", licensed=False, has_mail=False),
    Person("Tom Okafor", f"tom.okafor@{DOMAIN}", "Seasonal driver", "Delivery", mailbox=None, licensed=False),
    Person(
        "IT Partner Desk", f"desk_it-partner.example#EXT#@{DOMAIN}", mailbox=None, licensed=False, guest=True
    ),
)
