#!/usr/bin/env bash
# Style, types and the floors of the house. Needs the test environment on PATH (`make lint` sets it up).
set -euo pipefail
ruff check .
ruff format --check .
lint-imports --no-cache
mypy
