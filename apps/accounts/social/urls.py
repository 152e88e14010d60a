"""Addresses of sign-in providers. `provider_back` is the redirect address that is registered there."""

from django.urls import URLPattern, path

from ..views import providers

provider_urls: list[URLPattern] = [
    path("sign-in/with/<slug:key>/", providers.provider_sign_in, name="provider_sign_in"),
    path("sign-in/with/<slug:key>/back/", providers.provider_back, name="provider_back"),
    path("sign-up/with/", providers.provider_sign_up, name="provider_sign_up"),
    path("me/confirm/<slug:key>/", providers.provider_prove, name="provider_prove"),
    path("me/identities/link/<slug:key>/", providers.identity_link_start, name="identity_link"),
    path("me/identities/<int:identity_id>/unlink/", providers.identity_unlink_start, name="identity_unlink"),
]
