from django.apps import AppConfig


class ActivityConfig(AppConfig):
    name = "apps.activity"
    label = "activity"

    def ready(self) -> None:
        from apps.core.mails import register_mail_listener  # noqa: PLC0415
        from apps.core.navigation import Area, Section, register_area, register_section  # noqa: PLC0415 - the app registry is complete only here
        from apps.core.permissions import Permission  # noqa: PLC0415
        from apps.core.refusals import register_refusal_listener  # noqa: PLC0415
        from apps.core.rotation import register_sealed_field  # noqa: PLC0415

        from .notices import note_mail  # noqa: PLC0415
        from .refusals import note_refusal  # noqa: PLC0415
        from .registry import register_codes  # noqa: PLC0415

        may = Permission.ACTIVITY
        register_area(Area("activity", "Activity", "activity", 50, "activity_list", permission=may))
        register_codes(
            "Access",
            {
                "access.refused": "Access refused",
                "activity.exported": "Log taken as a file",
                "notice.sent": "Notification sent",
            },
        )
        register_codes(
            "Audit stream",
            {"stream.set": "Stream of the audit set up", "stream.stopped": "Stream of the audit stopped"},
        )
        where = "Sends each entry of the security audit to your SIEM, by webhook or syslog."
        register_section(Section("audit_stream", "Audit stream", where, "send", 40, "audit_stream"))
        register_codes("Audit", {"audit.vouched": "Operator vouched for a broken audit"})
        register_sealed_field("activity.AuditEpoch", "sealed", lambda row: str(row.purpose))
        register_sealed_field("activity.AuditStream", "sealed_secret", lambda row: str(row.secret_purpose))
        register_refusal_listener(note_refusal)
        register_mail_listener(note_mail)
