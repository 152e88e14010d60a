"""Users of an account, invitations, and the way from one account to another."""

from django.urls import URLPattern, path

from .views import joining, users

urlpatterns: list[URLPattern] = [
    path("settings/users/", users.users, name="users"),
    path("settings/users/new/", users.user_new, name="user_new"),
    path("settings/users/<uuid:member_id>/", users.user, name="user"),
    path("settings/users/<uuid:member_id>/access/", users.user_access, name="user_access"),
    path("settings/users/<uuid:member_id>/remove/", users.user_remove, name="user_remove"),
    path("settings/users/<uuid:member_id>/owner/", users.user_owner, name="user_owner"),
    path("settings/users/invited/<uuid:invitation_id>/", users.user_invitation, name="user_invitation"),
    path("invitation/<str:token>/", joining.invitation, name="invitation"),
    path("account/switch/", joining.account_switch, name="account_switch"),
]
