#!/bin/sh
# What the image can be: `worker`, `ledger-schema`, or `capstan …`, the command line.
set -eu
app=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
what=${1:-help}
[ $# -eq 0 ] || shift
case "$what" in
  worker) exec node "$app"/dist/workers/main.js "$@" ;;
  ledger-schema) exec node "$app"/dist/workers/ledger-schema.js "$@" ;;
  capstan) exec node "$app"/bin/capstan.js "$@" ;;
  *)
    echo "this image runs worker, ledger-schema or capstan; $what is none of them" >&2
    exit 2
    ;;
esac
