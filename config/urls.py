"""All addresses of the portal. Each app lists its own; the order here is the order of the navigation."""

from django.urls import URLPattern, URLResolver, include, path

from apps.core.health import healthz, readyz

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("api/v1/", include("config.api_urls")),
    path("", include("apps.portal.urls")),
    path("", include("apps.accounts.urls")),
    path("", include("apps.notifications.urls")),
    path("", include("apps.billing.urls")),
    path("", include("apps.connectors.urls")),
    path("", include("apps.vault.urls")),
    path("", include("apps.backups.urls")),
    path("", include("apps.activation.urls")),
    path("", include("apps.search.urls")),
    path("", include("apps.alerts.urls")),
    path("", include("apps.recovery.urls")),
    path("", include("apps.jobs.urls")),
    path("", include("apps.activity.urls")),
]

handler400 = "apps.portal.errors.bad_request"
handler403 = "apps.portal.errors.permission_denied"
handler404 = "apps.portal.errors.not_found"
handler500 = "apps.portal.errors.server_error"
