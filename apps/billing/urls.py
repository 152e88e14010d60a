from django.urls import URLPattern, path

from .gateway.urls import urlpatterns as stripe
from .views import cards, details, history, plan, status, why

urlpatterns: list[URLPattern] = [
    *stripe,
    path("billing/", plan.review, name="billing"),
    path("billing/annual/", plan.annual, name="billing_annual"),
    path("billing/subscribe/", plan.subscribe, name="billing_subscribe"),
    path("billing/withdraw/", plan.withdraw, name="billing_withdraw"),
    path("billing/cancel/", plan.cancel, name="billing_cancel"),
    path("billing/keep/", plan.keep, name="billing_keep"),
    path("billing/status/", status.status, name="billing_status"),
    path("billing/details/", details.details, name="billing_details"),
    path("billing/address/", details.allow_address, name="billing_address_allow"),
    path("billing/cards/add/", cards.add, name="billing_card_add"),
    path("billing/cards/<uuid:card_id>/activate/", cards.activate, name="billing_card_activate"),
    path("billing/cards/<uuid:card_id>/delete/", cards.delete, name="billing_card_delete"),
    path("billing/history/", history.history, name="billing_history"),
    path("billing/invoices/<uuid:invoice_id>/", history.invoice, name="billing_invoice"),
    path("billing/invoices/<uuid:invoice_id>/pdf/", history.pdf, name="billing_pdf"),
    path("billing/invoices/<uuid:invoice_id>/mail/", history.mail, name="billing_mail"),
    path("billing/invoices/<uuid:invoice_id>/pay/", history.pay, name="billing_pay"),
    path("billing/paper/<str:token>/", history.paper, name="billing_paper"),
    path("billing/why/<slug:service>/<slug:unit>/", why.why, name="billing_why"),
    path("billing/why/<slug:service>/<slug:unit>/csv/", why.why_file, name="billing_why_csv"),
]
