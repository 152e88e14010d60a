"""How the database answers a query: for tests of the indexes that lists rely on."""

from collections.abc import Collection

from django.db import connection
from django.db.models import Model


def know_sizes(*models: type[Model]) -> None:
    """Let PostgreSQL count what these tables hold.

    What it last believed of them is another test's or nobody's: among indexes that seem to cost the same it
    takes any. With some thousand rows counted, the index that is meant costs visibly less.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for model in models:
                cursor.execute(f"ANALYZE {connection.ops.quote_name(model._meta.db_table)}")


def plan_of(sql: str, without: Collection[str] = ()) -> str:
    """One line of text that names the indexes read.

    `without`: ways of PostgreSQL to do without ("seqscan", "sort"), for tests with few rows.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for way in without:
                cursor.execute(f"SET LOCAL enable_{way} = off")  # until the test's transaction ends
            cursor.execute("EXPLAIN " + sql)
        else:
            cursor.execute("EXPLAIN QUERY PLAN " + sql.replace("%", "%%"))
        return " ".join(str(row) for row in cursor.fetchall())
