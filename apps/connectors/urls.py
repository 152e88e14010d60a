from django.urls import URLPattern, path

from . import views

urlpatterns: list[URLPattern] = [
    path("connections/new/", views.new, name="connection_new"),
    path("connections/test/", views.test_registration, name="connection_test_registration"),
    path("connections/authenticate/", views.authenticate, name="connection_authenticate"),
    path("connections/consented/", views.consented, name="connection_consented"),
    path("connections/signed-in/", views.signed_in, name="connection_signed_in"),
    path("connections/<uuid:connection_id>/", views.connection, name="connection"),
    path("connections/<uuid:connection_id>/test/", views.test_kept, name="connection_test"),
    path("connections/<uuid:connection_id>/secret-ends/", views.secret_ends, name="connection_secret_ends"),
]
