"""`make bench` or `python -m tests.bench [NAME...]`: measure, print JSON lines and a table.

A name picks the cases that begin with it: `backup`, `backup.first`, `browse`. Needs no network and nothing
outside the project. Goals are those of docs/testing.md; the exit status tells whether they were met.
"""

import json
import sys
from typing import Any

from . import backup, browse, exporting, jobs, portal, restoring, searching, vault

CASES: dict[str, Any] = (
    backup.CASES
    | browse.CASES
    | exporting.CASES
    | jobs.CASES
    | portal.CASES
    | restoring.CASES
    | searching.CASES
    | vault.CASES
)
AREAS = {"recovery": ("browse", "restore", "export")}
GOALS: dict[str, list[tuple[str, str, float]]] = {
    "backup.first": [("ratio", ">=", 0.6), ("cpu_us_per_item", "<=", 350), ("rss_mb", "<=", 300)],
    "backup.nochange": [("ratio_20k_to_2k", "<=", 1.3)],
    "browse.page": [("p95_ms", "<", 50)],
    "restore.items": [("ratio", ">=", 0.4), ("rss_mb", "<=", 300)],
    "export.zip": [("ratio", ">=", 0.5)],
    "export.memory": [("rss_mb", "<=", 300)],
    "accounts.sign_in": [("p95_ms", "<", 150)],
    "portal.home": [("p95_ms", "<", 150)],
    **{
        f"portal.load.{page}": [("p95_ms", "<", 150)]
        for page in ("home", "task", "task_middle", "task_name", "task_failed", "entity")
    },
    # Of every page its end, of the file its beginning: the rest is its length.
    **{f"jobs.{page}": [("p95_ms", "<", 150)] for page in jobs.PAGES},
    **{f"jobs.{page}": [("first_byte_p95_ms", "<", 150)] for page in jobs.FILES},
    "portal.load.tick": [("p50_ms", "<", 1_000)],
    "search.build": [("docs_per_s", ">=", 2_000)],
    "search.size": [("share_of_text", "<=", 0.5)],
    "search.query": [("p95_warm_ms", "<=", 50), ("p95_cold_ms", "<=", 500)],
    "vault.ingest": [("ratio", ">=", 1.3)],
    "vault.cpu": [("ratio", "<=", 1)],
    "vault.restore": [("ratio", ">=", 2)],
    "vault.check": [("ratio", ">=", 1.5)],
    "vault.size.generated": [("ratio", "<=", 0.9)],
    "vault.size.real": [("ratio", "<=", 0.8)],
    "vault.memory": [("rss_mb", "<=", 200)],
    "vault.read_one": [("p95_ms", "<=", 20)],
}


def main(names: list[str]) -> int:
    names = [each for name in names for each in AREAS.get(name, (name,))]
    chosen = {name: case for name, case in CASES.items() if not names or any(name.startswith(n) for n in names)}
    if not chosen:
        print(f"There is no bench {' '.join(names)}: there are {', '.join(CASES)}.", file=sys.stderr)  # noqa: T201
        return 2
    lines = []
    for case in chosen.values():
        for line in case():
            print(json.dumps(line), flush=True)  # noqa: T201
            lines.append(line)
    missed = 0
    print("\n" + f"{'case':<22}{'figure':<24}{'measured':>12}   goal")  # noqa: T201
    for line in lines:
        for figure, value in line.items():
            if figure != "bench":
                goal, met = _goal(line["bench"], figure, value)
                missed += not met
                print(f"{line['bench']:<22}{figure:<24}{value:>12,}   {goal}")  # noqa: T201
    return 1 if missed else 0


def _goal(case: str, figure: str, value: Any) -> tuple[str, bool]:
    for name, relation, limit in GOALS.get(case, []):
        if name == figure:
            met = {">=": value >= limit, "<=": value <= limit, "<": value < limit}[relation]
            return f"{relation} {limit:g} {'met' if met else 'MISSED'}", met
    return "", True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
