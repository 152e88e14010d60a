"""Let rules act: read what they choose by, judge everybody, and do in small transactions what is to be done.

Whatever was done is written in the same transaction as its history, a thousand mailboxes at a time. A worker
that dies leaves the rest to the next look, which finds what is still to be done: nothing is done twice.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q, QuerySet

from apps.accounts.selectors import stopped_accounts
from apps.activity import services as activity
from apps.activity.models import ActivityStatus
from apps.backups.enums import Topic
from apps.backups.models import Entity, EntityTag
from apps.backups.services import news
from apps.backups.services.activation import pause_by_rule, start_by_rule
from apps.backups.services.leaving import delete_of_rule, put_back_of_rule
from apps.backups.services.tags import tag_apply, tag_remove
from apps.connectors.enums import ConnectionState
from apps.core import clock
from apps.core.errors import EverkeepError

from .asking import tell_asks
from .directory import members_of
from .enums import Mode, Outcome, RuleKind, RuleState
from .models import Rule, RuleEvent, RuleList, RuleMember
from .plan import COMES, HOLDS, Plan, Step, met_key, plan_of

logger = logging.getLogger("everkeep.activation")
AT_ONCE: Final = 1000
DAY: Final = timedelta(hours=24)
AGAIN: Final = timedelta(hours=1)
MOST_RULES: Final = 500
_Chunk = Sequence[Step]


class Overtaken(Exception):
    """The rule was changed, paused or removed while it was being followed."""


def rules_due() -> "QuerySet[Rule]":
    """Rules never followed, or not since the last discovery, or not for a day; after trouble, each hour."""
    now = clock.now()
    never, old = Q(checked_at__isnull=True), Q(checked_at__lt=now - DAY)
    rested = Q(checked_at__lt=now - AGAIN)
    since_discovery = Q(task__discovered_at__gt=F("checked_at"), problem="")
    due = never | old | since_discovery | (~Q(problem="") & rested)
    awake = ~Q(account__in=stopped_accounts())
    listed = Q(task__discovered_at__isnull=False, task__connection__state=ConnectionState.CONNECTED)
    return Rule.objects.filter(due, awake, listed, state=RuleState.ACTIVE).order_by("checked_at", "pk")[
        :MOST_RULES
    ]


def follow(rule_id: int) -> Plan | None:
    """Bring everybody in line with one rule. None: it is not in force, could not be read, or was changed."""
    rules = Rule.objects.select_related("task__connection", "replaces")
    rule = rules.filter(pk=rule_id, state=RuleState.ACTIVE).first()
    if rule is None:
        return None
    try:
        plan = plan_of(rule, read_list(rule, anew=True))
    except EverkeepError as problem:
        _note_problem(rule, str(problem))
        return None
    left = sorted(_ids(plan.goes, Outcome.LEFT_DELETED))
    asked = left if plan.too_many and not set(left) <= set(rule.allowed) else []
    if asked:
        plan.goes = [step for step in plan.goes if step.outcome != Outcome.LEFT_DELETED]
    try:
        _in_chunks(rule, plan.comes, _come)
        _in_chunks(rule, plan.goes, _go)
        _finish(rule, plan, asked)
    except Overtaken:
        return None
    except EverkeepError as problem:  # such as a hold that came this moment; what was done so far stays
        _note_problem(rule, str(problem))
        return None
    return plan


def read_list(rule: Rule, *, anew: bool) -> list[str]:
    """Return the addresses of a list, or the ids of the groups' members; `anew` asks the provider for those."""
    if rule.kind not in (RuleKind.LIST, RuleKind.GROUP):
        return []
    kept = RuleList.objects.filter(rule=rule).first()
    if kept is not None and (rule.kind == RuleKind.LIST or not anew):
        return list(kept.values)
    if rule.kind == RuleKind.LIST:
        return []
    found = sorted(members_of(rule.task.connection, rule.conditions.get("groups", ())))
    RuleList.objects.update_or_create(
        rule=rule, defaults={"account_id": rule.account_id, "values": found, "read_at": clock.now()}
    )
    return found


def _in_chunks(rule: Rule, steps: list[Step], act: Callable[[Rule, _Chunk], _Chunk]) -> None:
    """Do them, and leave in `steps` what was done."""
    for start in range(0, len(steps), AT_ONCE):
        with transaction.atomic():
            _hold(rule)
            steps[start : start + AT_ONCE] = act(rule, steps[start : start + AT_ONCE])


def _hold(rule: Rule) -> None:
    """Lock the rule as it was read. Raises Overtaken when it is another one now."""
    same = Rule.objects.select_for_update().filter(pk=rule.pk, revision=rule.revision, state=RuleState.ACTIVE)
    if not same.exists():
        raise Overtaken


def _come(rule: Rule, steps: _Chunk) -> _Chunk:
    """Start who is to be started, remember all, write down what is news. Returns what was done."""
    steps = _put_back(rule, steps)
    rows = RuleMember.objects.filter(rule=rule, entity_id__in=[step.candidate.pk for step in steps])
    known = dict(rows.values_list("entity_id", "outcome"))
    tagged = set(rows.filter(tagged=True).values_list("entity_id", flat=True))
    news = [step for step in steps if known.get(step.candidate.pk) != step.outcome]
    RuleMember.objects.filter(rule=rule, entity_id__in=[step.candidate.pk for step in news]).delete()
    _remember(rule, news, tagged=tagged)
    if rule.tag_id:
        _tag(rule, [step.candidate.pk for step in news if step.outcome in HOLDS])
    start_by_rule(task=rule.task, entity_ids=_ids(steps, *COMES))  # by the schedule that the tag gives
    _write_down(rule, news)
    return steps


def _put_back(rule: Rule, steps: _Chunk) -> _Chunk:
    """Put back who fits again; who was too late for it is said to be what they are: being deleted."""
    wanted = _ids(steps, Outcome.PUT_BACK)
    late = {*wanted} - put_back_of_rule(rule.task, wanted, f"The rule {rule.name} chooses it again.")
    return [step._replace(outcome=Outcome.DELETING) if step.candidate.pk in late else step for step in steps]


def _remember(rule: Rule, steps: _Chunk, *, tagged: set[int]) -> None:
    """Keep them as the rule's, unless a discovery has just taken one off the list."""
    there = set(
        Entity.objects.filter(pk__in=[step.candidate.pk for step in steps]).values_list("pk", flat=True)
    )
    RuleMember.objects.bulk_create(
        [
            RuleMember(
                account_id=rule.account_id,
                rule=rule,
                entity_id=step.candidate.pk,
                outcome=step.outcome,
                tagged=step.candidate.pk in tagged,
            )
            for step in steps
            if step.candidate.pk in there
        ],
        ignore_conflicts=True,
    )


def _go(rule: Rule, steps: _Chunk) -> _Chunk:
    pause_by_rule(task=rule.task, entity_ids=_ids(steps, Outcome.LEFT_PAUSED))
    members = RuleMember.objects.filter(rule=rule, entity_id__in=[step.candidate.pk for step in steps])
    tagged = list(members.filter(tagged=True).values_list("entity_id", flat=True))
    members.delete()
    if rule.tag_id and tagged:
        _untag(rule, tagged)
    if going := _ids(steps, Outcome.LEFT_DELETED):
        delete_of_rule(rule.task, going, f"The activation rule {rule.name}")
        _remember(rule, [step for step in steps if step.outcome == Outcome.LEFT_DELETED], tagged=set())
    _write_down(rule, steps)
    return steps


def _tag(rule: Rule, ids: list[int]) -> None:
    """Put the rule's tag on, and remember on whom it was not before: only there may it be taken off again."""
    assert rule.tag is not None
    had = EntityTag.objects.filter(tag=rule.tag_id, entity_id__in=ids).values_list("entity_id", flat=True)
    new = sorted({*ids} - {*had})
    if new:
        tag_apply(task=rule.task, entities=Entity.objects.filter(task=rule.task, pk__in=new), tag=rule.tag)
        RuleMember.objects.filter(rule=rule, entity_id__in=new).update(tagged=True)


def _untag(rule: Rule, ids: list[int]) -> None:
    """Take the rule's tag off these; where another rule in force puts the same one, that one looks after it."""
    assert rule.tag is not None
    same = Rule.objects.filter(state=RuleState.ACTIVE, tag=rule.tag_id).exclude(pk=rule.pk)
    heirs = RuleMember.objects.filter(rule__in=same, outcome__in=HOLDS, entity_id__in=ids)
    heirs.update(tagged=True)
    entities = Entity.objects.filter(task=rule.task, pk__in=ids).exclude(pk__in=heirs.values("entity_id"))
    if EntityTag.objects.filter(tag=rule.tag_id, entity__in=entities).exists():
        tag_remove(task=rule.task, entities=entities, tag=rule.tag)


def _write_down(rule: Rule, steps: _Chunk) -> None:
    there = set(
        Entity.objects.filter(pk__in=[step.candidate.pk for step in steps]).values_list("pk", flat=True)
    )
    now = clock.now()
    RuleEvent.objects.bulk_create(
        [
            RuleEvent(
                account_id=rule.account_id,
                rule=rule,
                entity_id=step.candidate.pk if step.candidate.pk in there else None,
                label=step.candidate.name,
                address=step.candidate.address,
                outcome=step.outcome,
                why=step.why,
                at=now,
            )
            for step in steps
        ]
    )


def _ids(steps: _Chunk, *outcomes: Outcome) -> list[int]:
    return [step.candidate.pk for step in steps if step.outcome in outcomes]


@transaction.atomic
def _finish(rule: Rule, plan: Plan, asked: Sequence[int] = ()) -> None:
    """Note that everybody is in line; say it when anything was done. A choice made once is done now.

    `asked`: those who left and stay for now, until a person says that they may go.
    """
    _hold(rule)
    state = RuleState.DONE if rule.mode == Mode.ONCE else RuleState.ACTIVE
    Rule.objects.filter(pk=rule.pk).update(
        checked_at=clock.now(), problem="", state=state, asks=len(asked), asked=list(asked), allowed=[]
    )
    _remember_listed(rule, plan)
    if asked and list(asked) != rule.asked:
        words = f"{len(asked)} who no longer fit would be deleted: so many, or all, no rule deletes by itself"
        logger.warning("rule %s asks: %s", rule.public_id, words)
        say(rule, "rule.asks", status=ActivityStatus.PARTIAL, reason=words)
        tell_asks(rule, len(asked))
    done: dict[str, Any] = {
        "activated": len(plan.of(*COMES)),
        "paused": len(plan.of(Outcome.LEFT_PAUSED)),
        "deleted": len(plan.of(Outcome.LEFT_DELETED)),
        "put_back": len(plan.of(Outcome.PUT_BACK)),
    }
    if any(done.values()):
        say(rule, "rule.followed", **done)
    for topic, steps in ((Topic.ACTIVATED, plan.of(*COMES)), (Topic.PAUSED, plan.of(Outcome.LEFT_PAUSED))):
        if ids := [step.candidate.pk for step in steps]:
            news.note_entities(rule.task, topic, Entity.objects.filter(pk__in=ids), f"By the rule {rule.name}")


def _note_problem(rule: Rule, words: str) -> None:
    """Say on the page why a rule could not be followed; nobody comes or goes. The same news is no new news."""
    mine = Rule.objects.filter(pk=rule.pk, revision=rule.revision, state=RuleState.ACTIVE)
    if mine.update(checked_at=clock.now(), problem=words) and words != rule.problem:
        logger.warning("rule %s could not be followed: %s", rule.public_id, words)
        say(rule, "rule.not_followed", status=ActivityStatus.FAILED, reason=words)
        news.note(rule.task, Topic.RULE, words=f"{rule.name}: {words}")


def _remember_listed(rule: Rule, plan: Plan) -> None:
    """Keep by their ids whom a list means: under another name they would seem to have left it."""
    listed = RuleList.objects.filter(rule=rule).first() if rule.kind == RuleKind.LIST else None
    if listed is None:
        return
    held = [*plan.kept, *(step.candidate.remote_id for step in plan.of(*HOLDS))]
    if new := {met_key(each) for each in held} - listed.values.keys():
        listed.values |= dict.fromkeys(sorted(new), 0)
        listed.save(update_fields=["values"])


def say(rule: Rule, code: str, *, status: str = ActivityStatus.DONE, **details: Any) -> None:
    """Write one line of activity about a rule."""
    activity.record(
        code,
        status=status,
        service=rule.task.service,
        task_label=rule.task.name,
        item_label=rule.name,
        subject_id=rule.task.public_id,
        audited=rule.name,
        **details,
    )
