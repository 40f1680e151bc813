#!/bin/sh
# Makes sure that a Chromium is at hand before the specs run, which sign a user in with it: takes the one that CHROMIUM
# names, or a Chromium or Chrome that is on the PATH (spec/support/chromium.ts looks in the same places), else installs
# it, else says what to install.
set -eu

if [ -n "${CHROMIUM:-}" ]; then
  command -v "$CHROMIUM" >/dev/null 2>&1 && exit 0
  echo "CHROMIUM is set to \"$CHROMIUM\", which cannot be run. Correct it, or unset it." >&2
  exit 1
fi

for program in chromium chromium-browser google-chrome google-chrome-stable \
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'; do
  if command -v "$program" >/dev/null 2>&1; then
    exit 0
  fi
done

if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ] && [ "$(. /etc/os-release && echo "$ID")" = debian ]; then
  echo 'Installing chromium with apt-get ...'
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
else
  echo 'A Chromium or Chrome is needed and was not found. Install it, then run this again:' >&2
  echo '  Debian:          sudo apt-get install chromium' >&2
  echo '  Ubuntu:          sudo snap install chromium' >&2
  echo '  Fedora:          sudo dnf install chromium' >&2
  echo '  macOS:           brew install --cask google-chrome' >&2
  echo '  elsewhere:       https://www.google.com/chrome/' >&2
  echo 'or set CHROMIUM to the path of one.' >&2
  exit 1
fi
