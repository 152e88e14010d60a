"""A hostile object costs an error: never memory, never another exception, never code (tests/vault/fuzz.py).

Each parser runs in a child whose memory is capped. The seed is printed when a try fails.
"""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.seeds import new_seed
from tests.vault import fuzz

ROOT = Path(__file__).resolve().parents[2]
SEED = new_seed()
TRIES = 1_500


@pytest.mark.parametrize("parser", sorted(fuzz.PARSERS))
def test_damaged_objects_cost_an_error_and_nothing_else(parser: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.vault.fuzz", parser, str(SEED), str(TRIES)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("parser", sorted(set(fuzz.PARSERS) - {"golden"}))
def test_the_good_object_is_read_by_the_same_way(parser: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the trials above would prove nothing: undamaged, each of them gets through."""
    monkeypatch.setattr(fuzz, "damaged", lambda data, source: data)
    monkeypatch.setattr(fuzz, "_harmless", lambda read: read())
    refused = 0
    for number in range(60):
        try:
            fuzz.PARSERS[parser](random.Random(number))
        except Exception:  # some ways are hostile by themselves
            refused += 1
    assert refused < 60
