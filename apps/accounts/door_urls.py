"""Addresses of what keeps people out of an account, or lets programs in."""

from django.urls import URLPattern, path

from .views import addresses, sessions, tokens

ADDRESSES = "settings/security/addresses/"

door_urls: list[URLPattern] = [
    path(f"{ADDRESSES}add/", addresses.add, name="address_add"),
    path(f"{ADDRESSES}switch/", addresses.switch, name="address_switch"),
    path(f"{ADDRESSES}<uuid:address_id>/", addresses.edit, name="address_edit"),
    path(f"{ADDRESSES}<uuid:address_id>/remove/", addresses.remove, name="address_remove"),
    path("me/sessions/<uuid:session_id>/end/", sessions.end, name="session_end"),
    path("me/sessions/end-others/", sessions.end_others, name="session_end_others"),
    path("me/tokens/new/", tokens.new, name="token_new"),
    path("me/tokens/<uuid:token_id>/revoke/", tokens.revoke, name="token_revoke"),
    path("settings/tokens/", tokens.account_tokens, name="account_tokens"),
]
