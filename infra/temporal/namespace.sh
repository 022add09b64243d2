#!/bin/sh
# The namespace with its retention, and the search attributes of operations and schedules. Safe to repeat.
set -eu
: "${RETENTION:=30d}"
export TEMPORAL_ADDRESS TEMPORAL_NAMESPACE

attempts=30
until temporal operator cluster health >/dev/null 2>&1; do
  attempts=$((attempts - 1))
  if [ "$attempts" -le 0 ]; then
    echo "Temporal does not answer at $TEMPORAL_ADDRESS" >&2
    exit 1
  fi
  sleep 2
done

if temporal operator namespace describe -n "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
  temporal operator namespace update -n "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
else
  temporal operator namespace create -n "$TEMPORAL_NAMESPACE" --retention "$RETENTION"
fi

# A server that has just made the namespace needs a moment until all of it knows.
attempts=30
until known="$(temporal operator search-attribute list -n "$TEMPORAL_NAMESPACE" 2>/dev/null)"; do
  attempts=$((attempts - 1))
  if [ "$attempts" -le 0 ]; then
    echo "Temporal does not list the search attributes of $TEMPORAL_NAMESPACE" >&2
    exit 1
  fi
  sleep 1
done
for attribute in CapstanKind CapstanDatabase CapstanEnvironment CapstanCloud CapstanStatus CapstanBundle; do
  case "$known" in
    *"$attribute"*) ;;
    *) temporal operator search-attribute create -n "$TEMPORAL_NAMESPACE" --name "$attribute" --type Keyword ;;
  esac
done
echo "namespace $TEMPORAL_NAMESPACE is ready"
