from django.urls import URLPattern, path

from . import views

urlpatterns: list[URLPattern] = [
    path("billing/stripe/webhook", views.webhook, name="billing_stripe_webhook"),
    path("billing/stripe/return/<uuid:page_id>/", views.came_back, name="billing_stripe_return"),
    path("billing/stripe/left/<uuid:page_id>/", views.left, name="billing_stripe_left"),
]
