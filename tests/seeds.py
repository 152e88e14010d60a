"""Where tests that try at random begin: elsewhere each time, in CI, which judges changes, always the same."""

import os
import random


def new_seed() -> int:
    """Return a seed for one run, which a failure names. Hypothesis does likewise when CI is set."""
    return 20_261_122 if os.environ.get("CI") else random.SystemRandom().randrange(1_000_000)
