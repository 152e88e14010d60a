"""What Celery does and when: queues, who works on what, what beat sends. The same wherever Everkeep runs."""

CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_ROUTES = {
    "apps.backups.discovery_tasks.*": {"queue": "default"},
    "apps.backups.tasks.tick": {"queue": "default"},
    "apps.backups.tasks.send_hooks": {"queue": "default"},
    "apps.backups.tasks.send_hook": {"queue": "hooks"},
    # What people are told waits neither behind backups nor behind customers' slow servers.
    "apps.notifications.tasks.send_letters": {"queue": "letters"},
    "apps.notifications.tasks.send_letters_of": {"queue": "letters"},
    "apps.backups.tasks.send_reports": {"queue": "letters"},
    "apps.backups.tasks.make_reports": {"queue": "letters"},
    "apps.backups.tasks.tell_news": {"queue": "letters"},
    "apps.backups.tasks.tell_news_of": {"queue": "letters"},
    "apps.backups.*": {"queue": "backup"},
    "apps.recovery.*": {"queue": "recovery"},
    "apps.search.tasks.bring_in": {"queue": "index"},
    "apps.alerts.tasks.measure_account": {"queue": "index"},
}
CELERY_BEAT_SCHEDULE = {
    "over": {"task": "apps.accounts.tasks.forget_what_is_over", "schedule": 24 * 3600.0},
    "check_schedule": {
        "task": "apps.vault.health_tasks.schedule_checks",
        "schedule": 900.0,
        "options": {"expires": 900},
    },
    "check_work": {
        "task": "apps.vault.health_tasks.dispatch_checks",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "backups": {"task": "apps.backups.tasks.tick", "schedule": 15.0, "options": {"queue": "default"}},
    "rounds": {"task": "apps.backups.tasks.look_for_ended_rounds", "schedule": 300.0},
    "letters": {"task": "apps.notifications.tasks.send_letters", "schedule": 15.0, "options": {"expires": 15}},
    "old_letters": {"task": "apps.notifications.tasks.forget_old_letters", "schedule": 24 * 3600.0},
    "hooks": {"task": "apps.backups.tasks.send_hooks", "schedule": 15.0, "options": {"expires": 15}},
    "retention": {"task": "apps.backups.tasks.look_after_retention", "schedule": 12 * 3600.0},
    "tallies": {
        "task": "apps.backups.tasks.count_large_tasks",
        "schedule": 60.0,
        "options": {"queue": "default", "expires": 60},
    },
    "large": {"task": "apps.backups.tasks.find_large_tasks", "schedule": 900.0, "options": {"expires": 900}},
    "drills": {"task": "apps.recovery.tasks.schedule_drills", "schedule": 3600.0},
    "deletions": {"task": "apps.backups.tasks.delete_what_is_due", "schedule": 3600.0},
    "erasures": {"task": "apps.backups.tasks.erase_what_is_due", "schedule": 3600.0},
    "activation": {"task": "apps.activation.tasks.follow_rules", "schedule": 300.0},
    "onboarding": {"task": "apps.activation.tasks.onboard_all", "schedule": 900.0},
    "discovery": {"task": "apps.backups.discovery_tasks.discover_due_tasks", "schedule": 3600.0},
    "exports": {"task": "apps.recovery.tasks.purge_exports", "schedule": 3600.0},
    "usage": {"task": "apps.backups.tasks.purge_usage_files", "schedule": 3600.0},
    "reports": {
        "task": "apps.backups.tasks.send_reports",
        "schedule": 60.0,
        "options": {"expires": 60},
    },
    "news": {"task": "apps.backups.tasks.tell_news", "schedule": 120.0, "options": {"expires": 120}},
    "undo": {"task": "apps.recovery.tasks.forget_replaced", "schedule": 3600.0},
    "keys": {"task": "apps.vault.tasks.finish_keys", "schedule": 3600.0},
    "garbage": {"task": "apps.vault.tasks.collect_garbage", "schedule": 6 * 3600.0},
    "locks": {"task": "apps.vault.tasks.extend_locks", "schedule": 6 * 3600.0},
    "jobs": {"task": "apps.jobs.tasks.dispatch_jobs", "schedule": 15.0, "options": {"expires": 15}},
    "audit_streams": {
        "task": "apps.activity.tasks.send_streams",
        "schedule": 15.0,
        "options": {"expires": 15},
    },
    "audit_heads": {"task": "apps.activity.tasks.look_after_chains", "schedule": 3600.0},
    "billing": {"task": "apps.billing.tasks.bill_all", "schedule": 3600.0},
    "accounts": {"task": "apps.accounts.tasks.look_after_accounts", "schedule": 3600.0},
    "company_sign_in": {"task": "apps.accounts.saml.tasks.refresh_providers", "schedule": 24 * 3600.0},
    "copies": {"task": "apps.vault.tasks.look_after_copies", "schedule": 60.0, "options": {"expires": 60}},
    "measures": {"task": "apps.alerts.tasks.send_measuring", "schedule": 60.0, "options": {"expires": 60}},
    "standing": {"task": "apps.alerts.standing_tasks.look_at_accounts", "schedule": 900.0},
    "room": {"task": "apps.alerts.standing_tasks.look_at_room", "schedule": 3600.0},
    "old_alerts": {"task": "apps.alerts.standing_tasks.forget_old_alerts", "schedule": 24 * 3600.0},
    "stripe": {
        "task": "apps.billing.gateway.tasks.look_after_payments",
        "schedule": 300.0,
        "options": {"expires": 300},
    },
    "stripe_night": {"task": "apps.billing.gateway.tasks.reconcile", "schedule": 24 * 3600.0},
    "index": {"task": "apps.search.tasks.send_index_work", "schedule": 60.0, "options": {"expires": 60}},
}
