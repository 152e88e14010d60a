"""Services, sub-services and states of a connection."""

from django.db import models


class Service(models.TextChoices):
    """What one backup task protects (architecture, words). Values are stored: never renamed."""

    EXCHANGE = "exchange", "Microsoft Exchange"
    GROUPS_TEAMS = "teams", "Microsoft Groups and Teams"
    SHAREPOINT = "sharepoint", "Microsoft SharePoint"
    ONEDRIVE = "onedrive", "Microsoft OneDrive"
    ENTRA = "entra", "Microsoft Entra ID"
    GOOGLE_WORKSPACE = "google_workspace", "Google Workspace"
    SHARED_DRIVES = "shared_drives", "Google Shared Drives"
    GOOGLE_ACCOUNT = "google_account", "Google Account"
    SALESFORCE = "salesforce", "Salesforce"
    BOX = "box", "Box"
    DROPBOX = "dropbox", "Dropbox"
    IMAP = "imap", "IMAP"


class SubService(models.TextChoices):
    """Kinds of data of an entity, in the order in which pages show them. Values are stored: never renamed."""

    MAIL = "mail", "Mail"
    CALENDARS = "calendars", "Calendars"
    CONTACTS = "contacts", "Contacts"
    TASKS = "tasks", "Tasks"
    NOTES = "notes", "Notes"
    SETTINGS = "settings", "Mailbox settings"


class ConnectionState(models.TextChoices):
    """Our sign-in at the provider: works, or does not. Says nothing about backup health."""

    CONNECTED = "connected", "Connected"
    DISCONNECTED = "disconnected", "Disconnected"


class CredentialKind(models.TextChoices):
    ADMIN_CONSENT = "admin_consent", "Consent to Everkeep's own app"
    CLIENT_SECRET = "client_secret", "Client secret"
    CERTIFICATE = "certificate", "Certificate"


class EntityKind(models.TextChoices):
    USER_MAILBOX = "user_mailbox", "User mailbox"
    SHARED_MAILBOX = "shared_mailbox", "Shared mailbox"
    ROOM_MAILBOX = "room_mailbox", "Room mailbox"


class SkipCause(models.TextChoices):
    """Closed list of reasons why an item that exists was not stored though nothing went wrong with us."""

    MALWARE = "malware", "Marked as malware by the provider"
    GONE = "gone", "Deleted while the backup ran"
    CORRUPT = "corrupt", "Damaged at the source, the provider cannot hand it out"
    TOO_LARGE = "too_large", "Larger than the provider's interface carries"
    NOT_REACHABLE = "not_reachable", "Not reachable through the provider's interface"
    EXCLUDED = "excluded", "Left out by rule"
    ERASED = "erased", "Erased by order"
