from django.urls import path

from .views import deliveries, recipients, unsubscribe

urlpatterns = [
    path("settings/notifications/", recipients.notifications, name="notifications"),
    path("settings/notifications/ticks/", recipients.ticks, name="notification_ticks"),
    path("settings/notifications/add/<slug:way>/", recipients.add, name="notification_add"),
    path("settings/notifications/<uuid:recipient_id>/", recipients.edit, name="notification_recipient"),
    path("settings/notifications/<uuid:recipient_id>/test/", recipients.test, name="notification_test"),
    path("settings/notifications/<uuid:recipient_id>/remove/", recipients.remove, name="notification_remove"),
    path("settings/notifications/deliveries/", deliveries.deliveries, name="notification_deliveries"),
    path("settings/notifications/deliveries/<uuid:delivery_id>/", deliveries.retry, name="notification_retry"),
    path("unsubscribe/<str:token>/", unsubscribe.unsubscribe, name="unsubscribe"),
]
