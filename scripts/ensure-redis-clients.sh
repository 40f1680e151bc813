#!/bin/sh
# Makes sure that the foreign clients are at hand with which the specs try the emulator: redis-cli with TLS, and Python's
# redis package. Installs what is missing, else says what to install.
set -eu

has_python_client() {
  for python in "${PYTHON:-python3}" /usr/bin/python3; do
    if "$python" -c 'import redis' >/dev/null 2>&1; then return 0; fi
  done
  return 1
}

if command -v redis-cli >/dev/null 2>&1 && has_python_client; then
  exit 0
fi

if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo 'Installing redis-tools and python3-redis with apt-get ...'
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-tools python3-redis >/dev/null
else
  echo 'redis-cli and the Python package redis are needed and were not found. Install them, then run this again:' >&2
  echo '  Debian, Ubuntu:  sudo apt-get install redis-tools python3-redis' >&2
  echo '  Fedora:          sudo dnf install redis python3-redis' >&2
  echo '  macOS:           brew install redis && python3 -m pip install redis' >&2
  echo 'or set PYTHON to a Python that has the package.' >&2
  exit 1
fi
