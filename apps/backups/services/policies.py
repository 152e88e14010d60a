"""Make, change, assign and delete policies. Those that speak of retention go by the two-person rule."""

from collections.abc import Sequence
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from apps.accounts.approvals import Proposed, propose
from apps.accounts.approvals.registry import Payload
from apps.activity import services as activity
from apps.core.errors import Conflict, InvalidRequest
from apps.core.permissions import Permission, require
from apps.core.scope import current_account_id
from apps.core.sight import whole_sight

from ..exclusions import Exclusions
from ..less_protected import tell_less_protected
from ..models import BackupTask, Entity, EntityTag, Policy, PolicyTag, Tag
from ..planning import replan
from ..retention.inforce import of_task
from ..retention.rules import Rule
from ..ruling import PARTS
from ..schedules import Schedule
from ..schedules.words import schedule_words
from ..service_list import nouns_of
from .tag_rules import tags_speak_of_retention
from .tasks import change_settings

CHANGE: Final = "policy.change"
ASSIGN: Final = "policy.assign"
AT_MOST: Final = 100
Parts = dict[str, dict[str, Any] | None]


def policy_save(
    *, policy: Policy | None, name: str, parts: Parts, tags: Sequence[Tag] = (), rank: int = 100
) -> Proposed:
    """Make a policy or change one. What could shorten retention may have to wait for a second administrator."""
    require(Permission.MODIFY)
    for part in PARTS:
        part_words(part, parts.get(part))  # raises for what is none
    payload = {
        "policy": str(policy.public_id) if policy else "",
        "name": _clean(name),
        "parts": parts,
        "tags": [str(tag.public_id) for tag in tags],
        "rank": rank,
    }
    with transaction.atomic():
        policy = _held(policy, tags)
        if could_shorten(policy, parts, tags):
            return propose(CHANGE, payload, f"Policy {payload['name']}")
        apply_change(payload)
    return Proposed(done=True)


def _held(policy: Policy | None, tags: Sequence[Tag] = ()) -> Policy | None:
    """Lock a policy, and those whose tags these are, as they stand now: what was read before may be old."""
    wanted = Q(policy_tags__tag__in=tags) | Q(pk=policy.pk if policy else None)
    ids = list(Policy.objects.filter(wanted).order_by("pk").values_list("pk", flat=True).distinct())
    found = {each.pk: each for each in Policy.objects.select_for_update().filter(pk__in=ids).order_by("pk")}
    if policy is not None and policy.pk not in found:
        raise InvalidRequest("The policy is not there any more.")
    return found[policy.pk] if policy is not None else None


def could_shorten(policy: Policy | None, parts: Parts, tags: Sequence[Tag]) -> bool:
    """Tell whether it speaks of retention, did so, or takes a tag from another policy that does."""
    if parts.get("retention") is not None or (policy is not None and policy.retention is not None):
        return True
    return tags_speak_of_retention(tags)


@transaction.atomic
def policy_delete(*, policy: Policy) -> Proposed:
    """Forget a policy: what it ruled goes by the rules of its task again."""
    require(Permission.MODIFY)
    payload = {"policy": str(policy.public_id), "delete": True, "name": policy.name}
    held = _held(policy)
    if held is not None and held.retention is not None:
        return propose(CHANGE, payload, f"Delete the policy {policy.name}")
    apply_change(payload)
    return Proposed(done=True)


@transaction.atomic
def policy_assign(*, task: BackupTask, policy: Policy | None) -> Proposed:
    """Let a policy, or with None nothing but its own settings, rule a task."""
    require(Permission.MODIFY)
    if task.policy == policy:
        return Proposed(done=True)
    task.refresh_from_db(fields=["policy"])
    wanted = [each.pk for each in (policy, task.policy) if each is not None]
    held = {each.pk: each for each in Policy.objects.select_for_update().filter(pk__in=wanted).order_by("pk")}
    policy, before = held.get(policy.pk) if policy else None, held.get(task.policy_id or 0)
    payload = {"task": str(task.public_id), "policy": str(policy.public_id) if policy else ""}
    if speaks_of_retention(before, policy):
        return propose(ASSIGN, payload, f"Policy of {task.name}: {policy or 'none'}")
    apply_assign(payload)
    return Proposed(done=True)


def speaks_of_retention(before: Policy | None, after: Policy | None) -> bool:
    """Tell whether this change of a task's policy could make what is kept less."""
    return before != after and any(each is not None and each.retention is not None for each in (before, after))


def _named(public_id: str) -> Policy | None:
    return Policy.objects.filter(public_id=public_id).first() if public_id else None


@transaction.atomic
def apply_change(payload: Payload) -> None:
    """The act behind saving and deleting."""
    require(Permission.MODIFY)
    with whole_sight("a policy holds for everything that it is given to"):
        policy = _named(payload["policy"])
        if payload["policy"] and policy is None:
            raise InvalidRequest("The policy is not there any more.")
        touched = _tasks_of(policy)
        if payload.get("delete"):
            assert policy is not None
            _say("backup_policy.deleted", policy, {})
            if policy.retention is not None:
                _tell(policy, "deleted the policy. What it ruled goes by the rules of its task again.")
            policy.delete()
        else:
            policy = _written(policy, payload)
            touched |= _tasks_of(policy)
        for task in BackupTask.objects.select_related("policy", "after_task").filter(pk__in=touched):
            replan(task)


@transaction.atomic
def apply_assign(payload: Payload) -> None:
    """The act behind giving a policy to a task."""
    with whole_sight("a policy holds for everything that it is given to"):
        task = BackupTask.objects.filter(public_id=payload["task"]).first()
        policy = _named(payload["policy"])
        if task is None or (payload["policy"] and policy is None):
            raise InvalidRequest("The backup task or the policy is not there any more.")
        before, had = task.policy, of_task(task)
        change_settings(task=task, policy=policy)
        if speaks_of_retention(before, policy):
            task.policy = policy
            said = f"{task.name}: “{of_task(task).rule.words()}”; until now “{had.rule.words()}”."
            link = f"/tasks/{task.public_id}/retention/"
            tell_less_protected(task.name, f"another policy for {said}", link=link, link_words="Retention")


def words_of(payload: Payload) -> str:
    """Say what would hold, for who approves."""
    if "task" in payload:
        policy = _named(payload["policy"])
        return _assign_words(payload, policy)
    policy = _named(payload["policy"])
    now = "It is new."
    if policy is not None:
        had = Tag.objects.filter(policy_tag__policy=policy)
        now = f"Until now it says: {_said(_portrait(policy))}; it rules {_ruled(policy, had)}."
    if payload.get("delete"):
        return f"The policy would be deleted. What it rules goes by the rules of its task again. {now}"
    tags = Tag.objects.filter(public_id__in=payload["tags"]).order_by("name")
    wanted: dict[str, Any] = {part: part_words(part, payload["parts"].get(part)) for part in PARTS}
    wanted["tags"] = ", ".join(f"{tag} ({payload['rank']})" for tag in tags)
    rows = PolicyTag.objects.select_related("policy", "tag").filter(tag__in=tags).order_by("tag__name")
    taken = [
        f" The tag “{row.tag}” would leave the policy “{row.policy}” (retention: {_kept(row.policy)})."
        for row in (rows.exclude(policy=policy) if policy else rows)
    ]
    would = f"The policy “{payload['name']}” would say: {_said(wanted)}; it would rule {_ruled(policy, tags)}."
    return f"{would}{''.join(taken)} {now}"


def _assign_words(payload: Payload, policy: Policy | None) -> str:
    by = f"the policy “{policy}”" if policy else "its own settings only"
    task = BackupTask.objects.select_related("policy").filter(public_id=payload["task"]).first()
    if task is None or (payload["policy"] and policy is None):
        return "The backup task or the policy is not there any more."
    had, count = of_task(task), task.entities.count()
    task.policy = policy
    return (
        f"The task “{task.name}” ({nouns_of(task.service).count(count)}) would be ruled by {by}: "
        f"{of_task(task).rule.words()}. Until now: {had.rule.words()} ({had.why})."
    )


def _said(portrait: dict[str, Any]) -> str:
    return "; ".join(f"{part}: {portrait[part]}" for part in PARTS) + f"; tags: {portrait['tags'] or 'none'}"


def _kept(policy: Policy) -> str:
    return part_words("retention", policy.retention)


def _ruled(policy: Policy | None, tags: QuerySet[Tag]) -> str:
    """How many these tags and the tasks of the policy name, as far as the reader sees them."""
    tagged = Entity.objects.filter(pk__in=EntityTag.objects.filter(tag__in=tags).values("entity_id"))
    count = (tagged | Entity.objects.filter(task__policy=policy) if policy else tagged).count()
    return f"{count:,} mailboxes" if count != 1 else "1 mailbox"


def part_words(part: str, value: dict[str, Any] | None) -> str:
    """Say what a policy says about one part."""
    if value is None:
        return "says nothing"
    if part == "schedule":
        return schedule_words(Schedule.from_json(value))
    return Rule.from_json(value).words() if part == "retention" else Exclusions.from_json(value).words()


def uses_of_tag(tag: Tag) -> list[str]:
    """Name the policy that goes by a tag: such a tag is not deleted."""
    return [f"the policy {row.policy}" for row in PolicyTag.objects.select_related("policy").filter(tag=tag)]


def _written(policy: Policy | None, payload: Payload) -> Policy:
    before = _portrait(policy) if policy else {}
    policy = policy or Policy(account_id=current_account_id())
    if policy.pk is None and Policy.objects.count() >= AT_MOST:
        raise Conflict(f"An account has {AT_MOST} policies at most.", do="Delete one that nobody needs.")
    policy.name = payload["name"]
    for part in PARTS:
        setattr(policy, part, payload["parts"].get(part))
    try:
        with transaction.atomic():
            policy.save()
    except IntegrityError as error:
        raise Conflict(f"There is a policy {policy.name} already.", do="Choose another name.") from error
    tags = list(Tag.objects.filter(public_id__in=payload["tags"]))
    robbed = Policy.objects.filter(policy_tags__tag__in=tags).exclude(pk=policy.pk).distinct()
    others = [(other, _portrait(other)) for other in robbed]
    policy.policy_tags.exclude(tag__in=tags).delete()
    for tag in tags:
        values = {"policy": policy, "rank": payload["rank"], "account_id": policy.account_id}
        PolicyTag.objects.update_or_create(tag=tag, defaults=values)
    for other, had in others:
        _say_changed("backup_policy.changed", other, had)
    _say_changed("backup_policy.changed" if before else "backup_policy.created", policy, before)
    return policy


def _tasks_of(policy: Policy | None) -> set[int]:
    """Tasks whose entities a policy rules, by itself or by tags."""
    if policy is None or policy.pk is None:
        return set()
    tagged = BackupTask.objects.filter(entities__entity_tags__tag__policy_tag__policy=policy)
    return {*policy.tasks.values_list("pk", flat=True), *tagged.values_list("pk", flat=True)}


def _portrait(policy: Policy) -> dict[str, Any]:
    tags = policy.policy_tags.select_related("tag").order_by("tag__name")
    said: dict[str, Any] = {part: part_words(part, getattr(policy, part)) for part in PARTS}
    return {"name": policy.name} | said | {"tags": ", ".join(f"{row.tag} ({row.rank})" for row in tags)}


def _say_changed(code: str, policy: Policy, before: dict[str, Any]) -> None:
    after = _portrait(policy)
    changes = {key: [before.get(key, ""), after[key]] for key in after if before.get(key) != after[key]}
    if not changes:
        return
    _say(code, policy, changes)
    spoke = before.get("retention") not in (None, part_words("retention", None))
    if changes.keys() & {"retention", "tags"} and (spoke or policy.retention is not None):
        said = "; ".join(f"{key} from “{was}” to “{now}”" for key, (was, now) in changes.items())
        _tell(policy, f"changed {said}.")


def _tell(policy: Policy, words: str) -> None:
    tell_less_protected(f"policy {policy}", words, link="/policies/", link_words="Policies")


def _say(code: str, policy: Policy, changes: dict[str, list[Any]]) -> None:
    said = ", ".join(f"{key} from “{before}” to “{after}”" for key, (before, after) in changes.items())
    activity.record(
        code, item_label=policy.name, subject_id=policy.public_id, changes=changes, audited=said or policy.name
    )


def _clean(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 120:
        raise InvalidRequest("A policy needs a name of up to 120 letters.", do="Type one.")
    return name
