-- The control plane's own record: operations with their steps, bundles, documents, epochs, resources and evidence.
-- Documents are kept as the canonical JSON text that their digest was taken over: `jsonb` would lose it, and refuses \u0000.

CREATE SCHEMA ledger;

CREATE TABLE ledger.bundles (
  digest      text PRIMARY KEY CHECK (digest ~ '^[0-9a-f]{64}$'),
  body        text NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE ledger.operations (
  id              text PRIMARY KEY CHECK (id ~ '^[a-z][a-z0-9-]{2,31}$'),
  sequence        bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  kind            text NOT NULL,
  databases       text[] NOT NULL,
  cloud           text NOT NULL,
  environment     text NOT NULL,
  mode            text NOT NULL CHECK (mode IN ('plan', 'apply')),
  bundle          text NOT NULL REFERENCES ledger.bundles (digest),
  requested_by    text NOT NULL,
  started_at      timestamptz NOT NULL,
  finished_at     timestamptz,
  status          text NOT NULL CHECK (status IN
                    ('planned', 'awaiting-approval', 'running', 'needs-operator', 'succeeded', 'failed', 'rejected', 'aborted')),
  verdict         text CHECK (verdict IN ('pass', 'fail', 'inconclusive')),
  failure_code    text,
  failure_message text,
  plan_digest     text,
  evidence        text,
  CHECK ((failure_code IS NULL) = (failure_message IS NULL))
);
CREATE INDEX operations_by_database ON ledger.operations USING gin (databases);

CREATE TABLE ledger.steps (
  operation   text NOT NULL REFERENCES ledger.operations (id),
  id          text NOT NULL,
  sequence    integer NOT NULL,
  title       text NOT NULL,
  state       text NOT NULL CHECK (state IN
                ('running', 'done', 'failed', 'cancelled', 'undoing', 'undone', 'undo-failed', 'undo-skipped')),
  attempts    integer NOT NULL CHECK (attempts >= 1),
  started_at  timestamptz NOT NULL,
  finished_at timestamptz,
  detail      text NOT NULL,
  PRIMARY KEY (operation, id)
);

CREATE TABLE ledger.documents (
  operation   text NOT NULL REFERENCES ledger.operations (id),
  name        text NOT NULL,
  digest      text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
  body        text NOT NULL,
  updated_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (operation, name)
);

CREATE TABLE ledger.evidence (
  operation   text PRIMARY KEY REFERENCES ledger.operations (id),
  digest      text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
  body        text NOT NULL,
  written_at  timestamptz NOT NULL DEFAULT now()
);

-- Fencing epochs: a counter per scope that is never reset. A lock workflow that closed would start again at 1; this does not.
CREATE TABLE ledger.epoch_counters (
  scope       text PRIMARY KEY,
  last        bigint NOT NULL CHECK (last >= 0)
);

CREATE TABLE ledger.epochs (
  scope       text NOT NULL REFERENCES ledger.epoch_counters (scope),
  epoch       bigint NOT NULL CHECK (epoch >= 1),
  operation   text NOT NULL,
  granted_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (scope, epoch),
  UNIQUE (scope, operation)
);

-- What an operation made in a cloud, so that nothing is forgotten there.
CREATE TABLE ledger.resources (
  operation   text NOT NULL REFERENCES ledger.operations (id),
  cloud       text NOT NULL,
  kind        text NOT NULL,
  name        text NOT NULL,
  created_at  timestamptz NOT NULL,
  expires_at  timestamptz,
  removed_at  timestamptz,
  PRIMARY KEY (operation, cloud, kind, name)
);
