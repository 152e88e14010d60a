from django.conf import settings
from django.urls import URLPattern, path

from . import styleguide, views

urlpatterns: list[URLPattern] = [
    path("", views.home, name="home"),
    path("search/", views.search, name="search"),
    path("settings/", views.settings_index, name="settings"),
    path("areas/<slug:key>/", views.unbuilt, name="unbuilt"),
    path("support/", views.support, name="support"),
    path("help/", views.help_index, name="help"),
    path("help/<slug:key>/", views.help_topic, name="help_topic"),
]
if settings.STYLEGUIDE:
    urlpatterns += [path("styleguide/", styleguide.page, name="styleguide")]
