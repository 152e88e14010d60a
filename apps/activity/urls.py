"""Below /activity/."""

from django.urls import URLPattern, path

from . import stream_view, views

urlpatterns: list[URLPattern] = [
    path("activity/", views.activity_list, name="activity_list"),
    path("activity/activity.csv", views.activity_file, name="activity_export"),
    path("activity/audit/", views.audit_list, name="audit_list"),
    path("activity/audit.csv", views.audit_file, name="audit_export"),
    path("activity/audit/chain/", views.audit_chain, name="audit_chain"),
    path("activity/audit/check/", views.audit_check, name="audit_check"),
    path("settings/audit/", stream_view.audit_stream, name="audit_stream"),
    path("settings/audit/stop/", stream_view.audit_stream_stop, name="audit_stream_stop"),
    path("activity/audit/mail/", views.audit_mail, name="audit_mail"),
]
