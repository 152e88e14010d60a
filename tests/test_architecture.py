"""House rules as tests: what import-linter does not see. The reasons stand in docs/architecture.md."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
APPS = ROOT / "apps"
FILE_LIMIT, FUNCTION_LIMIT, VIEW_LIMIT = 600, 60, 40
PUBLIC_MODULES = {
    "models",
    "enums",
    "errors",
    "access",
    "approvals",
    "selectors",
    "services",
    "base",
    "documents",
    "writing",
    "api",
    "letters",
    "registry",
    "http",
    "runner",
    "health",
    "audit",
    "everywhere",
    "heads",
    "gates",
    "panels",
    "entity_facts",
    "task_switches",
    "task_tabs",
    "sudo",
}
FREE_FOR_ALL = {"core"}


def _sources(folder: Path = APPS) -> list[Path]:
    return [p for p in sorted(folder.rglob("*.py")) if "migrations" not in p.parts]


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def test_nothing_that_make_builds_is_tracked() -> None:
    """A link of that name, committed in a worktree, replaces the real folder of who merges it."""
    built = {".boot", ".venv", "tests/npm/node_modules"}
    assert built & {str(path.relative_to(ROOT)) for path in _tracked()} == set()


def test_files_stay_short_enough_to_have_one_reason_to_change() -> None:
    lengths = {p: len(p.read_text().splitlines()) for p in _sources() + _sources(ROOT / "config")}
    assert {str(p.relative_to(ROOT)): n for p, n in lengths.items() if n > FILE_LIMIT} == {}


def test_functions_stay_short_enough_to_read_at_once() -> None:
    long = {
        f"{p.relative_to(ROOT)}:{f.name}": _length(f)
        for p in _sources()
        for f in _functions(p)
        if _length(f) > FUNCTION_LIMIT
    }
    assert long == {}


def test_views_are_thin() -> None:
    views = [p for p in _sources() if p.name == "views.py" or p.parent.name == "views"]
    fat = {
        f"{p.relative_to(ROOT)}:{f.name}": _length(f)
        for p in views
        for f in _functions(p)
        if _length(f) > VIEW_LIMIT
    }
    assert fat == {}


def test_apps_use_only_the_public_modules_of_other_apps() -> None:
    wrong = []
    for path in _sources():
        own = path.relative_to(APPS).parts[0]
        for name in re.findall(r"^\s*from apps\.([\w.]+) import", path.read_text(), re.M):
            other, *rest = name.split(".")
            private = bool(rest) and rest[0] not in PUBLIC_MODULES
            if other != own and other not in FREE_FOR_ALL and private:
                wrong.append(f"{path.relative_to(ROOT)} imports apps.{name}")
    assert wrong == []


def test_tasks_are_sent_after_commit_only() -> None:
    senders = [p for p in _sources() if re.search(r"\.(delay|apply_async)\(", p.read_text())]
    assert [str(p.relative_to(ROOT)) for p in senders] == ["apps/core/tasks.py"]


def test_all_accounts_are_never_in_reach_of_a_request() -> None:
    wrong = [
        str(p.relative_to(ROOT))
        for p in _sources()
        if (p.name in {"views.py", "forms.py", "access.py"} or p.parent.name == "views")
        and "every_account" in p.read_text()
    ]
    assert wrong == []


def test_node_versions_are_touched_by_the_catalog_alone() -> None:
    users = {
        str(p.relative_to(APPS).parts[0])
        for p in _sources()
        if re.search(r"NodeVersion\.objects|node_version\b", p.read_text())
    }
    assert users <= {"backups"}


def test_no_tracked_file_names_a_registry_or_a_path_of_one_machine() -> None:
    hosts = re.compile(
        "|".join([r"pypi\." + "org", "python" + r"hosted\.", r"npmjs\." + r"(org|com)", "/wor" + "k/main"])
    )
    wrong = []
    for path in _tracked():
        if path.suffix in {".woff2", ".png", ".pst", ".zip"} or not path.is_file():
            continue
        if hosts.search(path.read_text(errors="replace")):
            wrong.append(str(path.relative_to(ROOT)))
    assert wrong == []
