"""Every address that the sandbox's Graph answers, with the application permissions that open it."""

from collections.abc import Callable

from . import (
    attachments,
    contacts,
    create,
    delta,
    directory,
    event_routes,
    folders,
    mailbox_settings,
    messages,
    notes,
    todo,
    uploads,
    usage,
)
from .request import Response
from .router import Route

_DIRECTORY = {"Directory.Read.All", "Directory.ReadWrite.All"}
USERS = frozenset(_DIRECTORY | {"User.Read.All", "User.ReadWrite.All", "User.ReadBasic.All", "User.Read"})
ORGANISATION = frozenset(_DIRECTORY | {"Organization.Read.All", "Organization.ReadWrite.All", "User.Read.All"})
LICENCES = frozenset(
    _DIRECTORY | {"LicenseAssignment.Read.All", "Organization.Read.All", "Organization.ReadWrite.All"}
)
GROUPS = frozenset(
    _DIRECTORY | {"Group.Read.All", "Group.ReadWrite.All", "GroupMember.Read.All", "Group.ReadBasic.All"}
)
REPORTS = frozenset({"Reports.Read.All"})
READ = frozenset({"Mail.Read", "Mail.ReadWrite"})
FOLDERS = READ | {"Mail.ReadBasic.All"}
WRITE = frozenset({"Mail.ReadWrite"})

U = "/users/{user}"
F = U + "/mailFolders/{folder}"
M = U + "/messages/{message}"


def _mail(method: str, template: str, handler: Callable[..., Response], needs: frozenset[str]) -> Route:
    return Route(method, template, handler, needs, "mail")


ROUTES = [
    Route("GET", "/reports/getMailboxUsageDetail(period='D7')", usage.mailbox_usage, REPORTS),
    Route("GET", "/organization", directory.list_organisation, ORGANISATION),
    Route("GET", "/organization/{id}", directory.get_organisation, ORGANISATION),
    Route("GET", "/subscribedSkus", directory.list_skus, LICENCES),
    Route("GET", "/users", directory.list_users, USERS),
    Route("GET", "/users/$count", directory.count_users, USERS),
    Route("GET", U, directory.get_user, USERS, "user"),
    Route("GET", U + "/licenseDetails", directory.license_details, USERS | LICENCES, "user"),
    Route("GET", U + "/memberOf", directory.member_of, USERS | GROUPS, "user"),
    Route("GET", "/groups", directory.list_groups, GROUPS),
    Route("GET", "/groups/{group}", directory.get_group, GROUPS),
    Route("GET", "/groups/{group}/members", directory.list_members, GROUPS),
    Route("GET", "/groups/{group}/transitiveMembers", directory.list_transitive_members, GROUPS),
    _mail("GET", U + "/mailFolders", folders.list_folders, FOLDERS),
    _mail("POST", U + "/mailFolders", folders.create_folder, WRITE),
    _mail("GET", U + "/mailFolders/$count", folders.count_folders, FOLDERS),
    _mail("GET", U + "/mailFolders/delta", delta.folder_delta, FOLDERS),
    _mail("GET", F, folders.get_folder, FOLDERS),
    _mail("PATCH", F, folders.update_folder, WRITE),
    _mail("DELETE", F, folders.delete_folder, WRITE),
    _mail("GET", F + "/childFolders", folders.list_children, FOLDERS),
    _mail("POST", F + "/childFolders", folders.create_child, WRITE),
    _mail("POST", F + "/move", folders.move_folder, WRITE),
    _mail("POST", F + "/copy", folders.copy_folder, WRITE),
    _mail("POST", F + "/permanentDelete", folders.destroy_folder, WRITE),
    _mail("GET", F + "/messages", messages.list_in_folder, READ),
    _mail("POST", F + "/messages", create.create_in_folder, WRITE),
    _mail("GET", F + "/messages/$count", messages.count_in_folder, READ),
    _mail("GET", F + "/messages/delta", delta.message_delta, READ),
    _mail("GET", U + "/messages", messages.list_all, READ),
    _mail("POST", U + "/messages", create.create_in_drafts, WRITE),
    _mail("GET", M, messages.get_message, READ),
    _mail("PATCH", M, messages.update_message, WRITE),
    _mail("DELETE", M, messages.delete_message, WRITE),
    _mail("GET", M + "/$value", messages.get_mime, READ),
    _mail("POST", M + "/move", messages.move_message, WRITE),
    _mail("POST", M + "/copy", messages.copy_message, WRITE),
    _mail("POST", M + "/permanentDelete", messages.destroy_message, WRITE),
    _mail("GET", M + "/attachments", attachments.list_attachments, READ),
    _mail("POST", M + "/attachments", attachments.add_attachment, WRITE),
    _mail("POST", M + "/attachments/createUploadSession", uploads.create_session, WRITE),
    _mail("GET", M + "/attachments/{attachment}", attachments.get_attachment, READ),
    _mail("DELETE", M + "/attachments/{attachment}", attachments.delete_attachment, WRITE),
    _mail("GET", M + "/attachments/{attachment}/$value", attachments.get_content, READ),
    *contacts.ROUTES,
    *event_routes.ROUTES,
    *todo.ROUTES,
    *mailbox_settings.ROUTES,
    *notes.ROUTES,
]
