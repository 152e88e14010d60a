from django.urls import URLPattern, path

from .views import recovery_key, storage

urlpatterns: list[URLPattern] = [
    path("settings/recovery-key/", recovery_key.recovery_key, name="recovery_key"),
    path("settings/recovery-key/confirm/", recovery_key.confirm, name="recovery_key_confirm"),
    path("settings/storage/", storage.storage, name="storage"),
    path("settings/storage/add/", storage.kinds, name="storage_kinds"),
    path("settings/storage/add/<slug:kind>/", storage.add, name="storage_add"),
    path("settings/storage/<uuid:store_id>/", storage.store, name="storage_store"),
    path("settings/storage/<uuid:store_id>/test/", storage.test, name="storage_test"),
    path("settings/storage/<uuid:store_id>/remove/", storage.remove, name="storage_remove"),
    path("settings/storage/parts/<uuid:shelf_id>/move/", storage.move, name="storage_move"),
    path("settings/storage/parts/<uuid:shelf_id>/replica/", storage.replica, name="storage_replica"),
]
