#!/usr/bin/env bash
# Debian ships Python without its venv module: put it in place, or say how.
set -euo pipefail
if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
  echo "Installing python3-venv"
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
else
  echo "Python's venv module is missing. Install it once: sudo apt-get install python3-venv" >&2
  exit 1
fi
