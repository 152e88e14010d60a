from django.urls import URLPattern, path

from .views import choosing, onboarding, rules

urlpatterns: list[URLPattern] = [
    path("tasks/<uuid:task_id>/activation/", rules.page, name="activation"),
    path("tasks/<uuid:task_id>/activation/new/<slug:kind>/", choosing.new, name="activation_new"),
    path("tasks/<uuid:task_id>/onboarding/", onboarding.page, name="onboarding"),
    path("tasks/<uuid:task_id>/onboarding/act/", onboarding.act, name="onboarding_act"),
    path("activation/<uuid:rule_id>/", rules.rule, name="activation_rule"),
    path("activation/<uuid:rule_id>/change/", choosing.change, name="activation_change"),
    path("activation/<uuid:rule_id>/start/", choosing.start, name="activation_start"),
    path("activation/<uuid:rule_id>/act/", rules.act, name="activation_act"),
    path("activation/<uuid:rule_id>/history/", rules.history, name="activation_history"),
    path("activation/<uuid:rule_id>/history.csv", rules.history_csv, name="activation_history_csv"),
    path("activation/<uuid:rule_id>/list.csv", rules.list_csv, name="activation_list_csv"),
]
