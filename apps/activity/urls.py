"""Below /activity/."""

from django.urls import URLPattern, path

from . import views

urlpatterns: list[URLPattern] = [
    path("activity/", views.activity_list, name="activity_list"),
    path("activity/activity.csv", views.activity_file, name="activity_export"),
]
