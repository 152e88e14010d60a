"""The blob index' table, as small as each database allows.

When `makemigrations` writes the first migration anew, put `CreateCompactTable` in place of `CreateModel` for
`BlobLocation` there by hand (tests/vault/test_account_vault.py notices when it is forgotten).
"""

from typing import Any

from django.db import migrations


class CreateCompactTable(migrations.CreateModel):
    """On SQLite keep the rows in the key's own tree: 60 bytes a row instead of 104, one tree to search.

    Django knows no option for it. A later AlterField on SQLite makes the table anew without it: harmless, but
    larger.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        super().database_forwards(app_label, schema_editor, from_state, to_state)
        if schema_editor.connection.vendor == "sqlite":
            table = self.options["db_table"]
            with schema_editor.connection.cursor() as cursor:
                cursor.execute("SELECT sql FROM sqlite_master WHERE name = %s", [table])
                (made_by_django,) = cursor.fetchone()
            schema_editor.execute(f"DROP TABLE {table}")
            schema_editor.execute(f"{made_by_django} WITHOUT ROWID")
