from django.urls import URLPattern, path, register_converter
from django.urls.converters import StringConverter

from .views import browse, compare, days, destinations, erase, export, found, lists, lost, preview, restore


class NodeKey(StringConverter):
    """The name of a node in addresses (`backups.selectors.browse.node_key`)."""

    regex = "[0-9a-f]{32}"


register_converter(NodeKey, "node")
_POINT = "recovery/points/<uuid:run_id>/"
_ITEM = "recovery/backups/<uuid:snapshot_id>/items/<node:key>/"

urlpatterns: list[URLPattern] = [
    path("recovery/", lists.page, name="recovery"),
    path("recovery/tasks/<uuid:task_id>/", lists.of_task, name="recovery_task"),
    path("recovery/found/", found.found, name="recovery_found"),
    path("recovery/<uuid:entity_id>/", days.page, name="recovery_entity"),
    path("recovery/<uuid:entity_id>/latest/", browse.latest, name="recovery_latest"),
    path("recovery/<uuid:entity_id>/targets/", restore.targets, name="recovery_targets"),
    path("recovery/<uuid:entity_id>/erase/", erase.page, name="recovery_erase"),
    path("recovery/<uuid:entity_id>/hold/", erase.hold, name="recovery_hold"),
    path("recovery/<uuid:entity_id>/compare/", compare.page, name="recovery_compare"),
    path("recovery/<uuid:entity_id>/compare/select/", compare.select, name="recovery_compare_select"),
    path(_POINT, browse.page, name="recovery_browse"),
    path(_POINT + "selection/", browse.show_selection, name="recovery_selection"),
    path(_POINT + "selection/change/", browse.select, name="recovery_select"),
    path(_POINT + "selection/everything/", browse.select_everything, name="recovery_everything"),
    path(_POINT + "take/", compare.take, name="recovery_take"),
    path(_POINT + "restore/", restore.options, name="recovery_restore"),
    path(_POINT + "export/", export.options, name="recovery_export"),
    path("recovery/plans/<uuid:plan_id>/", restore.plan, name="recovery_plan"),
    path("recovery/plans/<uuid:plan_id>/again/", restore.again, name="recovery_plan_again"),
    path("recovery/plans/<uuid:plan_id>/start/", restore.start, name="recovery_plan_start"),
    path("recovery/restores/<uuid:job_id>/undo/", restore.undo, name="recovery_undo"),
    path("recovery/deleted/", lost.choose, name="recovery_lost"),
    path("recovery/deleted/selected/", lost.selected, name="recovery_lost_selected"),
    path("recovery/deleted/<uuid:batch>/", lost.plans, name="recovery_lost_plans"),
    path("recovery/deleted/<uuid:batch>/start/", lost.start, name="recovery_lost_start"),
    path("recovery/exports/<uuid:job_id>/", export.downloads, name="recovery_downloads"),
    path("recovery/exports/<uuid:job_id>/<int:number>/", export.download, name="recovery_download"),
    path("recovery/exports/<uuid:job_id>/revoke/", export.revoke, name="recovery_export_revoke"),
    path("recovery/destinations/", destinations.page, name="recovery_destinations"),
    path(
        "recovery/destinations/<uuid:destination_id>/test/", destinations.test, name="recovery_destination_test"
    ),
    path(
        "recovery/destinations/<uuid:destination_id>/remove/",
        destinations.remove,
        name="recovery_destination_remove",
    ),
    path("recovery/exports/link/<str:token>/", export.link, name="recovery_export_link"),
    path(_ITEM, preview.page, name="recovery_item"),
    path(_ITEM + "life/", compare.life, name="recovery_life"),
    path(_ITEM + "letter/", preview.body, name="recovery_letter"),
    path(_ITEM + "headers/", preview.headers, name="recovery_headers"),
    path(_ITEM + "message.eml", preview.message, name="recovery_message"),
    path(_ITEM + "document.json", preview.original, name="recovery_document"),
    path(_ITEM + "attachments/<int:number>/", preview.attachment, name="recovery_attachment"),
]
