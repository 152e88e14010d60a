from django.urls import URLPattern, path

from .views import results

urlpatterns: list[URLPattern] = [
    path("search/", results.page, name="search"),
    path("search/results.csv", results.csv_file, name="search_csv"),
]
