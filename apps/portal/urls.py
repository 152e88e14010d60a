from django.conf import settings
from django.urls import URLPattern, path

from . import health_views, styleguide, views

urlpatterns: list[URLPattern] = [
    path("", views.home, name="home"),
    path("view/", views.choose_view, name="home_view"),
    path("sample/", views.try_sample, name="sample"),
    path("settings/", views.settings_index, name="settings"),
    path("health/", health_views.health, name="health"),
    path("health/check/", health_views.check_now, name="health_check"),
    path("health/check/<uuid:check_id>/cancel/", health_views.cancel, name="health_check_cancel"),
    path("health/drills/<uuid:drill_id>/", health_views.report, name="health_report"),
    path("support/", views.support, name="support"),
    path("help/", views.help_index, name="help"),
    path("help/<slug:key>/", views.help_topic, name="help_topic"),
]
if settings.STYLEGUIDE:
    urlpatterns += [path("styleguide/", styleguide.page, name="styleguide")]
