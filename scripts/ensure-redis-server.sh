#!/bin/sh
# Makes sure that a redis-server is at hand before the specs or the sample run: takes the one that REDIS_SERVER
# names or that is on the PATH, else installs it, else says what to install.
set -eu

if command -v "${REDIS_SERVER:-redis-server}" >/dev/null 2>&1; then
  exit 0
fi

if [ -n "${REDIS_SERVER:-}" ]; then
  echo "REDIS_SERVER is set to \"$REDIS_SERVER\", which cannot be run. Correct it, or unset it." >&2
  exit 1
fi

if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo 'Installing redis-server with apt-get ...'
  apt-get update -qq
  # Only the program is wanted: a service of its own that listens on port 6379 is not (policy-rc.d forbids starting it).
  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends redis-server >/dev/null
elif command -v brew >/dev/null 2>&1; then
  echo 'Installing redis with brew ...'
  brew install redis
else
  echo 'A redis-server (6.2 or newer) is needed and was not found. Install it, then run this again:' >&2
  echo '  Debian, Ubuntu:  sudo apt-get install redis-server' >&2
  echo '  Fedora:          sudo dnf install redis' >&2
  echo '  macOS:           brew install redis' >&2
  echo '  elsewhere:       https://redis.io/docs/latest/operate/oss_and_stack/install/' >&2
  echo 'or set REDIS_SERVER to the path of one.' >&2
  exit 1
fi
