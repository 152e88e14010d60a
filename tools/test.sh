#!/usr/bin/env bash
# Everything that `make test` proves, in order of how quickly it says no. Arguments go to pytest.
set -euo pipefail
export DJANGO_SETTINGS_MODULE=config.settings.test
# Every process that a test starts would compile three thousand modules anew: the byte code is kept, outside the tree.
unset PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX="$PWD/.venv/pycache"

# Thousands of small durable writes: in memory they take a third of the time, and no test needs a real disk.
if [[ -z ${TMPDIR:-} && -w /dev/shm && $(df --output=avail -k /dev/shm | tail -1) -gt 4000000 ]]; then
  TMPDIR=$(mktemp -d /dev/shm/everkeep-tests.XXXXXX)
  export TMPDIR
  chmod 711 "$TMPDIR"  # PostgreSQL runs as a user of its own and has a folder inside
  trap 'rm -rf "$TMPDIR"' EXIT
fi

step() { printf '\n== %s\n' "$*"; }

# Debian packages that a user would have on a server, or that show pages as a user sees them.
declare -A needs=([chromium]=chromium [redis-server]=redis-server [postgresql]=/usr/lib/postgresql/*/bin/postgres)
missing=()
for package in "${!needs[@]}"; do
  # shellcheck disable=SC2086  # the pattern is meant to expand
  command -v ${needs[$package]} >/dev/null 2>&1 || ls ${needs[$package]} >/dev/null 2>&1 || missing+=("$package")
done
if ((${#missing[@]})); then
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    step "Installing ${missing[*]}"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
      >/dev/null 2>&1 || echo "Could not install ${missing[*]}: the tests that need them will be skipped."
  else
    echo "Not root: the tests that need ${missing[*]} will be skipped."
  fi
fi

# Servers that exist as npm packages only.
lock=tests/npm/package-lock.json stamp=tests/npm/node_modules/.installed
if command -v npm >/dev/null && ! cmp -s "$lock" "$stamp"; then
  step "Installing the npm test servers"
  if npm ci --prefix tests/npm --no-progress --loglevel=error >/dev/null 2>&1; then
    cp "$lock" "$stamp"
  else
    echo "Could not install them: the tests that need Azure's store will be skipped."
  fi
elif ! command -v npm >/dev/null; then
  echo "No npm here: the tests that need Azure's store will be skipped."
fi

step "Style, types, floors"
bash "$(dirname "$0")/lint.sh"

step "Migrations match the models"
python manage.py makemigrations --check --dry-run --settings config.settings.test

if (($#)); then
  python -m pytest "$@"
  exit
fi

step "Tests on SQLite"
python -m pytest -m "not browser" -n "${TEST_PROCESSES:-2}" --dist worksteal

# In processes of their own: Playwright keeps an event loop running, which no other test expects.
step "A person's way in a real browser"
python -m pytest -m browser -n "${TEST_PROCESSES:-2}" --dist loadfile

step "The database-bound part on PostgreSQL"
python -m tests.postgres -m "database and not browser" -n "${TEST_PROCESSES:-2}" --dist worksteal
