"""Run pytest on a real PostgreSQL with a real Redis broker: `python -m tests.postgres -m database`."""

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack

from tests.servers import postgres, postgres_programs, redis


def main(arguments: list[str]) -> int:
    if postgres_programs() is None or shutil.which("redis-server") is None:
        print("PostgreSQL or Redis is not installed: the database-bound tests ran on SQLite only.")  # noqa: T201
        return 0
    with ExitStack() as stack:
        env = {
            **os.environ,
            "EVERKEEP_DATABASE_URL": stack.enter_context(postgres()),
            "EVERKEEP_BROKER_URL": stack.enter_context(redis()),
        }
        code = subprocess.run([sys.executable, "-m", "pytest", *arguments], env=env, check=False).returncode
    return 0 if code == 5 else code  # pytest's 5: no test carries the mark


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
