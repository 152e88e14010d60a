"""The reader as a module of this process, for tests of its parts."""

import importlib.util
import sys
from types import ModuleType

from tests.reader.bare import READER


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("everkeep_reader", READER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its annotations are looked up there
    spec.loader.exec_module(module)
    return module


reader = _load()
