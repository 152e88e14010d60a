"""Addresses of the two-person rule."""

from django.urls import URLPattern, path

from ..views import approvals as views

urlpatterns: list[URLPattern] = [
    path("settings/approvals/", views.page, name="approvals"),
    path("settings/approvals/rule/", views.rule, name="approvals_rule"),
    path("settings/approvals/<uuid:approval_id>/", views.settle, name="approval_settle"),
]
