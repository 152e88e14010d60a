"""From an id in a request to a row of backups. Missing and foreign are one answer; a weak right is another."""

from uuid import UUID

from apps.core.errors import NotFound
from apps.core.permissions import Permission, require

from .models import BackupTask, Entity, Erasure, Hook, Policy, Report, Run, Tag


def task_for(public_id: UUID, permission: Permission = Permission.VIEW) -> BackupTask:
    """Return the account's backup task. Raises NotFound, or PermissionMissing without `permission`."""
    task = BackupTask.objects.select_related("connection").filter(public_id=public_id).first()
    if task is None:
        raise NotFound("There is no such backup task.", do="Open it from the list on the home page.")
    require(permission)
    return task


def entity_for(public_id: UUID, permission: Permission = Permission.VIEW) -> Entity:
    """Return the account's entity with its task. Raises NotFound, or PermissionMissing."""
    entity = Entity.objects.select_related("task__connection").filter(public_id=public_id).first()
    if entity is None:
        raise NotFound("There is no such mailbox.", do="Open it from the page of its backup task.")
    require(permission)
    return entity


def run_for(public_id: UUID, permission: Permission = Permission.VIEW) -> Run:
    """Return the account's run with its entity and task. Raises NotFound, or PermissionMissing."""
    run = Run.objects.select_related("entity__task__connection").filter(public_id=public_id).first()
    if run is None:
        raise NotFound("There is no such run.", do="Open it from the page of its mailbox.")
    require(permission)
    return run


def erasure_for(public_id: UUID, permission: Permission = Permission.VIEW) -> Erasure:
    """Return the account's erasure with its entity. Raises NotFound, or PermissionMissing."""
    erasure = Erasure.objects.select_related("entity__task").filter(public_id=public_id).first()
    if erasure is None:
        raise NotFound("There is no such erasure.", do="Open it from the list of erasures.")
    require(permission)
    return erasure


def tag_for(public_id: UUID, permission: Permission = Permission.VIEW) -> Tag:
    """Return the account's tag. Raises NotFound, or PermissionMissing."""
    tag = Tag.objects.filter(public_id=public_id).first()
    if tag is None:
        raise NotFound("There is no such tag.", do="Open the list of tags again.")
    require(permission)
    return tag


def policy_for(public_id: UUID, permission: Permission = Permission.MODIFY) -> Policy:
    """Return the account's policy. Raises NotFound, or PermissionMissing."""
    policy = Policy.objects.filter(public_id=public_id).first()
    if policy is None:
        raise NotFound("There is no such policy.", do="Open the list of policies again.")
    require(permission)
    return policy


def hook_for(public_id: UUID, permission: Permission = Permission.MODIFY) -> Hook:
    """Return the account's hook with its task. Raises NotFound, or PermissionMissing."""
    hook = Hook.objects.select_related("task__connection").filter(public_id=public_id).first()
    if hook is None:
        raise NotFound("There is no such hook.", do="Open it from the page of its backup task.")
    require(permission)
    return hook


def report_for(public_id: UUID, permission: Permission = Permission.VIEW) -> Report:
    """Return the account's report with what it is about. Raises NotFound, or PermissionMissing."""
    report = Report.objects.select_related("task", "entity__task").filter(public_id=public_id).first()
    if report is None:
        raise NotFound("There is no such report.", do="Open the link of a newer one.")
    require(permission)
    return report
