"""What people type about backup tasks."""

from typing import Any

from django import forms

from apps.connectors.models import Connection
from apps.core.permissions import Permission, allowed
from apps.vault.api import task_store_of, task_stores

from .models import BackupTask, Policy


class NewTaskForm(forms.Form):
    """Name and connection of a new backup task; `connections` are those of the account in force."""

    name = forms.CharField(
        label="Task name", max_length=200, help_text="Used in mails and reports. You can change it later."
    )
    connection: "forms.ModelChoiceField[Connection]" = forms.ModelChoiceField(
        queryset=None,  # Rows of an account exist only inside its scope: filled in below.
        to_field_name="public_id",
        empty_label=None,
        error_messages={
            "required": "Choose an organisation, or connect one.",
            "invalid_choice": "That organisation is not connected. Choose another one, or connect it again.",
        },
    )

    def __init__(self, *args: Any, connections: list[Connection], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        allowed = Connection.objects.filter(pk__in=[connection.pk for connection in connections])
        self.fields["connection"].queryset = allowed  # type: ignore[attr-defined]


class TaskSettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    """The settings of a task that take effect at once."""

    store = forms.ChoiceField(
        label="Store",
        required=False,
        help_text="For what is backed up from now on. What is kept stays where it is.",
    )

    policy: "forms.ModelChoiceField[Policy]" = forms.ModelChoiceField(
        label="Policy",
        queryset=None,  # Rows of an account exist only inside its scope: filled in below.
        to_field_name="public_id",
        required=False,
        empty_label="None: what is set for this task",
    )

    class Meta:
        model = BackupTask
        fields = [
            "name", "auto_activate", "include_unlicensed", "recoverable_items", "inplace_archives",
            "concurrency", "precedence",
        ]  # fmt: skip
        labels = {
            "name": "Task name",
            "auto_activate": "Activate new mailboxes",
            "include_unlicensed": "People without a Microsoft licence",
            "recoverable_items": "Back up Recoverable Items",
            "inplace_archives": "Back up in-place archives",
            "concurrency": "At the same time",
            "precedence": "Order among your tasks",
        }
        help_texts = {
            "auto_activate": "What is found from now on is backed up without asking.",
            "recoverable_items": "What people deleted from Deleted Items, as long as Microsoft keeps it.",
            "inplace_archives": "Microsoft does not officially support reading them. What cannot be read is "
            "named in each run's coverage; the mailbox itself is backed up either way.",
            "precedence": "When many are due, those of a task that comes first start before your others.",
            "include_unlicensed": "Shared and room mailboxes need no licence and are always listed.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["policy"].queryset = Policy.objects.order_by("name")  # type: ignore[attr-defined]
        self.fields["policy"].initial = self.instance.policy.public_id if self.instance.policy else None
        # Where backups lie is the administrators' affair; without a store of one's own there is no choice.
        stores = task_stores() if allowed(Permission.ACCOUNT_SETTINGS) else []
        if len(stores) > 1:
            self.fields["store"].choices = stores  # type: ignore[attr-defined]
            self.fields["store"].initial = task_store_of(self.instance.shelf)
        else:
            del self.fields["store"]
        self.fields["concurrency"] = forms.IntegerField(
            label="At the same time",
            required=False,
            min_value=1,
            max_value=1000,
            help_text="How many of this task may run side by side. Empty: as many as there is room for.",
        )
