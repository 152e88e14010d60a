"""Fixed names of the sandbox tenant, so that a portal can be configured before the tenant exists."""

from dataclasses import dataclass, field

TENANT_ID = "7d1c5b0e-3f53-4f0e-9c57-5a4d0b2e8c11"
COMPANY = "Pizza Perfecto"
DOMAIN = "pizza-perfecto.example"
INITIAL_DOMAIN = "pizzaperfecto.onmicrosoft.example"
# The role template's id, the same in every tenant; id tokens name it in `wids`.
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
START_OF_TIME = "2026-03-02T08:00:00Z"

READ_ROLES = (
    "Calendars.Read",
    "Contacts.Read",
    "GroupMember.Read.All",
    "LicenseAssignment.Read.All",
    "Mail.Read",
    "MailboxSettings.Read",
    "Organization.Read.All",
    "Reports.Read.All",
    "ShortNotes.Read.All",
    "Tasks.Read.All",
    "User.Read.All",
)
WRITE_ROLES = (
    "Calendars.ReadWrite",
    "Contacts.ReadWrite",
    "Mail.ReadWrite",
    "MailboxSettings.ReadWrite",
    "ShortNotes.ReadWrite.All",
    "Tasks.ReadWrite.All",
)


@dataclass(frozen=True)
class SeededApp:
    """An app registration that every sandbox tenant starts with."""

    name: str
    client_id: str
    secret: str
    roles: tuple[str, ...]
    consented: bool
    redirect_uris: tuple[str, ...] = field(default=("http://localhost", "http://127.0.0.1"))
    # Claims of the id_token that a registration has to ask for (Token configuration).
    optional_claims: tuple[str, ...] = ()


# The multi-tenant app that the portal's Authenticate button uses: a person has to consent to it first.
PORTAL_APP = SeededApp(
    "Everkeep",
    "5a9d0b0c-0000-4000-8000-00000000e7e7",
    "sandbox-secret-not-a-secret",
    READ_ROLES + WRITE_ROLES,
    consented=False,
)
# A registration that the customer's administrator made and consented to by hand, to be pasted.
MANUAL_APP = SeededApp(
    "Backup (made by hand)",
    "c0a7d7be-52a6-4b0c-8f0e-2b9d5a3c7b02",
    "sandbox-manual-secret",
    READ_ROLES + WRITE_ROLES,
    consented=True,
)
READ_ONLY_APP = SeededApp(
    "Backup (read only)",
    "5b9d1f34-6c0e-4df2-8a6b-0d7e4c1a9e03",
    "sandbox-read-only-secret",
    READ_ROLES,
    consented=True,
)
# Reads nothing: people sign in to the portal with it.
SIGN_IN_APP = SeededApp(
    "Everkeep sign-in",
    "5a9d0b0c-0000-4000-8000-00000000519e",
    "sandbox-sign-in-secret",
    (),
    consented=False,
    optional_claims=("auth_time", "xms_edov"),
)
SEEDED_APPS = (PORTAL_APP, MANUAL_APP, READ_ONLY_APP, SIGN_IN_APP)
