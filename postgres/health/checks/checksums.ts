/** Pages whose checksum was wrong when they were read (counted since the statistics were last reset, where checksums are on). */
import type { Check } from '../check'
import { grouped, typeable } from '../words'

interface Damaged extends Record<string, unknown> {
  /** Null: the catalogs that all databases share. */
  readonly name: string | null
  readonly shown: string | null
  readonly failures: number
  readonly last: string | null
}

export const CHECKSUMS: Check = {
  id: 'page-checksums',
  scope: 'instance',
  async find({ query }) {
    const rows = await query<Damaged>(
      `SELECT datname::text AS name, quote_ident(datname) AS shown, checksum_failures AS failures, checksum_last_failure AS last
         FROM pg_catalog.pg_stat_database WHERE checksum_failures > 0 ORDER BY checksum_failures DESC`,
    )
    return {
      findings: rows.map(({ name, shown, failures, last }) => ({
        check: 'page-checksums',
        severity: 'critical',
        database: name,
        object: name === null ? null : { kind: 'database', schema: null, name },
        message: `${shown === null ? 'The shared catalogs have' : `Database ${typeable(shown)} has`} had ${grouped(failures)} pages with a wrong checksum, the last one at ${last ?? 'an unknown time'}.`,
        why: 'The storage gave back other bytes than PostgreSQL wrote: rows are lost or wrong, and backups may hold the damage too.',
        command: 'CREATE EXTENSION amcheck; -- on a restored copy: pg_amcheck and pg_dump tell which tables',
      })),
    }
  },
}
