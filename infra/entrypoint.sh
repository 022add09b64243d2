#!/bin/sh
# What the image can be: `worker`, `ledger-schema`, or `capstan …`, the command line.
set -eu
app=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
what=${1:-help}
[ $# -eq 0 ] || shift
case "$what" in
  worker) exec node "$app"/dist/workers/main.js "$@" ;;
  ledger-schema) exec node "$app"/dist/workers/ledger-schema.js "$@" ;;
  capstan)
    # The command line knows the ledger by a variable alone; workers and the schema job read the file themselves.
    if [ -n "${CAPSTAN_LEDGER_URL_FILE:-}" ] && [ -z "${CAPSTAN_LEDGER_URL:-}" ]; then
      CAPSTAN_LEDGER_URL="$(cat "$CAPSTAN_LEDGER_URL_FILE")"
      export CAPSTAN_LEDGER_URL
    fi
    exec node "$app"/bin/capstan.js "$@"
    ;;
  *)
    echo "this image runs worker, ledger-schema or capstan; $what is none of them" >&2
    exit 2
    ;;
esac
