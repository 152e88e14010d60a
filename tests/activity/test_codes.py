"""Codes are for ever: each has words, none changes its meaning, and none is forgotten by who records it."""

import ast
import re
from pathlib import Path

import pytest

from apps.activity.registry import Meaning, meaning_of, register_codes, registered_codes

ROOT = Path(__file__).resolve().parents[2]
# Add a code here with the change that records it. A line is never taken away or changed: rows outlive code.
WRITERS = {"record", "audit", "audit_once", "audit_everywhere"}
PINNED = {
    "access.refused": "Access",
    "account.closing": "Account",
    "account.created": "Account",
    "account.handed_over": "Guests",
    "account.owner_changed": "Users",
    "account.plan_activated": "Account",
    "account.reactivated": "Account",
    "account.relocated": "Account",
    "account.remains": "Account",
    "account.renamed": "Account",
    "account.suspended": "Account",
    "account.trial_ended": "Account",
    "account.zone_changed": "Account",
    "activity.exported": "Access",
    "address.denied": "Security",
    "addresses.added": "Security",
    "addresses.changed": "Security",
    "addresses.removed": "Security",
    "addresses.switched_off": "Security",
    "addresses.switched_on": "Security",
    "alert.acknowledged": "Alerts",
    "alert.closed": "Alerts",
    "alert.raised": "Alerts",
    "approval.approved": "Account",
    "approval.expired": "Account",
    "approval.proposed": "Account",
    "approval.refused": "Account",
    "approval.withdrawn": "Account",
    "alerts.changed": "Alerts",
    "audit.vouched": "Audit",
    "billing.address_allowed": "Billing",
    "billing.cancelled": "Billing",
    "billing.changed": "Billing",
    "billing.charge_failed": "Billing",
    "billing.credited": "Billing",
    "billing.details_changed": "Billing",
    "billing.given_up": "Billing",
    "billing.invoice_downloaded": "Billing",
    "billing.invoiced": "Billing",
    "billing.kept": "Billing",
    "billing.list_downloaded": "Billing",
    "billing.overdue": "Billing",
    "billing.paid": "Billing",
    "billing.recovered": "Billing",
    "billing.refunded": "Billing",
    "billing.refused": "Billing",
    "billing.requested": "Billing",
    "billing.skipped": "Billing",
    "billing.subscribed": "Billing",
    "connection.created": "Connections",
    "connection.lost": "Connections",
    "connection.noted": "Connections",
    "connection.reauthenticated": "Connections",
    "connection.regained": "Connections",
    "deletion.cancelled": "Backup tasks",
    "deletion.done": "Backup tasks",
    "deletion.ordered": "Backup tasks",
    "delivery.retried": "Notifications",
    "email.asked": "Sign-in",
    "email.changed": "Sign-in",
    "email.objected": "Sign-in",
    "email.withdrawn": "Sign-in",
    "entity.activated": "Backup tasks",
    "entity.comes_first": "Backup tasks",
    "entity.comes_in_turn": "Backup tasks",
    "entity.comes_last": "Backup tasks",
    "entity.limited": "Backup tasks",
    "entity.paused": "Backup tasks",
    "entity.resumed": "Backup tasks",
    "entity.tagged": "Backup tasks",
    "entity.unlimited": "Backup tasks",
    "entity.untagged": "Backup tasks",
    "erasure.cancelled": "Backups",
    "erasure.done": "Backups",
    "erasure.ordered": "Backups",
    "export.cancel_requested": "Export",
    "export.finished": "Export",
    "export.started": "Export",
    "hold.lifted": "Backups",
    "hold.placed": "Backups",
    "identity.linked": "Sign-in",
    "identity.refused": "Sign-in",
    "identity.unlinked": "Sign-in",
    "notice.sent": "Access",
    "onboarding.paused": "Activation",
    "onboarding.reported": "Activation",
    "onboarding.resumed": "Activation",
    "onboarding.started": "Activation",
    "partner.added": "Guests",
    "partner.ended": "Guests",
    "partner.entered": "Guests",
    "partner.left": "Guests",
    "passkey.added": "Sign-in",
    "passkey.removed": "Sign-in",
    "password.changed": "Sign-in",
    "password.reset": "Sign-in",
    "policy.changed": "Sign-in",
    "proof.refused": "Sign-in",
    "recipient.added": "Notifications",
    "recipient.changed": "Notifications",
    "recipient.removed": "Notifications",
    "recipient.tried": "Notifications",
    "recipient.unsubscribed": "Notifications",
    "recovery_codes.made": "Sign-in",
    "recovery_codes.used": "Sign-in",
    "recovery_key.confirmed": "Keys",
    "recovery_key.refused": "Keys",
    "recovery_key.removed": "Keys",
    "recovery_key.shown": "Keys",
    "backup_report.downloaded": "Access",
    "report.changed": "Notifications",
    "report.downloaded": "Access",
    "report.recipients": "Backup tasks",
    "restore.cancel_requested": "Restore",
    "restore.finished": "Restore",
    "restore.started": "Restore",
    "retention.changed": "Backups",
    "retention.expired": "Backups",
    "rule.changed": "Activation",
    "rule.followed": "Activation",
    "rule.not_followed": "Activation",
    "rule.paused": "Activation",
    "rule.removed": "Activation",
    "rule.resumed": "Activation",
    "rule.started": "Activation",
    "run.cancelled": "Backups",
    "run.finished": "Backups",
    "run.ordered": "Backups",
    "saml.activated": "Company sign-in",
    "saml.certificate_ends": "Company sign-in",
    "saml.changed": "Company sign-in",
    "saml.confirmed": "Company sign-in",
    "saml.discarded": "Company sign-in",
    "saml.domain_added": "Company sign-in",
    "saml.domain_proved": "Company sign-in",
    "saml.domain_removed": "Company sign-in",
    "saml.metadata_changed": "Company sign-in",
    "saml.owner_passed": "Company sign-in",
    "saml.password_refused": "Company sign-in",
    "saml.person_created": "Company sign-in",
    "saml.refresh_failed": "Company sign-in",
    "saml.refused": "Company sign-in",
    "saml.saved": "Company sign-in",
    "saml.signed_in": "Company sign-in",
    "saml.switched_off": "Company sign-in",
    "saml.tested": "Company sign-in",
    "search.done": "Search",
    "search.exported": "Search",
    "search.switched": "Backup tasks",
    "second_factor.off": "Sign-in",
    "second_factor.on": "Sign-in",
    "second_factor.refused": "Sign-in",
    "second_factor.reset": "Sign-in",
    "session.ended": "Security",
    "session.others_ended": "Security",
    "sign_in.done": "Sign-in",
    "sign_in.failed": "Sign-in",
    "sign_out.done": "Sign-in",
    "stream.set": "Audit stream",
    "stream.stopped": "Audit stream",
    "support.entered": "Guests",
    "support.granted": "Guests",
    "support.left": "Guests",
    "support.revoked": "Guests",
    "tag.created": "Backup tasks",
    "tag.deleted": "Backup tasks",
    "tag.renamed": "Backup tasks",
    "task.changed": "Backup tasks",
    "task.created": "Backup tasks",
    "task.discovered": "Backup tasks",
    "token.created": "Security",
    "token.revoked": "Security",
    "two_person.off": "Account",
    "two_person.on": "Account",
    "usage.downloaded": "Access",
    "user.changed": "Users",
    "user.entered": "Users",
    "user.invitation_resent": "Users",
    "user.invitation_withdrawn": "Users",
    "user.invited": "Users",
    "user.joined": "Users",
    "user.removed": "Users",
    "user.switched_off": "Users",
    "user.switched_on": "Users",
    "vault.shredded": "Keys",
    "vault.shredding": "Keys",
}


def recorded_codes() -> set[str]:
    """The literal first arguments of `record(...)` and `audit(...)` in all apps."""
    found = set()
    for path in (ROOT / "apps").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WRITERS
            if named and node.args and isinstance(node.args[0], ast.Constant):  # type: ignore[attr-defined]
                found.add(str(node.args[0].value))  # type: ignore[attr-defined]
    return found


def test_every_pinned_code_keeps_its_place() -> None:
    known = registered_codes()
    assert {code: known[code].category for code in PINNED if code in known} == PINNED


def test_every_code_that_is_recorded_has_words() -> None:
    missing = recorded_codes() - set(registered_codes())
    assert not missing, f"give them words with activity.registry.register_codes in ready(): {sorted(missing)}"


def test_codes_are_a_noun_and_a_verb() -> None:
    assert all(re.fullmatch(r"[a-z_]+\.[a-z_]+", code) for code in registered_codes())


def test_a_code_cannot_get_another_meaning() -> None:
    with pytest.raises(ValueError, match="has a meaning already"):
        register_codes("Other", {"account.created": "Something else"})


def test_a_code_without_words_is_still_readable() -> None:
    assert meaning_of("old_app.thing_done") == Meaning("Old app thing done", "Old app")
