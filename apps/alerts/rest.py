"""The API about alerts."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.permissions import Permission
from apps.core.rest import PlaceQuery, RestView, page_answer, pages_of, query_of

from .access import alert_for
from .enums import AlertKind, AlertState, Severity
from .listing import Wanted, alert_page
from .models import Alert
from .words import about, sentence


class AlertQuery(PlaceQuery):
    state = serializers.ChoiceField(AlertState.choices, required=False)
    kind = serializers.ChoiceField(AlertKind.choices, required=False)
    severity = serializers.ChoiceField(Severity.choices, required=False)
    task = serializers.UUIDField(required=False)
    text = serializers.CharField(required=False, max_length=100, help_text="In mailbox, task or connection.")


class AlertShape(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="public_id")
    kind = serializers.CharField()
    severity = serializers.CharField()
    state = serializers.CharField()
    service = serializers.CharField()
    about = serializers.SerializerMethodField(help_text="A mailbox, a task or a connection, by name.")
    sentence = serializers.SerializerMethodField(help_text="What happened, in words.")
    entity = serializers.UUIDField(source="entity.public_id", allow_null=True, default=None)
    task = serializers.UUIDField(source="task.public_id", allow_null=True, default=None)
    opened_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)
    acknowledged_at = serializers.DateTimeField(allow_null=True)
    acknowledged_by = serializers.CharField()

    def get_about(self, alert: Alert) -> str:
        return about(alert)

    def get_sentence(self, alert: Alert) -> str:
        return sentence(alert)


class AlertList(RestView):
    """Alerts, newest first."""

    permission = Permission.VIEW

    @extend_schema(operation_id="alerts", parameters=[AlertQuery], responses=pages_of(AlertShape, "Alert"))
    def get(self, request: Request) -> Response:
        query = query_of(AlertQuery, request)
        after = query.pop("after", None)
        page = alert_page(Wanted(**{name: str(value) for name, value in query.items()}), after=after)
        return page_answer(request, page, lambda alert: AlertShape(alert).data)


class AlertDetail(RestView):
    """One alert."""

    @extend_schema(operation_id="alert", responses=AlertShape)
    def get(self, request: Request, alert_id: UUID) -> Response:
        return Response(AlertShape(alert_for(alert_id)).data)
