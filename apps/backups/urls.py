from django.urls import URLPattern, path

from .views import coverage, deletion, entities, new_task, retention, schedules, settings, tags, tasks

urlpatterns: list[URLPattern] = [
    path("tasks/new/", new_task.services, name="task_new"),
    path("tasks/new/<slug:service>/", new_task.connect, name="task_new_service"),
    path("tasks/<uuid:task_id>/", tasks.page, name="task"),
    path("tasks/<uuid:task_id>/live/", tasks.live, name="task_live"),
    path("tasks/<uuid:task_id>/act/", tasks.act, name="task_act"),
    path("tasks/<uuid:task_id>/tags/", tags.apply, name="task_tags"),
    path("tasks/<uuid:task_id>/discover/", tasks.discover, name="task_discover"),
    path("tasks/<uuid:task_id>/settings/", settings.page, name="task_settings"),
    path("tasks/<uuid:task_id>/schedule/", schedules.page, name="task_schedule"),
    path("tasks/<uuid:task_id>/coverage/", coverage.task, name="task_coverage"),
    path("tasks/<uuid:task_id>/coverage/act/", coverage.act_on_task, name="task_gaps"),
    path("tags/", tags.page, name="tags"),
    path("tags/new/", tags.create, name="tag_create"),
    path("tags/<uuid:tag_id>/", tags.change, name="tag_change"),
    path("tasks/<uuid:task_id>/delete/", deletion.task, name="task_delete"),
    path("tasks/<uuid:task_id>/delete/entities/", deletion.chosen, name="entities_delete"),
    path("entities/<uuid:entity_id>/delete/", deletion.entity, name="entity_delete"),
    path("deletions/", deletion.page, name="deletions"),
    path("deletions/<uuid:deletion_id>/cancel/", deletion.cancel, name="deletion_cancel"),
    path("entities/<uuid:entity_id>/", entities.page, name="entity"),
    path("entities/<uuid:entity_id>/live/", entities.live, name="entity_live"),
    path("entities/<uuid:entity_id>/act/", entities.act, name="entity_act"),
    path("entities/<uuid:entity_id>/gaps/", coverage.act_on_entity, name="entity_gaps"),
    path("runs/<uuid:run_id>/coverage/", coverage.run, name="run_coverage"),
    path("runs/<uuid:run_id>/coverage.csv", coverage.run_csv, name="run_coverage_csv"),
    path("runs/<uuid:run_id>/", entities.run, name="run"),
    path("tasks/<uuid:task_id>/retention/", retention.task_page, name="task_retention"),
    path("settings/retention/", retention.account_page, name="retention"),
]
