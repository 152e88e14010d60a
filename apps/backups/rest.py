"""The API about backups: tasks, entities, runs, snapshots, and what can be done to them."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core import clock
from apps.core.errors import InvalidRequest
from apps.core.keyset import page_of
from apps.core.permissions import Permission
from apps.core.rest import PlaceQuery, RestView, body_of, list_answer, page_answer, pages_of, query_of

from . import selectors
from .access import entity_for, run_for, task_for
from .models import BackupTask, Entity, Snapshot
from .planning import task_schedule_words
from .services.actions import ACTIONS, act_on

PAGE_SIZE = 50
ENTITIES_AT_MOST = 1000
ACTION_CHOICES = sorted(ACTIONS)


class TaskShape(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    service = serializers.CharField()
    connection = serializers.CharField()
    schedule = serializers.SerializerMethodField(help_text="In words, with its time zone.")
    auto_activate = serializers.BooleanField()
    include_unlicensed = serializers.BooleanField()
    discovered_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()

    def get_schedule(self, task: BackupTask) -> str:
        return task_schedule_words(task)


class TaskTotals(serializers.Serializer[Any]):
    status = serializers.CharField(source="word.value")
    total = serializers.IntegerField()
    active = serializers.IntegerField()
    paused = serializers.IntegerField()
    archived = serializers.IntegerField()
    not_active = serializers.IntegerField()
    size = serializers.IntegerField()
    last_snapshot_at = serializers.DateTimeField(allow_null=True)
    next_run_at = serializers.DateTimeField(allow_null=True)


class TaskDetailShape(TaskShape):
    totals = TaskTotals()


class EntityQuery(PlaceQuery):
    q = serializers.CharField(required=False, max_length=100, help_text="In name or address.")
    status = serializers.ChoiceField([(w.value, w.label) for w in selectors.Word], required=False)
    licence = serializers.ChoiceField(["licensed", "unlicensed"], required=False)


class EntityShape(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    task = serializers.UUIDField(source="task.public_id")
    kind = serializers.CharField()
    name = serializers.CharField()
    address = serializers.CharField()
    state = serializers.CharField()
    status = serializers.SerializerMethodField()
    licensed = serializers.BooleanField(allow_null=True)
    items = serializers.IntegerField()
    size = serializers.IntegerField()
    last_verdict = serializers.CharField()
    last_message = serializers.CharField()
    first_snapshot_at = serializers.DateTimeField(allow_null=True)
    last_snapshot_at = serializers.DateTimeField(allow_null=True)
    next_run_at = serializers.DateTimeField(allow_null=True)

    def get_status(self, entity: Entity) -> str:
        return selectors.word_of(entity, clock.now()).value


class RunShape(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    entity = serializers.UUIDField(source="entity.public_id")
    trigger = serializers.CharField()
    verdict = serializers.CharField()
    message = serializers.CharField()
    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    items_stored = serializers.IntegerField()
    items_reused = serializers.IntegerField()
    items_removed = serializers.IntegerField()
    items_skipped = serializers.IntegerField()
    items_failed = serializers.IntegerField()
    bytes_received = serializers.IntegerField()
    bytes_stored = serializers.IntegerField()


class SnapshotShape(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    sub_service = serializers.CharField()
    number = serializers.IntegerField()
    taken_at = serializers.DateTimeField()
    verdict = serializers.CharField()
    items = serializers.IntegerField()
    folders = serializers.IntegerField()
    size = serializers.IntegerField()
    added = serializers.IntegerField()
    changed = serializers.IntegerField()
    removed = serializers.IntegerField()


class ActBody(serializers.Serializer[Any]):
    action = serializers.ChoiceField(ACTION_CHOICES)


class TaskActBody(ActBody):
    entities = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=ENTITIES_AT_MOST, help_text="Their ids."
    )
    all = serializers.BooleanField(default=False, help_text="All of the task, instead of `entities`.")


class Said(serializers.Serializer[Any]):
    """What was done, in a sentence: to how many, and what comes next."""

    said = serializers.CharField()


class TaskList(RestView):
    """Backup tasks, by name."""

    permission = Permission.VIEW

    @extend_schema(operation_id="tasks", parameters=[PlaceQuery], responses=pages_of(TaskShape, "Task"))
    def get(self, request: Request) -> Response:
        rows = BackupTask.objects.select_related("connection")
        after = query_of(PlaceQuery, request).get("after")
        page = page_of(rows, keys=("name", "id"), size=PAGE_SIZE, after=after)
        return page_answer(request, page, lambda task: TaskShape(task).data)


class TaskDetail(RestView):
    """One backup task with its totals."""

    @extend_schema(operation_id="task", responses=TaskDetailShape)
    def get(self, request: Request, task_id: UUID) -> Response:
        task = task_for(task_id)
        totals = TaskTotals(selectors.counters(task, selectors.Filters())).data
        return Response({**TaskShape(task).data, "totals": totals})


class TaskAct(RestView):
    """Do one thing to some entities of a task, or to all."""

    permission = Permission.VIEW

    @extend_schema(operation_id="act_on_task", request=TaskActBody, responses=Said)
    def post(self, request: Request, task_id: UUID) -> Response:
        task, body = task_for(task_id), body_of(TaskActBody, request)
        if body["all"] == bool(body.get("entities")):
            raise InvalidRequest("Name the entities, or say that you mean all.", do="Send either of the two.")
        chosen = selectors.chosen(task, [str(each) for each in body.get("entities", [])])
        entities = selectors.matching(task, selectors.Filters()) if body["all"] else chosen
        return Response({"said": act_on(task=task, action=body["action"], entities=entities)})


class EntityList(RestView):
    """Entities of a task, by name."""

    @extend_schema(operation_id="entities", parameters=[EntityQuery], responses=pages_of(EntityShape, "Entity"))
    def get(self, request: Request, task_id: UUID) -> Response:
        task, query = task_for(task_id), query_of(EntityQuery, request)
        filters = selectors.Filters(
            text=query.get("q", ""), status=query.get("status", ""), licence=query.get("licence", "")
        )
        page = selectors.entity_page(task, filters, after=str(query.get("after", "")))
        return list_answer(request, [EntityShape(row.entity).data for row in page.rows], page.next)


class EntityDetail(RestView):
    """One entity."""

    @extend_schema(operation_id="entity", responses=EntityShape)
    def get(self, request: Request, entity_id: UUID) -> Response:
        return Response(EntityShape(entity_for(entity_id)).data)


class EntityAct(RestView):
    """Do one thing to an entity."""

    permission = Permission.VIEW

    @extend_schema(operation_id="act_on_entity", request=ActBody, responses=Said)
    def post(self, request: Request, entity_id: UUID) -> Response:
        entity, body = entity_for(entity_id), body_of(ActBody, request)
        chosen = Entity.objects.filter(pk=entity.pk)
        return Response({"said": act_on(task=entity.task, action=body["action"], entities=chosen)})


class RunList(RestView):
    """Runs of an entity, newest first."""

    @extend_schema(operation_id="runs", parameters=[PlaceQuery], responses=pages_of(RunShape, "Run"))
    def get(self, request: Request, entity_id: UUID) -> Response:
        page = selectors.run_page(entity_for(entity_id), after=query_of(PlaceQuery, request).get("after"))
        return page_answer(request, page, lambda run: RunShape(run).data)


class RunDetail(RestView):
    """One run."""

    @extend_schema(operation_id="run", responses=RunShape)
    def get(self, request: Request, run_id: UUID) -> Response:
        return Response(RunShape(run_for(run_id)).data)


class SnapshotList(RestView):
    """Snapshots of an entity, newest first."""

    @extend_schema(
        operation_id="snapshots", parameters=[PlaceQuery], responses=pages_of(SnapshotShape, "Snapshot")
    )
    def get(self, request: Request, entity_id: UUID) -> Response:
        rows = Snapshot.objects.filter(entity=entity_for(entity_id)).defer(
            "cursor", "coverage", "folder_totals"
        )
        after = query_of(PlaceQuery, request).get("after")
        page = page_of(rows, keys=("taken_at", "id"), descending=True, size=PAGE_SIZE, after=after)
        return page_answer(request, page, lambda row: SnapshotShape(row).data)
