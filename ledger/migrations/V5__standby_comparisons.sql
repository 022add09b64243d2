-- How far the comparison of a standby with its source is that is under way: what of it is known so far, for whoever carries it on. One row each, of the
-- newest; it holds names of tables and counts, and no row's value.

CREATE TABLE ledger.standby_comparisons (
  source      text NOT NULL,
  target      text NOT NULL,
  digest      text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
  body        text NOT NULL,
  updated_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (source, target)
);
