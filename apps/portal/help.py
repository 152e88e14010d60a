"""The help pages: one a topic, plain words, the same for everybody. Texts live in templates/portal/help/."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """One help page; `key` is also the key of the area that links to it."""

    key: str
    title: str
    sentence: str


TOPICS = {
    topic.key: topic
    for topic in (
        Topic(
            "home", "Backup tasks", "Connect an organisation, choose what is kept, and read the status words."
        ),
        Topic("recovery", "Recovery", "Open a day, look into it, bring back or export what you choose."),
        Topic("search", "Search", "How to find anything that is kept."),
        Topic("jobs", "Jobs", "Follow restores and exports, stop them, and read what they did."),
        Topic("alerts", "Alerts", "What raises an alert, and what to do about one."),
        Topic("hooks", "Hooks", "Tell your own server before and after backups, and check that it is us."),
        Topic("activity", "Activity", "Who did what, and when."),
        Topic(
            "health", "Health", "How we know that your backups can be read, and what happens when one cannot."
        ),
        Topic("settings", "Settings", "Where things are set."),
        Topic("billing", "Billing", "Plans, payments, invoices, and what is counted."),
        Topic("support", "Support", "How to ask, and what to have at hand."),
    )
}
