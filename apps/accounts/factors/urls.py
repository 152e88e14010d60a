"""Addresses of codes, passkeys, passwords and what accounts demand."""

from django.urls import URLPattern, path

from ..views import passkeys, passwords, policies, second_factor

urlpatterns: list[URLPattern] = [
    path("sign-in/second-factor/", second_factor.second_factor, name="second_factor"),
    path("sign-in/passkey/", passkeys.sign_in, name="passkey_sign_in"),
    path("me/passkeys/confirm/", passkeys.prove, name="sudo_passkey"),
    path("me/password/", passwords.change, name="password_change"),
    path("me/second-factor/", second_factor.setup, name="second_factor_setup"),
    path("me/second-factor/off/", second_factor.off, name="second_factor_off"),
    path("me/recovery-codes/", second_factor.recovery_codes, name="recovery_codes"),
    path("me/passkeys/add/", passkeys.add, name="passkey_add"),
    path("me/passkeys/<int:passkey_id>/rename/", passkeys.rename, name="passkey_rename"),
    path("me/passkeys/<int:passkey_id>/remove/", passkeys.remove, name="passkey_remove"),
    path("settings/security/rules/", policies.save, name="security_policies"),
    path("settings/users/<uuid:member_id>/second-factor/", policies.reset_factor, name="factor_reset"),
]
