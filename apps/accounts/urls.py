"""Signing up, in and out. Of allauth's addresses only those that have a page of ours; names are allauth's."""

from allauth.account import views as allauth
from django.urls import URLPattern, path, re_path

from . import urls_users
from .approvals.urls import urlpatterns as approvals
from .door_urls import door_urls
from .factors.urls import urlpatterns as factor_urls
from .guests.urls import urlpatterns as guests
from .life.urls import urlpatterns as life
from .saml_urls import saml_urls
from .social.urls import provider_urls
from .views import public, security, sudo

urlpatterns: list[URLPattern] = [
    path("welcome/", public.entry, name="entry"),
    path("sign-in/", allauth.login, name="account_login"),
    path("sign-up/", allauth.signup, name="account_signup"),
    path("sign-out/", allauth.logout, name="account_logout"),
    path("sign-in/closed/", allauth.account_inactive, name="account_inactive"),
    path("sign-up/activate/", allauth.email_verification_sent, name="account_email_verification_sent"),
    re_path(r"^sign-up/activate/(?P<key>[-:\w]+)/$", allauth.confirm_email, name="account_confirm_email"),
    path("password/", allauth.password_reset, name="account_reset_password"),
    path("password/sent/", allauth.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/new/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        allauth.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "password/changed/",
        allauth.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    *provider_urls,
    path("me/", security.my_security, name="my_security"),
    path("me/confirm/", sudo.sudo, name="sudo"),
    path("settings/security/", security.security, name="security"),
    *door_urls,
    *life,
    *approvals,
    *saml_urls,
    *guests,
    path("outbox/", public.outbox, name="outbox"),
    path("outbox/<uuid:mail_id>/", public.outbox_mail, name="outbox_mail"),
    path("outbox/<uuid:mail_id>/html/", public.outbox_html, name="outbox_html"),
    *factor_urls,
    *urls_users.urlpatterns,
]
