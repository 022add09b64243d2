-- What the newest search for orphans came to, for each place that holds copies.

CREATE TABLE ledger.sweeps (
  place       text PRIMARY KEY,
  digest      text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
  body        text NOT NULL,
  updated_at  timestamptz NOT NULL DEFAULT now()
);
