"""Addresses of company sign-in."""

from django.urls import URLPattern, path

from .views import saml, saml_settings

saml_urls: list[URLPattern] = [
    path("sign-in/company/", saml.find, name="saml_find"),
    path("sign-in/company/<uuid:account_id>/", saml.start, name="saml_start"),
    path("sign-in/company/<uuid:account_id>/needed/", saml.needed, name="saml_needed"),
    path("sign-in/company/<uuid:account_id>/<str:token>/", saml.finish, name="saml_finish"),
    path("sign-in/company/again/", saml.confirm, name="saml_confirm"),
    path("saml/<uuid:account_id>/acs/", saml.acs, name="saml_acs"),
    path("saml/<uuid:account_id>/metadata/", saml.metadata, name="saml_metadata"),
    path("settings/security/company/", saml_settings.set_up, name="saml_set_up"),
    path("settings/security/company/test/", saml_settings.test, name="saml_test"),
    path("settings/security/company/activate/", saml_settings.activate, name="saml_activate"),
    path("settings/security/company/discard/", saml_settings.discard, name="saml_discard"),
    path("settings/security/company/off/", saml_settings.switch_off, name="saml_switch_off"),
    path("settings/security/company/rules/", saml_settings.rules, name="saml_rules"),
    path("settings/security/company/domains/", saml_settings.domain_add, name="saml_domain_add"),
    path(
        "settings/security/company/domains/<int:domain_id>/prove/",
        saml_settings.domain_prove,
        name="saml_domain_prove",
    ),
    path(
        "settings/security/company/domains/<int:domain_id>/remove/",
        saml_settings.domain_remove,
        name="saml_domain_remove",
    ),
]
