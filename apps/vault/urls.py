from django.urls import URLPattern, path

from .views import recovery_key

urlpatterns: list[URLPattern] = [
    path("settings/recovery-key/", recovery_key.recovery_key, name="recovery_key"),
    path("settings/recovery-key/confirm/", recovery_key.confirm, name="recovery_key_confirm"),
]
