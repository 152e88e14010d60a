"""Who gets what at every address. A route without a row here fails `test_url_table.py`.

To add a route: one line in TABLE, with the HTTP status that each of TYPED gets, in their order. 302 sends the
anonymous to sign in. The stranger is administrator of another account: 404 for an object of ours, 200 for a
page that shows their own. `args` makes what the address names, in the account of the cast; `data` makes it a
POST.

What the others of PEOPLE get follows from that (`_follows`), unless the row says it: `row(…, custom=403)`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from apps.accounts.models import (
    AllowedAddress,
    ApiToken,
    Partner,
    PartnerCustomer,
    PartnerMembership,
    SupportGrant,
    User,
)
from apps.backups.models import BackupTask, Entity, Run, Snapshot
from apps.backups.selectors.browse import node_key
from apps.core import clock
from apps.core.ids import new_public_id
from apps.core.scope import account_scope
from apps.jobs.models import Job
from apps.recovery.exports.destinations.s3 import sealed
from apps.recovery.exports.links import link_token
from apps.recovery.models import Destination, Drill
from apps.vault.models import Shelf, VaultCheck
from tests.backups.makers import make_connection, make_mailbox, make_run, make_task
from tests.cast import Cast
from tests.jobs.conftest import new_job
from tests.recovery.every_kind import CONTACT, store_document
from tests.recovery.factories import Mailbox, make_entity, make_export, make_plan, store
from tests.vault.own_stores import make_own_store, make_shelf

LETTER = (
    b"Subject: Papers\r\nFrom: a@b.example\r\nContent-Type: multipart/mixed; boundary=r\r\n\r\n"
    b"--r\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
    b'--r\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename="a.txt"\r\n\r\n'
    b"Inside\r\n--r--"
)

TYPED = ("anonymous", "owner", "operator", "restorer", "viewer", "finance", "stranger")
PEOPLE = (*TYPED, "custom", "both", "invited", "partner", "staff")
Args = Callable[[Cast], list[object]]


@dataclass(frozen=True)
class Row:
    """One address and the status for each of PEOPLE."""

    statuses: Mapping[str, int]
    args: Args
    data: Mapping[str, Any] | None

    def expected(self, person: str) -> int:
        return self.statuses[person] if person in self.statuses else self._follows(person)

    def _follows(self, person: str) -> int:
        """`both` looks, as the viewer does. `invited`, `partner` and `staff` have no account of
        their own, and the latter have entered none, so member pages are closed to them.

        `custom` has the restorer's rights, but no sight of Exchange, where all these objects belong.
        """
        if person in ("partner", "staff") and "invited" in self.statuses:
            return self.statuses["invited"]
        if person in ("invited", "partner", "staff"):
            members_only = self.statuses["anonymous"] in (302, 401)
            return 403 if members_only else self.statuses["stranger"]
        if person == "both":
            return self.statuses["viewer"]
        may = self.statuses["restorer"]
        return 404 if (may < 400 or may == 409) and self.args in EXCHANGE else may


def nothing(cast: Cast) -> list[object]:
    return []


def words(*values: object) -> Args:
    return lambda cast: list(values)


def an_account(cast: Cast) -> list[object]:
    return [cast.account.public_id]


def a_member(cast: Cast) -> list[object]:
    return [cast.viewer.memberships.get().public_id]


def a_job(cast: Cast) -> list[object]:
    """A restore that the owner started; the others did not."""
    return [new_job(cast.owner).public_id]


def a_connection(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        return [make_connection(cast.account).public_id]


def a_grant(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        ends_at = clock.now() + timedelta(hours=1)
        return [SupportGrant.objects.create(account=cast.account, reason="Look", ends_at=ends_at).public_id]


def a_relation(cast: Cast) -> list[object]:
    return [_relation(cast).public_id]


def a_colleague(cast: Cast) -> list[object]:
    """Somebody else of the partner that looks after the account."""
    user = User.objects.create_user(f"{uuid4().hex}@partners.example")
    return [PartnerMembership.objects.create(partner=_relation(cast).partner, user=user).public_id]


def the_account(cast: Cast) -> list[object]:
    return [cast.account.public_id]


def a_task(cast: Cast) -> list[object]:
    return [_task(cast).public_id]


def an_entity(cast: Cast) -> list[object]:
    return [_entity(cast).public_id]


def a_run(cast: Cast) -> list[object]:
    entity = _entity(cast)
    with account_scope(cast.account.pk):
        run: Run = make_run(entity)
    return [run.public_id]


def an_invitation(cast: Cast) -> list[object]:
    """The open one of the cast; in another account one of its own."""
    found, _ = cast.account.invitations.get_or_create(
        email=cast.invited.email,
        defaults={"role": "auditor", "token_hash": "1" * 64, "expires_at": clock.now()},
    )
    return [found.public_id]


def a_check(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        return [VaultCheck.objects.create(account=cast.account, tier="sample").public_id]


def a_drill(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        drill = Drill.objects.create(
            account=cast.account, task=_task(cast), state="passed", report="{}", signature="00"
        )
    return [drill.public_id]


def a_backup(cast: Cast) -> list[object]:
    """A committed backup of a mailbox with one message, `m1`, that has an attachment."""
    with account_scope(cast.account.pk):
        box = Mailbox(make_entity())
        box.folder("inbox", "Inbox", well_known="inbox")
        box.item("m1", "inbox", "Papers", content=store(LETTER), size=len(LETTER), has_attachments=True)
        return [box.day().public_id]


def a_point(cast: Cast) -> list[object]:
    """The same backup by the run that made it."""
    with account_scope(cast.account.pk):
        return [Snapshot.objects.get(public_id=a_backup(cast)[0]).run.public_id]


def a_message(cast: Cast) -> list[object]:
    return [*a_backup(cast), node_key("m1")]


def a_contact(cast: Cast) -> list[object]:
    """An item that is kept as a document."""
    with account_scope(cast.account.pk):
        box = Mailbox(make_entity(), "contacts")
        box.item("c1", None, "Giulia Conti", content=store_document(CONTACT))
        return [box.day().public_id, node_key("c1")]


def an_attachment(cast: Cast) -> list[object]:
    return [*a_message(cast), 1]


def a_plan(cast: Cast) -> list[object]:
    """A plan that the owner made; it failed, so that nothing can be started."""
    snapshot_id = a_backup(cast)[0]
    with account_scope(cast.account.pk):
        snapshot = Snapshot.objects.select_related("entity").get(public_id=snapshot_id)
        plan = make_plan(snapshot, user_id=cast.owner.pk, mode="skip", state="failed")
    return [plan.public_id]


def a_restore(cast: Cast) -> list[object]:
    """The owner's restore that is over and wrote nothing, so that its undo does nothing."""
    snapshot_id = a_backup(cast)[0]
    with account_scope(cast.account.pk):
        snapshot = Snapshot.objects.select_related("entity", "run").get(public_id=snapshot_id)
        entity_id = snapshot.entity.public_id
        job = Job.objects.create(
            account=cast.account,
            kind="restore",
            state="succeeded",
            entity_id=entity_id,
            finished_at=clock.now(),
        )
        make_plan(snapshot, user_id=cast.owner.pk, mode="skip", state="started", job=job)
    return [job.public_id]


def some_plans(cast: Cast) -> list[object]:
    """Plans that the owner made together; the only one failed."""
    snapshot_id = a_backup(cast)[0]
    with account_scope(cast.account.pk):
        snapshot = Snapshot.objects.select_related("entity", "run").get(public_id=snapshot_id)
        plan = make_plan(
            snapshot, user_id=cast.owner.pk, mode="new_root", state="failed", batch=new_public_id()
        )
    return [plan.batch]


def a_store(cast: Cast) -> list[object]:
    """A store of the account's own, at an address where nothing may be."""
    return [make_own_store(cast.account.pk).public_id]


def a_shelf(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        found = Shelf.objects.first()
    return [(found or make_shelf(cast.account.pk)).public_id]


def an_address(cast: Cast) -> list[object]:
    with account_scope(cast.account.pk):
        entry = AllowedAddress.objects.create(account=cast.account, first="203.0.113.0", last="203.0.113.15")
    return [entry.public_id]


def a_token(cast: Cast) -> list[object]:
    """A token of the owner."""
    token = ApiToken.objects.create(
        membership=cast.owner.memberships.get(),
        name="Nightly",
        digest=uuid4().hex,
        expires_at=clock.now() + timedelta(days=1),
    )
    return [token.public_id]


def a_user(cast: Cast) -> list[object]:
    return [cast.viewer.memberships.get().public_id]


NOWHERE = "s3://a-bucket?endpoint=https%3A%2F%2F127.0.0.1%3A9&addressing=path&region=us-east-1"


def an_export(cast: Cast) -> list[object]:
    return [make_export(cast).public_id]


def a_destination(cast: Cast) -> list[object]:
    """A bucket at an address where nothing may be."""
    with account_scope(cast.account.pk):
        row = Destination(account=cast.account, name="Mine", kind="s3", url=NOWHERE)
        row.sealed_credentials = sealed(row, {"key_id": "key", "secret": "secret"})
        row.save()
    return [row.public_id]


def an_export_part(cast: Cast) -> list[object]:
    return [make_export(cast).public_id, 1]


def an_export_link(cast: Cast) -> list[object]:
    return [link_token(make_export(cast))]


def _relation(cast: Cast) -> PartnerCustomer:
    """The one of the cast; another account gets a partner of its own."""
    found = PartnerCustomer.objects.filter(account=cast.account).first()
    return found or PartnerCustomer.objects.create(
        partner=Partner.objects.create(name="Sushi Support"), account=cast.account, role="auditor"
    )


def _task(cast: Cast) -> BackupTask:
    with account_scope(cast.account.pk):
        return make_task(make_connection(cast.account))


def _entity(cast: Cast) -> Entity:
    task = _task(cast)
    with account_scope(cast.account.pk):
        return make_mailbox(task, "Bob Smith")


EXCHANGE = (
    a_job, a_task, an_entity, a_run, a_drill, a_backup, a_point, a_message, a_contact, an_attachment, a_plan,
    an_export, an_export_part, an_export_link,
)  # fmt: skip
"""What makes an object of Microsoft Exchange."""


def row(*statuses: int, args: Args = nothing, data: Mapping[str, Any] | None = None, **others: int) -> Row:
    assert len(statuses) == len(TYPED), TYPED
    return Row({**dict(zip(TYPED, statuses, strict=True)), **others}, args, data)


def everybody(
    status: int = 200, args: Args = nothing, data: Mapping[str, Any] | None = None, **others: int
) -> Row:
    return row(*[status] * len(TYPED), args=args, data=data, **others)


def members(args: Args = nothing, **others: int) -> Row:
    """A page of one's own account, whatever one may do there."""
    return row(302, 200, 200, 200, 200, 200, 200, args=args, **others)


# A person's own sign-in is there also for who works for a partner or the platform, in no account; staff, who
# must have a second factor, are sent to set one up before anything else.
OWN: Mapping[str, int] = {"partner": 302, "staff": 302}


def api(*others: int, args: Args = nothing, data: Mapping[str, Any] | None = None, **more: int) -> Row:
    """A route of the API: the anonymous is told 401, a body is JSON."""
    return row(401, *others, args=args, data=data, **more)


def entrance(args: Args = nothing) -> Row:
    """A page for who is signed out; who is signed in is sent home."""
    return row(200, 302, 302, 302, 302, 302, 302, args=args)


TABLE: dict[str, Row] = {
    # name: anonymous, owner, operator, restorer, viewer, finance, stranger (others: `_follows`)
    # health
    "healthz": everybody(),
    "readyz": everybody(),
    # portal
    "home": members(),
    "search": members(),
    "settings": row(302, 200, 403, 403, 403, 403, 200),
    "my_security": members(partner=200, staff=302),
    "security": row(302, 200, 403, 403, 403, 403, 200),
    "unbuilt": members(args=words("billing")),
    "support": members(),
    "help": everybody(),
    "help_topic": everybody(args=words("jobs")),
    "styleguide": everybody(),
    # accounts
    "sudo": members(partner=200, staff=200),
    # Behind the sign-in providers of the tests nobody answers (502). Linking asks for a fresh proof first.
    "provider_sign_in": row(502, 302, 302, 302, 302, 302, 302, args=words("google"), data={}),
    "provider_back": everybody(400, args=words("google")),
    "provider_sign_up": row(302, 302, 302, 302, 302, 302, 302, invited=302),
    "provider_prove": row(302, 502, 502, 502, 502, 502, 502, args=words("okta")),
    "identity_link": row(302, 302, 302, 302, 302, 302, 302, args=words("google"), data={}),
    "identity_unlink": row(302, 302, 302, 302, 302, 302, 302, args=words(1), data={}),
    "sudo_passkey": everybody(302, data={}, **OWN),
    "second_factor": row(302, 302, 302, 302, 302, 302, 302, invited=302),
    "passkey_sign_in": entrance(),
    # What wants a fresh proof first asks everybody for it.
    "second_factor_setup": everybody(302, **OWN),
    "second_factor_off": everybody(302, data={}, **OWN),
    "recovery_codes": everybody(302, data={}, **OWN),
    "passkey_add": everybody(302, **OWN),
    "passkey_rename": row(302, *[404] * 6, args=words(1), data={"name": "Mine"}, partner=404, staff=302),
    "passkey_remove": everybody(302, args=words(1), data={}, **OWN),
    "password_change": members(partner=200, staff=302),
    "security_policies": row(302, 302, 403, 403, 403, 403, 302, data={}),
    "factor_reset": row(302, 302, 403, 403, 403, 403, 302, args=a_member),
    "entry": entrance(),
    "account_login": entrance(),
    "account_signup": entrance(),
    "account_logout": row(302, 200, 200, 200, 200, 200, 200, invited=200),
    "account_inactive": everybody(),
    "account_email_verification_sent": everybody(),
    "account_confirm_email": everybody(args=words("no-such-key")),
    "account_reset_password": everybody(),
    "account_reset_password_done": everybody(),
    "account_reset_password_from_key": everybody(args=words("1", "no-such-key")),
    "account_reset_password_from_key_done": everybody(),
    "address_add": row(302, 302, 403, 403, 403, 403, 302),
    "address_edit": row(302, 302, 403, 403, 403, 403, 302, args=an_address),
    # The stranger is asked for a fresh proof before anything is looked up.
    "address_remove": row(302, 302, 403, 403, 403, 403, 302, args=an_address, data={}),
    "address_switch": row(302, 302, 403, 403, 403, 403, 302, data={"on": "no"}),
    # life of the account: the cast's owner is its only administrator; dangerous acts ask for a proof first
    "account_settings": row(302, 200, 403, 403, 403, 403, 200),
    "account_remove": row(302, 302, 403, 403, 403, 403, 302, data={}),
    "account_state": members(),
    "account_reactivate": row(302, 409, 403, 403, 403, 403, 409, data={}),
    "email_change": row(302, 302, 302, 302, 302, 302, 302, data={}),
    "email_again": row(302, 409, 409, 409, 409, 409, 409, data={}),
    "email_keep": row(302, 302, 302, 302, 302, 302, 302, data={}),
    "email_confirm": everybody(args=words("no-such-token")),
    "email_object": everybody(args=words("no-such-token")),
    # company sign-in: in use in neither account here, so that its own addresses do not exist for anybody
    "saml_find": everybody(),
    "saml_start": everybody(404, args=an_account),
    "saml_needed": everybody(404, args=an_account),
    "saml_finish": everybody(404, args=lambda cast: [cast.account.public_id, "no-such-token"]),
    "saml_confirm": row(302, 404, 404, 404, 404, 404, 404),
    "saml_acs": everybody(404, args=an_account, data={}),
    "saml_metadata": everybody(args=words(uuid4())),
    "saml_set_up": row(302, 200, 403, 403, 403, 403, 200),
    "saml_test": row(302, 409, 403, 403, 403, 403, 409),
    "saml_activate": row(302, 302, 403, 403, 403, 403, 302, data={}),
    "saml_discard": row(302, 302, 403, 403, 403, 403, 302, data={}),
    "saml_switch_off": row(302, 302, 403, 403, 403, 403, 302, data={}),
    "saml_rules": row(302, 302, 403, 403, 403, 403, 302, data={}),
    "saml_domain_add": row(302, 302, 403, 403, 403, 403, 302, data={"domain": "example.com"}),
    "saml_domain_prove": row(302, 302, 403, 403, 403, 403, 302, args=words(1), data={}),
    "saml_domain_remove": row(302, 302, 403, 403, 403, 403, 302, args=words(1), data={}),
    "session_end": row(302, *[409] * 6, args=words(uuid4()), data={}, partner=409, staff=302),
    "session_end_others": everybody(302, data={}, **OWN),
    # A new token wants a fresh proof; revoking none. Foreign tokens are no tokens.
    "token_new": row(302, 302, 302, 302, 302, 302, 302),
    "token_revoke": row(302, 302, 404, 404, 404, 404, 404, args=a_token, data={}),
    "account_tokens": row(302, 200, 403, 403, 403, 403, 200),
    # guests: partners and staff see their own pages; staff enter nothing without a grant
    "account_partner": row(302, 302, 403, 403, 403, 403, 302, data={}),
    "account_partner_end": row(302, 302, 403, 403, 403, 403, 404, data={}),
    "account_support": row(302, 302, 403, 403, 403, 403, 302, data={}),
    "account_support_end": row(302, 302, 403, 403, 403, 403, 404, args=a_grant, data={}),
    "partner": row(302, 403, 403, 403, 403, 403, 403, partner=200),
    "partner_new": row(302, 403, 403, 403, 403, 403, 403, partner=200),
    "partner_customer": row(302, 403, 403, 403, 403, 403, 403, partner=200, args=a_relation),
    "partner_join": everybody(404, args=words("no-such-token")),
    "partner_enter": row(302, 403, 403, 403, 403, 403, 403, partner=302, args=a_relation, data={}),
    "partner_end": row(302, 403, 403, 403, 403, 403, 403, partner=302, args=a_relation, data={}),
    "partner_people": row(302, 403, 403, 403, 403, 403, 403, partner=200),
    "partner_person_remove": row(302, 403, 403, 403, 403, 403, 403, partner=302, args=a_colleague, data={}),
    "partner_rules": row(302, 403, 403, 403, 403, 403, 403, partner=302, data={}),
    "staff": row(302, 403, 403, 403, 403, 403, 403, staff=302),
    "staff_enter": row(302, 403, 403, 403, 403, 403, 403, args=the_account, data={}, staff=302),
    "guest": row(302, 200, 200, 200, 200, 200, 200, invited=200, partner=200, staff=200),
    "guest_leave": row(302, *[302] * 6, invited=302, partner=302, staff=302, data={}),
    "outbox": everybody(404),
    "outbox_mail": everybody(404, args=words(uuid4())),
    "outbox_html": everybody(404, args=words(uuid4())),
    "users": row(302, 200, 403, 403, 403, 403, 200),
    "user_new": row(302, 302, 403, 403, 403, 403, 302),
    "user": row(302, 200, 403, 403, 403, 403, 404, args=a_member),
    "user_access": row(302, 302, 403, 403, 403, 403, 404, args=a_member, data={"on": "0"}),
    "user_remove": row(302, 302, 403, 403, 403, 403, 302, args=a_member, data={}),
    # Owners are asked for a fresh proof before anything is looked up.
    "user_owner": row(302, 302, 403, 403, 403, 403, 302, args=a_member, data={}),
    "user_invitation": row(302, 302, 403, 403, 403, 403, 302, args=an_invitation, data={"action": "resend"}),
    "invitation": everybody(404, args=words("no-such-token")),
    "account_switch": row(302, 404, 404, 404, 404, 404, 404, data={"account": str(uuid4())}),
    # connectors
    "connection_new": row(302, 200, 200, 403, 403, 403, 200),
    "connection_test_registration": row(302, 200, 200, 403, 403, 403, 200, data={}),
    "connection_authenticate": row(302, 302, 302, 403, 403, 403, 302),
    "connection_consented": row(302, 400, 400, 403, 403, 403, 400),
    "connection_signed_in": row(302, 400, 400, 403, 403, 403, 400),
    "connection": row(302, 200, 200, 403, 403, 403, 404, args=a_connection),
    "connection_test": row(302, 200, 200, 403, 403, 403, 404, args=a_connection, data={}),
    # vault: what concerns the owner alone (the cast's other administrator is the stranger, in his own account)
    "recovery_key": row(302, 200, 403, 403, 403, 403, 200),
    "recovery_key_confirm": row(302, 302, 403, 403, 403, 403, 302),
    # health: names of items are kept from who may not preview; the report of a drill has them
    "health": row(302, 200, 200, 200, 200, 403, 200),
    "health_check": row(302, 302, 302, 403, 403, 403, 302, data={"tier": "structure"}),
    "health_check_cancel": row(302, 302, 302, 302, 403, 403, 404, args=a_check, data={}),
    "health_report": row(302, 200, 403, 200, 403, 403, 404, args=a_drill),
    "storage": row(302, 200, 403, 403, 403, 403, 200),
    "storage_kinds": row(302, 200, 403, 403, 403, 403, 200),
    "storage_add": row(302, 302, 403, 403, 403, 403, 302, args=words("s3")),
    "storage_store": row(302, 200, 403, 403, 403, 403, 404, args=a_store),
    "storage_test": row(302, 200, 403, 403, 403, 403, 404, args=a_store, data={}),
    "storage_remove": row(302, 302, 403, 403, 403, 403, 404, args=a_store, data={}),
    "storage_move": row(302, 302, 403, 403, 403, 403, 302, args=a_shelf, data={}),
    "storage_replica": row(302, 302, 403, 403, 403, 403, 302, args=a_shelf, data={}),
    # backups
    "task_new": row(302, 200, 200, 403, 403, 403, 200),
    "task_new_service": row(302, 200, 200, 403, 403, 403, 200, args=words("exchange")),
    "task": row(302, 200, 200, 200, 200, 403, 404, args=a_task),
    "task_live": row(302, 200, 200, 200, 200, 403, 404, args=a_task),
    "task_act": row(302, 302, 302, 403, 403, 403, 404, args=a_task, data={"action": "pause"}, custom=404),
    "task_discover": row(302, 302, 302, 403, 403, 403, 404, args=a_task, data={}),
    "task_settings": row(302, 200, 200, 403, 403, 403, 404, args=a_task),
    "task_coverage": row(302, 200, 200, 200, 200, 403, 404, args=a_task),
    "task_gaps": row(302, 302, 302, 403, 403, 403, 404, args=a_task, data={"gap": "mail:failed"}),
    "entity_gaps": row(302, 302, 302, 403, 403, 403, 404, args=an_entity, data={"gap": ""}),
    "run_coverage": row(302, 200, 200, 200, 200, 403, 404, args=a_run),
    "run_coverage_csv": row(302, 200, 200, 200, 200, 403, 404, args=a_run),
    "entity": row(302, 200, 200, 200, 200, 403, 404, args=an_entity),
    "entity_live": row(302, 200, 200, 200, 200, 403, 404, args=an_entity),
    "entity_act": row(
        302, 302, 302, 403, 403, 403, 404, args=an_entity, data={"action": "activate"}, custom=404
    ),
    "run": row(302, 200, 200, 200, 200, 403, 404, args=a_run),
    # recovery
    "recovery": row(302, 200, 200, 200, 200, 403, 200),
    "recovery_entity": row(302, 200, 200, 200, 200, 403, 404, args=an_entity),
    "recovery_latest": row(302, 302, 302, 302, 302, 403, 404, args=an_entity),
    "recovery_browse": row(302, 200, 403, 200, 403, 403, 404, args=a_point),
    "recovery_selection": row(302, 200, 403, 200, 403, 403, 404, args=a_point),
    "recovery_select": row(302, 302, 403, 302, 403, 403, 404, args=a_point, data={}),
    "recovery_everything": row(302, 302, 403, 302, 403, 403, 404, args=a_point, data={}),
    "recovery_compare": row(302, 200, 403, 200, 403, 403, 404, args=an_entity),
    "recovery_compare_select": row(302, 404, 403, 404, 403, 403, 404, args=an_entity, data={}),
    "recovery_take": row(302, 302, 403, 302, 403, 403, 404, args=a_point, data={}),
    "recovery_life": row(302, 200, 403, 200, 403, 403, 404, args=a_message),
    "recovery_document": row(302, 200, 403, 200, 403, 403, 404, args=a_contact),
    "recovery_task": row(302, 302, 302, 302, 302, 403, 404, args=a_task),
    "recovery_restore": row(302, 200, 403, 200, 403, 403, 404, args=a_point),
    "recovery_export": row(302, 200, 403, 200, 403, 403, 404, args=a_point),
    # A plan is its maker's alone; an export needs the right at every click.
    "recovery_plan": row(302, 200, 403, 404, 403, 403, 404, args=a_plan),
    "recovery_plan_again": row(302, 302, 403, 404, 403, 403, 404, args=a_plan, data={}),
    "recovery_plan_start": row(302, 409, 403, 404, 403, 403, 404, args=a_plan, data={}),
    "recovery_undo": row(302, 302, 403, 302, 403, 403, 404, args=a_restore, data={}, custom=404),
    "recovery_lost": row(302, 200, 403, 200, 403, 403, 200),
    "recovery_lost_plans": row(302, 200, 403, 404, 403, 403, 404, args=some_plans),
    "recovery_lost_start": row(302, 302, 403, 404, 403, 403, 404, args=some_plans, data={}),
    "recovery_downloads": row(302, 200, 403, 200, 403, 403, 404, args=an_export),
    "recovery_download": row(302, 200, 403, 200, 403, 403, 404, args=an_export_part),
    "recovery_export_link": row(302, 302, 403, 302, 403, 403, 404, args=an_export_link),
    "recovery_export_revoke": row(302, 302, 403, 302, 403, 403, 404, args=an_export, data={}),
    "recovery_destinations": row(302, 302, 403, 403, 403, 403, 302),
    "recovery_destination_test": row(302, 302, 403, 403, 403, 403, 404, args=a_destination, data={}),
    "recovery_destination_remove": row(302, 302, 403, 403, 403, 403, 302, args=a_destination, data={}),
    "recovery_item": row(302, 200, 403, 200, 403, 403, 404, args=a_message),
    "recovery_letter": row(302, 200, 403, 200, 403, 403, 404, args=a_message),
    "recovery_headers": row(302, 200, 403, 200, 403, 403, 404, args=a_message),
    "recovery_message": row(302, 200, 403, 200, 403, 403, 404, args=a_message),
    "recovery_attachment": row(302, 200, 403, 200, 403, 403, 404, args=an_attachment),
    # jobs
    "job_list": row(302, 200, 200, 200, 200, 403, 200),
    "job": row(302, 200, 200, 200, 200, 403, 404, args=a_job),
    "job_card": row(302, 200, 200, 200, 200, 403, 404, args=a_job),
    "job_cancel": row(302, 302, 302, 302, 403, 403, 404, args=a_job, data={}),
    "job_report": row(302, 200, 403, 200, 403, 403, 404, args=a_job),
    # activity
    "activity_list": row(302, 200, 200, 200, 200, 403, 200),
    "activity_export": row(302, 200, 200, 200, 200, 403, 200),
    "audit_list": row(302, 200, 200, 200, 200, 403, 200),
    "audit_export": row(302, 200, 200, 200, 200, 403, 200),
    "audit_chain": row(302, 200, 200, 200, 200, 403, 200),
    "audit_check": row(302, 302, 302, 302, 302, 403, 302, data={}),
    "audit_stream": row(302, 200, 403, 403, 403, 403, 200),
    "audit_stream_stop": row(302, 302, 403, 403, 403, 403, 302, data={}),
    "audit_mail": row(302, 302, 403, 403, 403, 403, 302, data={"wanted": "yes"}),
    # the API, asked with a session here and with a token in test_api_table.py
    "api_schema": everybody(),
    "api_nowhere": everybody(404, args=words("nothing/here")),
    "api_me": api(200, 200, 200, 200, 200, 200),
    "api_account": api(200, 200, 200, 200, 200, 200),
    "api_users": api(200, 403, 403, 403, 403, 200),
    "api_user": api(200, 403, 403, 403, 403, 404, args=a_user),
    "api_activity": api(200, 200, 200, 200, 403, 200),
    "api_audit": api(200, 200, 200, 200, 403, 200),
    "api_tasks": api(200, 200, 200, 200, 403, 200),
    "api_task": api(200, 200, 200, 200, 403, 404, args=a_task),
    "api_task_act": api(
        200, 200, 403, 403, 403, 404, args=a_task, data={"action": "pause", "all": True}, custom=404
    ),
    "api_entities": api(200, 200, 200, 200, 403, 404, args=a_task),
    "api_entity": api(200, 200, 200, 200, 403, 404, args=an_entity),
    "api_entity_act": api(
        200, 200, 403, 403, 403, 404, args=an_entity, data={"action": "activate"}, custom=404
    ),
    "api_runs": api(200, 200, 200, 200, 403, 404, args=an_entity),
    "api_snapshots": api(200, 200, 200, 200, 403, 404, args=an_entity),
    "api_run": api(200, 200, 200, 200, 403, 404, args=a_run),
    "api_jobs": api(200, 200, 200, 200, 403, 200),
    "api_job": api(200, 200, 200, 200, 403, 404, args=a_job),
    "api_job_cancel": api(202, 202, 202, 403, 403, 404, args=a_job, data={}),
}
