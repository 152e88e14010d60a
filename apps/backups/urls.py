from django.urls import URLPattern, path

from .views import entities, new_task, settings, tasks

urlpatterns: list[URLPattern] = [
    path("tasks/new/", new_task.services, name="task_new"),
    path("tasks/new/<slug:service>/", new_task.connect, name="task_new_service"),
    path("tasks/<uuid:task_id>/", tasks.page, name="task"),
    path("tasks/<uuid:task_id>/live/", tasks.live, name="task_live"),
    path("tasks/<uuid:task_id>/act/", tasks.act, name="task_act"),
    path("tasks/<uuid:task_id>/discover/", tasks.discover, name="task_discover"),
    path("tasks/<uuid:task_id>/settings/", settings.page, name="task_settings"),
    path("entities/<uuid:entity_id>/", entities.page, name="entity"),
    path("entities/<uuid:entity_id>/live/", entities.live, name="entity_live"),
    path("entities/<uuid:entity_id>/act/", entities.act, name="entity_act"),
    path("runs/<uuid:run_id>/", entities.run, name="run"),
]
