"""Who of an account comes first when many are due."""

from django.db import transaction
from django.db.models import QuerySet

from ..enums import Precedence
from ..models import BackupTask, Entity
from .changes import change_entities

_CODES = {
    Precedence.FIRST: "entity.comes_first",
    Precedence.USUAL: "entity.comes_in_turn",
    Precedence.LAST: "entity.comes_last",
}


@transaction.atomic
def put_in_order(*, task: BackupTask, entities: QuerySet[Entity], precedence: Precedence) -> int:
    """Give these their place among the due ones of their task; returns how many had another one."""
    others = entities.exclude(precedence=precedence)
    # By their ids: the condition does not hold any more once it is changed.
    ids = list(others.select_for_update().values_list("pk", flat=True))
    return change_entities(task, Entity.objects.filter(pk__in=ids), _CODES[precedence], precedence=precedence)
