from django.urls import URLPattern, path

from .views import excerpts, results, saved

urlpatterns: list[URLPattern] = [
    path("search/", results.page, name="search"),
    path("search/excerpts/", excerpts.excerpts, name="search_excerpts"),
    path("search/results.csv", results.csv_file, name="search_csv"),
    path("search/advanced/", saved.advanced, name="search_advanced"),
    path("search/saved/", saved.page, name="search_saved"),
    path("search/saved/new/", saved.save, name="search_save"),
    path("search/saved/<uuid:saved_id>/", saved.change, name="search_saved_change"),
]
