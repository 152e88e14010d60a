"""Addresses of what keeps people out of an account, or lets programs in."""

from django.urls import URLPattern, path

from .views import addresses

ADDRESSES = "settings/security/addresses/"

door_urls: list[URLPattern] = [
    path(f"{ADDRESSES}add/", addresses.add, name="address_add"),
    path(f"{ADDRESSES}switch/", addresses.switch, name="address_switch"),
    path(f"{ADDRESSES}<uuid:address_id>/", addresses.edit, name="address_edit"),
    path(f"{ADDRESSES}<uuid:address_id>/remove/", addresses.remove, name="address_remove"),
]
