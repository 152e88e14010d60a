"""Who gets what at every address. A route without a row here fails `test_url_table.py`.

To add a route: one line in TABLE, with the HTTP status that each of TYPED gets, in their order. 302 sends the
anonymous to sign in. The stranger is administrator of another account: 404 for an object of ours, 200 for a
page that shows their own. `args` makes what the address names, in the account of the cast; `data` makes it a
POST.

What the others of PEOPLE get follows from that (`_follows`), unless the row says it: `row(…, custom=403)`.
"""

from tests.security.url_accounts import ACCOUNTS
from tests.security.url_objects import (
    a_check,
    a_connection,
    a_contact,
    a_destination,
    a_drill,
    a_job,
    a_message,
    a_plan,
    a_point,
    a_restore,
    a_run,
    a_shelf,
    a_store,
    a_tag,
    a_task,
    a_user,
    an_attachment,
    an_entity,
    an_export,
    an_export_link,
    an_export_part,
    some_plans,
    words,
)
from tests.security.url_rows import Row, api, everybody, members, row

TABLE: dict[str, Row] = {
    # name: anonymous, owner, operator, restorer, viewer, finance, stranger (others: `_follows`)
    # health
    "healthz": everybody(),
    "readyz": everybody(),
    # portal
    "home": members(),
    "home_view": row(302, 302, 302, 302, 302, 403, 302, data={"view": "rows"}, custom=302),
    "sample": row(302, 404, 404, 403, 403, 403, 404, custom=403),  # 200 where a sandbox is run
    "search": members(),
    "settings": row(302, 200, 403, 403, 403, 403, 200),
    "my_security": members(partner=200, staff=302),
    "security": row(302, 200, 403, 403, 403, 403, 200),
    "unbuilt": members(args=words("billing")),
    "support": members(),
    "help": everybody(),
    "help_topic": everybody(args=words("jobs")),
    "styleguide": everybody(),
    **ACCOUNTS,
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
    "task_tags": row(302, 302, 302, 403, 403, 403, 404, args=a_task, data={}),
    "tags": row(302, 200, 200, 403, 403, 403, 200),
    "tag_create": row(302, 302, 302, 403, 403, 403, 302, data={"name": "Manager"}),
    "tag_change": row(302, 302, 302, 403, 403, 403, 404, args=a_tag, data={"name": "Chef"}),
    "task_discover": row(302, 302, 302, 403, 403, 403, 404, args=a_task, data={}),
    "task_settings": row(302, 200, 200, 403, 403, 403, 404, args=a_task),
    "task_schedule": row(302, 200, 200, 403, 403, 403, 404, args=a_task),
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
