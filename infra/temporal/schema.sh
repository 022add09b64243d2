#!/bin/sh
# Temporal's two databases and their tables, brought up to the version of these tools. Safe to repeat.
set -eu
SQL_PASSWORD="$(cat "$SQL_PASSWORD_FILE")"
export SQL_PASSWORD SQL_PLUGIN SQL_HOST SQL_PORT SQL_USER

prepare() {
  database=$1
  folder=$2
  temporal-sql-tool --db "$database" create
  # Version 0.0 is the table of versions itself. A database that has it already is left as it is.
  temporal-sql-tool --db "$database" setup-schema -v 0.0
  temporal-sql-tool --db "$database" update-schema --schema-dir "$TEMPORAL_SCHEMA_DIR/$folder/versioned"
}

prepare temporal temporal
prepare temporal_visibility visibility
echo "Temporal's databases are ready"
