"""The API about jobs: restores, exports and moves."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.permissions import Permission
from apps.core.rest import PlaceQuery, RestView, page_answer, pages_of, query_of

from .access import job_for
from .enums import JobKind, JobState
from .selectors import IN_PROGRESS, JobFilter, job_page
from .services import job_cancel


class JobQuery(PlaceQuery):
    text = serializers.CharField(required=False, max_length=200, help_text="In task or mailbox.")
    kind = serializers.ChoiceField(JobKind.choices, required=False)
    service = serializers.CharField(required=False, max_length=30)
    state = serializers.ChoiceField([(IN_PROGRESS, "In progress"), *JobState.choices], required=False)
    days = serializers.IntegerField(
        required=False, min_value=1, max_value=3660, help_text="Of how many days; without it, of all time."
    )


class JobShape(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    kind = serializers.CharField()
    state = serializers.CharField()
    service = serializers.CharField()
    task = serializers.CharField(source="task_label")
    entity = serializers.CharField(source="entity_label")
    destination = serializers.CharField(source="destination_label")
    started_by = serializers.CharField(source="initiator_label")
    message = serializers.CharField()
    items_total = serializers.IntegerField()
    items_done = serializers.IntegerField()
    items_skipped = serializers.IntegerField()
    items_failed = serializers.IntegerField()
    bytes_done = serializers.IntegerField()
    cancel_requested = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)


class JobList(RestView):
    """Jobs, newest first."""

    permission = Permission.VIEW

    @extend_schema(operation_id="jobs", parameters=[JobQuery], responses=pages_of(JobShape, "Job"))
    def get(self, request: Request) -> Response:
        query = query_of(JobQuery, request)
        after = query.pop("after", None)
        page = job_page(JobFilter(**{"days": None, **query}), after=after)
        return page_answer(request, page, lambda job: JobShape(job).data)


class JobDetail(RestView):
    """One job."""

    @extend_schema(operation_id="job", responses=JobShape)
    def get(self, request: Request, job_id: UUID) -> Response:
        return Response(JobShape(job_for(job_id)).data)


class JobCancel(RestView):
    """Ask for a job's end: it stops after the item at hand."""

    @extend_schema(operation_id="cancel_job", request=None, responses={202: JobShape})
    def post(self, request: Request, job_id: UUID) -> Response:
        job = job_for(job_id, Permission.CANCEL)
        job_cancel(job)
        job.refresh_from_db()
        return Response(JobShape(job).data, status=202)
