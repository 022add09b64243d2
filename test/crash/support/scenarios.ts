/** The operations whose every boundary is disturbed. However it is disturbed, a scenario ends the same. Each transactional migration adds a
 *  row to `effects`, so that one that was applied twice, or half, is seen. */
import { type OperationStatus, temporaryName, type Verdict } from '../../../contracts/operation'

export interface Scenario {
  readonly name: string
  readonly kind: 'migrate' | 'snapshot'
  /** By script; `host` is the target's address, which the canary does not have. */
  readonly migrations: (host: string) => Readonly<Record<string, string>>
  readonly ends: { readonly status: OperationStatus; readonly verdict: Verdict | null }
  /** Scripts that the target's history holds at the end, in order. */
  readonly applied: readonly string[]
  /** Indexes that are there at the end, valid. */
  readonly indexes: readonly string[]
  /** Names of what it leaves in the cloud; left out: whatever it is. */
  readonly leaves?: (operation: string) => readonly string[]
}

/** What every scenario starts from, applied by the engine alone. */
export const GROUND = {
  'V1__items.sql': `CREATE TABLE items (id bigserial PRIMARY KEY, name text NOT NULL, price integer NOT NULL DEFAULT 1);
INSERT INTO items (name) SELECT 'item ' || n FROM generate_series(1, 2000) n;
CREATE TABLE effects (script text NOT NULL);`,
} as const

const effect = (script: string) => `INSERT INTO effects VALUES ('${script}');`

const COLOUR = { 'V2__colour.sql': `ALTER TABLE items ADD COLUMN colour text;\n${effect('V2__colour.sql')}` }

export const PASSES: Scenario = {
  name: 'passes',
  kind: 'migrate',
  migrations: () => ({
    ...GROUND,
    ...COLOUR,
    'V3__by_colour.sql': 'CREATE INDEX CONCURRENTLY items_by_colour ON items (colour);',
    'V4__stock.sql': `CREATE TABLE stock (item bigint REFERENCES items, n integer NOT NULL);\n${effect('V4__stock.sql')}`,
    'R__names.sql': 'CREATE OR REPLACE VIEW names AS SELECT id, name FROM items;',
  }),
  ends: { status: 'succeeded', verdict: 'pass' },
  applied: ['V1__items.sql', 'V2__colour.sql', 'V3__by_colour.sql', 'V4__stock.sql', 'R__names.sql'],
  indexes: ['items_by_colour'],
  leaves: (operation) => [temporaryName(operation, 'snapshot')],
}

/** As `PASSES`, and takes its time on the target in the middle of a transaction, so that something can happen meanwhile. */
export const SLOW: Scenario = {
  ...PASSES,
  name: 'slow',
  migrations: (host) => ({
    ...PASSES.migrations(host),
    'V4__stock.sql': `CREATE TABLE stock (item bigint REFERENCES items, n integer NOT NULL);
DO $$ BEGIN IF host(inet_server_addr()) = '${host}' THEN PERFORM pg_sleep(2.5); END IF; END $$;
${effect('V4__stock.sql')}`,
  }),
}

/** What it leaves when it ends before the target was touched. */
export const UNTOUCHED = { applied: ['V1__items.sql'], indexes: [] } as const

/** Comes through the canary and fails on the target: what was applied stays, the rest is not there, and the canary goes by its undo. */
export const FAILS: Scenario = {
  name: 'fails',
  kind: 'migrate',
  migrations: (host) => ({
    ...GROUND,
    ...COLOUR,
    'V3__not_here.sql': `${effect('V3__not_here.sql')}
DO $$ BEGIN IF host(inet_server_addr()) = '${host}' THEN RAISE EXCEPTION 'not on this one'; END IF; END $$;`,
    'V4__never.sql': effect('V4__never.sql'),
  }),
  ends: { status: 'failed', verdict: null },
  applied: ['V1__items.sql', 'V2__colour.sql'],
  indexes: [],
  leaves: (operation) => [temporaryName(operation, 'snapshot')],
}

export const TAKES: Scenario = {
  name: 'takes',
  kind: 'snapshot',
  migrations: () => GROUND,
  ends: { status: 'succeeded', verdict: 'pass' },
  ...UNTOUCHED,
  leaves: (operation) => [temporaryName(operation, 'take')],
}

export const SCENARIOS: readonly Scenario[] = [PASSES, FAILS, TAKES]
