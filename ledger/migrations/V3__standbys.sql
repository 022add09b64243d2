-- The standbys in other clouds: the state that each is in, and what the newest look at it told. A row is never removed: one that is gone may
-- be set up again.

CREATE TABLE ledger.standbys (
  source      text NOT NULL,
  target      text NOT NULL,
  digest      text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
  body        text NOT NULL,
  updated_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (source, target)
);
