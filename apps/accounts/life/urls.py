"""Addresses of the account's page, of its end, and of a person's new address."""

from django.urls import URLPattern, path

from ..views import account, address

urlpatterns: list[URLPattern] = [
    path("settings/account/", account.account_settings, name="account_settings"),
    path("settings/account/remove/", account.account_remove, name="account_remove"),
    path("account/state/", account.account_state, name="account_state"),
    path("account/reactivate/", account.reactivate, name="account_reactivate"),
    path("me/address/", address.address, name="email_change"),
    path("me/address/again/", address.address_again, name="email_again"),
    path("me/address/keep/", address.address_withdraw, name="email_keep"),
    path("me/address/new/<str:token>/", address.address_confirm, name="email_confirm"),
    path("me/address/old/<str:token>/", address.address_object, name="email_object"),
]
