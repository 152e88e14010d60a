from django.urls import URLPattern, path

from . import views

urlpatterns: list[URLPattern] = [
    path("alerts/", views.alert_list, name="alerts"),
    path("alerts/<uuid:alert_id>/", views.alert, name="alert"),
    path("alerts/<uuid:alert_id>/acknowledge/", views.acknowledge, name="alert_acknowledge"),
    path("alerts/<uuid:alert_id>/hold/", views.hold, name="alert_hold"),
    path("alerts/replay/<uuid:entity_id>/", views.replay, name="alert_replay"),
    path("settings/alerts/", views.settings, name="alert_settings"),
    path("tasks/<uuid:task_id>/alerts/", views.of_task, name="task_alerts"),
]
