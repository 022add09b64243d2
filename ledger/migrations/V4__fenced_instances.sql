-- The instances that are kept from everybody through their cloud's API: how each was before, and what the watch of it saw last. A row is never removed: one
-- that was lifted, or whose instance is gone, says so, and the instance may be fenced again.

CREATE TABLE ledger.fenced_instances (
  scope       text PRIMARY KEY,
  digest      text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
  body        text NOT NULL,
  updated_at  timestamptz NOT NULL DEFAULT now()
);
