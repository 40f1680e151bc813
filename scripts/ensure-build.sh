#!/bin/sh
# Builds the package, unless nothing that it is built from has changed since.
set -eu
cd "$(dirname "$0")/.."

if [ -e build/complete ]; then
  changed=$(find lib doctor emulator register cli package.json package-lock.json rollup.config.js tsconfig*.json -newer build/complete)
  if [ -z "$changed" ]; then exit 0; fi
fi
npm run build
