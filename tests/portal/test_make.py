"""The two commands of the README pass on what they are told."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _what_make_would_do(*arguments: str) -> str:
    answer = subprocess.run(["make", "-n", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return answer.stdout


def test_port_and_data_folder_of_make_run_reach_the_portal() -> None:
    commands = _what_make_would_do("run", "PORT=9123", "DATA=elsewhere")
    assert f"PORT=9123 EVERKEEP_DATA={ROOT}/elsewhere exec .venv/bin/python manage.py serve" in commands


def test_make_demo_is_make_run_with_a_demo() -> None:
    assert "manage.py serve --demo" in _what_make_would_do("demo")
