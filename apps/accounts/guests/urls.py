"""Addresses of partners, staff and guests."""

from django.urls import URLPattern, path

from ..views import guests, partner

urlpatterns: list[URLPattern] = [
    path("settings/account/partner/", guests.partner_accept, name="account_partner"),
    path("settings/account/partner/end/", guests.partner_end, name="account_partner_end"),
    path("settings/account/support/", guests.support_allow, name="account_support"),
    path("settings/account/support/<uuid:grant_id>/end/", guests.support_end, name="account_support_end"),
    path("partner/", partner.customers, name="partner"),
    path("partner/customers/new/", partner.customer_new, name="partner_new"),
    path("partner/customers/<uuid:relation_id>/", partner.customer, name="partner_customer"),
    path("partner/customers/<uuid:relation_id>/enter/", partner.enter, name="partner_enter"),
    path("partner/customers/<uuid:relation_id>/end/", partner.end, name="partner_end"),
    path("partner/join/<str:token>/", partner.join, name="partner_join"),
    path("partner/people/", partner.people, name="partner_people"),
    path("partner/people/<uuid:seat_id>/remove/", partner.person_remove, name="partner_person_remove"),
    path("partner/people/rules/", partner.rules, name="partner_rules"),
    path("staff/", guests.staff, name="staff"),
    path("staff/accounts/<uuid:account_id>/enter/", guests.staff_enter, name="staff_enter"),
    path("guest/", guests.guest, name="guest"),
    path("guest/leave/", guests.guest_leave, name="guest_leave"),
]
