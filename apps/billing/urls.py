from django.urls import URLPattern

from .gateway.urls import urlpatterns as stripe

urlpatterns: list[URLPattern] = [*stripe]
