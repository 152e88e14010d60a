"""The API about what happened: the system activity and the security audit."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.permissions import Permission
from apps.core.rest import PlaceQuery, RestView, page_answer, pages_of, query_of

from .models import Activity, ActivityStatus, SecurityEvent
from .registry import meaning_of
from .selectors import SECURITY_AUDIT, SYSTEM_ACTIVITY, ActivityFilter, log_page


class ActivityQuery(PlaceQuery):
    text = serializers.CharField(required=False, max_length=200, help_text="In task, item, person or words.")
    category = serializers.CharField(required=False, max_length=60)
    service = serializers.CharField(required=False, max_length=30)
    status = serializers.ChoiceField(ActivityStatus.choices, required=False)
    first_day = serializers.DateField(required=False)
    last_day = serializers.DateField(required=False)
    subject = serializers.UUIDField(required=False, help_text="The task, mailbox or job that it concerns.")


class ActivityShape(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    at = serializers.DateTimeField()
    code = serializers.CharField()
    words = serializers.SerializerMethodField()
    category = serializers.SerializerMethodField()
    status = serializers.CharField()
    service = serializers.CharField()
    sub_service = serializers.CharField()
    task = serializers.CharField(source="task_label")
    item = serializers.CharField(source="item_label")
    actor = serializers.CharField(source="actor_label")
    subject = serializers.UUIDField(source="subject_id", allow_null=True)

    def get_words(self, row: Activity) -> str:
        return meaning_of(row.code).words

    def get_category(self, row: Activity) -> str:
        return meaning_of(row.code).category


class AuditShape(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    at = serializers.DateTimeField()
    code = serializers.CharField()
    words = serializers.SerializerMethodField()
    status = serializers.CharField()
    description = serializers.CharField()
    actor = serializers.CharField(source="actor_label")
    address = serializers.CharField()
    subject = serializers.UUIDField(source="subject_id", allow_null=True)

    def get_words(self, row: SecurityEvent) -> str:
        return meaning_of(row.code).words


class ActivityList(RestView):
    """What Everkeep did, newest first."""

    permission = Permission.ACTIVITY

    @extend_schema(
        operation_id="activity", parameters=[ActivityQuery], responses=pages_of(ActivityShape, "Activity")
    )
    def get(self, request: Request) -> Response:
        query = query_of(ActivityQuery, request)
        after = query.pop("after", None)
        page = log_page(SYSTEM_ACTIVITY, ActivityFilter(**query), after=after)
        return page_answer(request, page, lambda row: ActivityShape(row).data)


class AuditList(RestView):
    """What people did, tried and were shown, newest first."""

    permission = Permission.ACTIVITY

    @extend_schema(operation_id="audit", parameters=[ActivityQuery], responses=pages_of(AuditShape, "Audit"))
    def get(self, request: Request) -> Response:
        query = query_of(ActivityQuery, request)
        after = query.pop("after", None)
        page = log_page(SECURITY_AUDIT, ActivityFilter(**query), after=after)
        return page_answer(request, page, lambda row: AuditShape(row).data)
