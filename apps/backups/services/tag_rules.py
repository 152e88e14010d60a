"""What a change of tags does to retention: a tag's policy may keep less than what holds without it."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from apps.core.sight import whole_sight

from ..catalog import in_batches
from ..models import BackupTask, EntityTag, PolicyTag, Tag
from ..retention.inforce import of_task, rule_from


def tags_speak_of_retention(tags: Collection[Tag]) -> bool:
    """Tell whether a policy that says how long backups are kept goes by one of these tags."""
    return PolicyTag.objects.filter(tag__in=tags).exclude(policy__retention__isnull=True).exists()


@whole_sight("what a change would keep less of does not depend on who looks")
def tags_keep_less(
    *, task: BackupTask, entity_ids: Sequence[int], on: Collection[Tag], off: Collection[Tag]
) -> bool:
    """Tell whether any of these entities would be ruled by a retention that keeps less than its own now."""
    rows = list(
        PolicyTag.objects.select_related("policy")
        .exclude(policy__retention__isnull=True)
        .order_by("rank", "pk")
    )
    place = {row.tag_id: number for number, row in enumerate(rows)}
    put = {place[tag.pk] for tag in on if tag.pk in place}
    taken = {place[tag.pk] for tag in off if tag.pk in place}
    if not put and not taken:
        return False
    rules = [*(rule_from(row.policy.retention) for row in rows), of_task(task).rule]
    own, moves = len(rows), set[tuple[int, int]]()
    for some in in_batches(entity_ids):
        having = defaultdict[int, set[int]](set)
        tagged = EntityTag.objects.filter(entity_id__in=some, tag_id__in=place)
        for entity_id, tag_id in tagged.values_list("entity_id", "tag_id"):
            having[entity_id].add(place[tag_id])
        for pk in some:
            now = having[pk]
            moves.add((min(now, default=own), min((now | put) - taken, default=own)))
    return any(now != then and not rules[then].keeps_no_less_than(rules[now]) for now, then in moves)
