"""Runs the reader as after a catastrophe: an interpreter that can import four packages and nothing of ours."""

import importlib.util
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
READER = ROOT / "docs" / "reader" / "everkeep_reader.py"
PACKAGES = ("cryptography", "zstandard", "blake3", "cffi", "_cffi_backend", "pycparser")
MEMORY = 300_000_000  # bytes of data that a run of the reader may take
START = (
    "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_DATA, ({memory}, {memory}));"
    "sys.path.append({folder!r}); sys.argv = ['everkeep_reader.py'] + sys.argv[1:];"
    "runpy.run_path({reader!r}, run_name='__main__')"
)


@dataclass
class Said:
    """What a run of the reader said."""

    status: int
    out: str
    err: str


class BareReader:
    """`-I -S`: no site-packages, no PYTHONPATH, no current folder; the packages are linked one by one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "packages"
        self.folder.mkdir()
        for name in PACKAGES:
            spec = importlib.util.find_spec(name)
            if spec is None or spec.origin is None:
                continue
            path = Path(spec.origin)
            path = path.parent if path.name == "__init__.py" else path
            (self.folder / path.name).symlink_to(path)

    def python(self, code: str, *arguments: object, given: str = "") -> Said:
        command = [sys.executable, "-I", "-S", "-c", code, *map(str, arguments)]
        done = subprocess.run(
            command, input=given, capture_output=True, text=True, env={}, cwd="/", timeout=120, check=False
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def __call__(self, *arguments: object, given: str = "") -> Said:
        code = START.format(memory=MEMORY, folder=str(self.folder), reader=str(READER))
        said = self.python(code, *arguments, given=given)
        assert "Traceback" not in said.err, said.err
        return said
