"""Whom the account writes to, by which way, and what became of it."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "apps.notifications"
    label = "notifications"

    def ready(self) -> None:
        from apps.accounts.registry import register_leaver, register_mover, register_owner  # noqa: PLC0415
        from apps.activity.registry import register_codes  # noqa: PLC0415 - the app registry is complete only here
        from apps.core.mails import register_mail_keeper  # noqa: PLC0415
        from apps.core.navigation import Section, register_section  # noqa: PLC0415
        from apps.core.permissions import Permission  # noqa: PLC0415
        from apps.core.rotation import register_sealed_field  # noqa: PLC0415

        from . import recipients, rights, selectors, services  # noqa: PLC0415 - need the models
        from .enums import NOTICE, TEST  # noqa: PLC0415
        from .registry import Kind, register_kind  # noqa: PLC0415

        words = "What was done in the account's name."
        register_kind(
            Kind(NOTICE, "Notices", words, sight_needed=False, stoppable=False, offered=False, order=90)
        )
        words = "Whether a recipient can be reached."
        register_kind(Kind(TEST, "Test", words, sight_needed=False, stoppable=False, offered=False, order=91))
        register_mail_keeper(services.keep_mail)
        register_leaver(rights.has_left)
        register_mover(rights.has_moved)
        register_owner(recipients.owner_begins)
        where = "Who is told of what, by mail, webhook or chat, and what became of it."
        register_section(
            Section(
                "notifications", "Notifications", where, "bell", 20, "notifications",
                permission=Permission.NOTIFICATIONS, note=selectors.trouble,
            )
        )  # fmt: skip
        register_codes(
            "Notifications",
            {
                "recipient.added": "Recipient of notifications added",
                "recipient.changed": "Recipient of notifications changed",
                "recipient.removed": "Recipient of notifications removed",
                "recipient.tried": "Test notification ordered",
                "recipient.unsubscribed": "Recipient ended letters of a kind",
                "delivery.retried": "Notification sent again",
            },
        )
        register_sealed_field("notifications.Recipient", "sealed_url", lambda row: str(row.url_purpose))
        register_sealed_field("notifications.Recipient", "sealed_secret", lambda row: str(row.secret_purpose))
        register_sealed_field("notifications.Delivery", "sealed_body", lambda row: str(row.purpose))
