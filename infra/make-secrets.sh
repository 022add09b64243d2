#!/bin/sh
# Makes the secrets of docker-compose.yml: sh infra/make-secrets.sh secrets
# What is there already is kept. Files can be read by all, because containers run as users of their own; the folder by its owner alone.
set -eu
folder=${1:?name the folder, like: sh infra/make-secrets.sh secrets}
umask 022
mkdir -p "$folder/databases"
chmod 0700 "$folder"

random() { head -c "$1" /dev/urandom | od -An -v -tx1 | tr -d ' \n'; }

keep() {
  [ -e "$folder/$1" ] || printf '%s\n' "$2" >"$folder/$1"
  chmod 0444 "$folder/$1"
}

keep temporal-db-password "$(random 24)"
keep ledger-owner-password "$(random 24)"
keep ledger-owner-url "postgres://capstan_owner:$(cat "$folder/ledger-owner-password")@ledger-db:5432/ledger"
keep ledger-worker-url "postgres://capstan_worker:$(random 24)@ledger-db:5432/ledger"
keep secret-key "$(random 32)"
keep aws-credentials "[default]
aws_access_key_id = PUT-THE-KEY-HERE
aws_secret_access_key = PUT-THE-SECRET-HERE"
keep azure-certificate "PUT THE CERTIFICATE AND ITS KEY HERE, AS PEM"
keep gcp-key "PUT THE SERVICE ACCOUNT'S JSON HERE"
echo "secrets are in $folder; put each cloud's into $folder/aws-credentials, azure-certificate and gcp-key, and each database's password into a file in $folder/databases"
