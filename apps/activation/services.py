"""Draft a rule, start it, change it, pause and remove it, leave somebody out: one transaction each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F

from apps.accounts.approvals.services import LIFE
from apps.accounts.models import Account
from apps.backups.models import BackupTask, Entity, Tag
from apps.backups.services.tag_rules import tags_speak_of_retention
from apps.backups.services.tasks import change_settings
from apps.core import clock
from apps.core.actor import current_actor
from apps.core.errors import Conflict, InvalidRequest
from apps.core.permissions import Permission, require
from apps.core.scope import current_account_id

from .address_list import AddressList
from .directory import members_of
from .enums import Leaving, Mode, Outcome, RuleKind, RuleState
from .evaluate import say
from .models import Rule, RuleEvent, RuleList, RuleMember
from .words import rule_words

DRAFTS_LAST: Final = timedelta(days=2)
AT_MOST: Final = 100
_COPIED: Final = ("name", "kind", "mode", "leaving", "conditions", "tag_id")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a form gathered. `listed` is a list that was handed in."""

    kind: str
    mode: str
    leaving: str = Leaving.KEEP
    conditions: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    tag: Tag | None = None
    listed: AddressList | None = None


def draft(*, task: BackupTask, wanted: Wanted, replaces: Rule | None = None) -> Rule:
    """Keep a choice that is not confirmed yet, to show what it would do. Asks the provider who is in a group.

    Raises what the connector raises, and Conflict for too many rules.
    """
    _require(wanted.leaving, wanted.tag, replaces)
    found = _listed(task, wanted)
    with transaction.atomic():
        if Rule.objects.filter(task=task, state__in=[RuleState.ACTIVE, RuleState.PAUSED]).count() >= AT_MOST:
            raise Conflict(
                f"A backup task has {AT_MOST} rules at most.", do="Remove rules that are not needed."
            )
        rule = Rule(
            account_id=task.account_id,
            task=task,
            kind=wanted.kind,
            mode=wanted.mode,
            leaving=wanted.leaving if wanted.mode == Mode.DAILY else Leaving.KEEP,
            conditions=dict(wanted.conditions),
            tag=wanted.tag,
            replaces=replaces,
            created_by=current_actor().label[:200],
        )
        rule.name = (wanted.name.strip() or rule_words(rule))[:200]
        rule.save()
        problems = [list(each) for each in wanted.listed.problems] if wanted.listed else []
        if wanted.kind in (RuleKind.LIST, RuleKind.GROUP):
            RuleList.objects.create(account_id=task.account_id, rule=rule, values=found, problems=problems)
    return rule


def _listed(task: BackupTask, wanted: Wanted) -> list[str] | dict[str, int]:
    if wanted.kind == RuleKind.GROUP:
        return sorted(members_of(task.connection, wanted.conditions["groups"]))
    return wanted.listed.addresses if wanted.listed else {}


def asks_about_all(rule: Rule) -> bool:
    """Tell whether starting it must say what becomes of “activate everybody who is new” (features DSC-07)."""
    return rule.task.auto_activate and rule.mode == Mode.DAILY and rule.kind != RuleKind.EVERYONE


def start(*, rule: Rule, all_new: str = "") -> Rule:
    """Confirm a draft that deletes nothing (`deleting.start_deleting`); returns the rule in force now.

    `all_new`: "keep" activates everybody who is new as before, "rules" only whom rules choose. Raises
    InvalidRequest where that must be answered and is not, Conflict for what is no draft any more.
    """
    if rule.leaving == Leaving.DELETE:
        raise InvalidRequest("A rule that deletes is started by itself.", do="Start it on its page.")
    return start_now(rule=rule, all_new=all_new)


@transaction.atomic
def start_now(*, rule: Rule, all_new: str) -> Rule:
    """The same for every rule, once whoever has to approve it did."""
    _require(rule.leaving, rule.tag, rule.replaces)
    draft = Rule.objects.select_for_update().filter(pk=rule.pk, state=RuleState.DRAFT).first()
    if draft is None:
        raise Conflict("This choice was confirmed or discarded already.", do="See the list of rules.")
    if asks_about_all(rule):
        check_all_new(all_new)
        _settle_all_new(rule, all_new)
    if rule.replaces is not None:
        return _replace(rule, rule.replaces)
    Rule.objects.filter(pk=rule.pk).update(state=RuleState.ACTIVE, revision=F("revision") + 1)
    say(rule, "rule.started", chooses=rule_words(rule), mode=rule.get_mode_display())
    return follow_soon(rule)


def check_all_new(all_new: str) -> None:
    """Raise InvalidRequest for what is no answer to what becomes of who is new."""
    if all_new not in ("keep", "rules"):
        raise InvalidRequest(
            "This task activates everybody who is new. Should it go on with that?",
            do="Choose one of the two answers.",
        )


def _settle_all_new(rule: Rule, all_new: str) -> None:
    if all_new == "rules":
        require(Permission.MODIFY)
        change_settings(task=rule.task, auto_activate=False)


def _replace(draft: Rule, rule: Rule) -> Rule:
    """Take over what the draft says; whom it left out stays left out."""
    locked = Rule.objects.select_for_update().filter(pk=rule.pk, state__in=[RuleState.ACTIVE, RuleState.PAUSED])
    if not locked.exists():
        raise Conflict("The rule was removed meanwhile.", do="Make a new one.")
    before = rule.tag_id
    for name in _COPIED:
        setattr(rule, name, getattr(draft, name))
    if rule.tag_id != before:
        RuleMember.objects.filter(rule=rule).update(tagged=False)  # the tag before is nobody's to take off now
    rule.revision, rule.checked_at, rule.problem = rule.revision + 1, None, ""
    rule.asks, rule.asked, rule.allowed = 0, [], []
    rule.save(update_fields=[*_COPIED, "revision", "checked_at", "problem", "asks", "asked", "allowed"])
    RuleList.objects.filter(rule=rule).delete()
    RuleList.objects.filter(rule=draft).update(rule=rule)
    members = RuleMember.objects.filter(rule=draft, outcome=Outcome.EXCLUDED).select_related("entity")
    left_out = [member.entity for member in members]
    _put_out(rule, [entity.pk for entity in left_out])
    Rule.objects.filter(pk=draft.pk).delete()
    if left_out:
        _write(rule, left_out, Outcome.EXCLUDED)
        say(rule, "rule.left_out", count=len(left_out))
    say(rule, "rule.changed", chooses=rule_words(rule))
    return follow_soon(rule)


@transaction.atomic
def pause(*, rule: Rule) -> None:
    """Follow it no more until it is resumed; whom it activated goes on."""
    _move(rule, RuleState.ACTIVE, RuleState.PAUSED, "rule.paused")


def resume(*, rule: Rule) -> None:
    """Follow it again: who came and who left meanwhile is made up for. Not for one that deletes."""
    if rule.leaving == Leaving.DELETE:
        raise InvalidRequest("A rule that deletes is resumed by itself.", do="Resume it on its page.")
    resume_now(rule=rule)


@transaction.atomic
def resume_now(*, rule: Rule) -> None:
    """The same for every rule, once whoever has to approve it did."""
    _require(rule.leaving, rule.tag)
    _move(rule, RuleState.PAUSED, RuleState.ACTIVE, "rule.resumed")
    Rule.objects.filter(pk=rule.pk).update(checked_at=None)
    follow_soon(rule)


@transaction.atomic
def remove(*, rule: Rule) -> None:
    """Take it off the list; whom it activated goes on, and what it did stays in their history."""
    require(Permission.ACTIVATE)
    gone = Rule.objects.select_for_update().filter(pk=rule.pk).exclude(state=RuleState.REMOVED)
    if rule.state == RuleState.DRAFT:
        gone.delete()
    elif gone.update(state=RuleState.REMOVED, tag=None, revision=F("revision") + 1):
        Rule.objects.filter(replaces=rule.pk).delete()
        RuleMember.objects.filter(rule=rule.pk).delete()
        say(rule, "rule.removed")


@transaction.atomic
def leave_out(*, rule: Rule, entities: Sequence[Entity]) -> int:
    """Take these out of the rule for good: it neither starts nor pauses them. Returns how many were in."""
    require(Permission.ACTIVATE)
    ids = {entity.pk: entity for entity in entities if entity.task_id == rule.task_id}
    already = RuleMember.objects.filter(rule=rule, outcome=Outcome.EXCLUDED, entity_id__in=ids)
    new = [pk for pk in ids if pk not in set(already.values_list("entity_id", flat=True))]
    _put_out(rule, new)
    if new and rule.state != RuleState.DRAFT:
        _write(rule, [ids[pk] for pk in new], Outcome.EXCLUDED)
        say(rule, "rule.left_out", count=len(new))
    return len(new)


@transaction.atomic
def take_in(*, rule: Rule, entities: Sequence[Entity]) -> int:
    """Let the rule look at these again, at its next turn. Returns how many were left out."""
    _require(Leaving.KEEP, rule.tag if entities else None)
    out = RuleMember.objects.filter(rule=rule, outcome=Outcome.EXCLUDED, entity__in=entities)
    back = [member.entity for member in out.select_related("entity")]
    count, _ = out.delete()
    if count and rule.state != RuleState.DRAFT:
        _write(rule, back, Outcome.TAKEN_IN)
        say(rule, "rule.taken_in", count=count)
    if count and rule.state == RuleState.ACTIVE:
        Rule.objects.filter(pk=rule.pk).update(checked_at=None)
        follow_soon(rule)
    return count


def _put_out(rule: Rule, ids: Sequence[int]) -> None:
    RuleMember.objects.filter(rule=rule, entity_id__in=ids).delete()
    RuleMember.objects.bulk_create(
        RuleMember(account_id=rule.account_id, rule=rule, entity_id=pk, outcome=Outcome.EXCLUDED) for pk in ids
    )


def _write(rule: Rule, entities: Sequence[Entity], outcome: Outcome) -> None:
    """Keep in the history what a person decided about these."""
    who = current_actor().label
    RuleEvent.objects.bulk_create(
        RuleEvent(
            account_id=rule.account_id,
            rule=rule,
            entity=entity,
            label=entity.name,
            address=entity.address,
            outcome=outcome,
            why=f"By {who}" if who else "",
        )
        for entity in entities
    )


def forget_old_drafts() -> int:
    """Delete choices that nobody confirmed for two days; in the scope in force. Proposals live longer."""
    now, drafts = clock.now(), Rule.objects.filter(state=RuleState.DRAFT)
    old = drafts.exclude(leaving=Leaving.DELETE).filter(created_at__lt=now - DRAFTS_LAST)
    proposed = drafts.filter(leaving=Leaving.DELETE, created_at__lt=now - DRAFTS_LAST - LIFE)
    return old.delete()[0] + proposed.delete()[0]


def _move(rule: Rule, before: str, after: str, code: str) -> None:
    require(Permission.ACTIVATE)
    moved = Rule.objects.filter(pk=rule.pk, state=before, mode=Mode.DAILY)
    if not moved.update(state=after, revision=F("revision") + 1):
        raise Conflict("The rule is not in that state any more.", do="Look at it again.")
    say(rule, code)


def follow_soon(rule: Rule) -> Rule:
    from .tasks import follow_rule  # noqa: PLC0415 - the task's module calls services

    follow_rule.after_commit(account_id=rule.account_id, rule_id=rule.pk)
    return rule


def _require(leaving: str, tag: Tag | None, replaces: Rule | None = None) -> None:
    """Raise for who lacks the rights, and for a tag that one person alone must not put on and take off."""
    require(Permission.ACTIVATE)
    if leaving == Leaving.PAUSE:
        require(Permission.PAUSE)
    if leaving == Leaving.DELETE:
        require(Permission.DELETE)
    if tag is not None or (replaces is not None and replaces.tag_id is not None):
        require(Permission.MODIFY)  # as on the page of tags: what a rule does to them, a person ordered
    if tag is not None and tags_speak_of_retention([tag]):
        require(Permission.DELETE)
        if Account.objects.get(pk=current_account_id()).two_person:
            raise Conflict(
                f"The policy of the tag {tag.name} says how long backups are kept. In this account two people "
                "decide that, so a rule cannot put the tag on.",
                do="Choose another tag, or put this one on in the list of the task, where it is approved.",
            )
