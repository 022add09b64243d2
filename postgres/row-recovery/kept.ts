/** Which rows a survey found, kept by key in the copy: so somebody can approve just these and have just these staged, however the live database goes
 *  on meanwhile. Each survey keeps its own, so that none can take another's for its own; one that fails drops it, one that is killed leaves it, and all go with the copy. Never in a copy that is somebody's. */
import { randomBytes } from 'node:crypto'
import { failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import type { Session } from '../connect/session'
import type { Key } from '../verify/key-reader'
import type { Side } from '../verify/side'
import { slices } from './missing'
import { pinPath } from './run'

const KEYS_MAX = 5_000

/** `of`: the table's place in the request. */
interface Keeper {
  /** What they are read by later. */
  readonly name: string
  take(of: number, keys: readonly Key[]): Promise<void>
  drop(): Promise<void>
}

/** `session`: on the copy, with the right to make a table there. Throws DATABASE_REFUSED. */
export async function keepRows(session: Session): Promise<Keeper> {
  await pinPath(session)
  await session.set('statement_timeout', '60s')
  // between two pieces that lack something there may be hours
  await session.set('idle_session_timeout', '0')
  const name = await makeRoom(session)
  return {
    name,
    async drop() {
      await session.execute(`DROP TABLE IF EXISTS ${name}`)
    },
    async take(of, keys) {
      for (const some of slices(keys, KEYS_MAX)) {
        const columns = (some[0] ?? []).map((_, at) => `k${at}`)
        const values = columns.map((_, at) => some.map((key) => key[at]))
        await session.query(
          `INSERT INTO ${name} (of_table, key) SELECT $1, ARRAY[${columns.join(', ')}]
             FROM unnest(${columns.map((_, at) => `$${at + 2}::text[]`).join(', ')}) WITH ORDINALITY AS u (${columns.join(', ')}, n) ORDER BY n`,
          [of, ...values],
        )
      }
    },
  }
}

/** Beside Capstan's own tables, as the live database has it; where that schema is there and another's, in one of its own. */
async function makeRoom(session: Session): Promise<string> {
  const [schemas] = await session.query<{ ours: boolean | null; kept: boolean }>(
    `SELECT has_schema_privilege(to_regnamespace('capstan'), 'CREATE') AS ours, to_regnamespace('capstan_kept') IS NOT NULL AS kept`,
  )
  const schema = schemas?.ours === false ? 'capstan_kept' : 'capstan'
  const there = schema === 'capstan' ? schemas?.ours === true : schemas?.kept === true
  const name = `${schema}.kept_${randomBytes(8).toString('hex')}`
  try {
    if (!there) await session.execute(`CREATE SCHEMA ${schema}`)
    await session.execute(
      `CREATE TABLE ${name} (of_table int, n bigint GENERATED ALWAYS AS IDENTITY, key text[] NOT NULL, PRIMARY KEY (of_table, n))`,
    )
    return name
  } catch (error) {
    // duplicate_schema, unique_violation: an earlier attempt that is still alive has just made it
    if (error instanceof ServerError && ['42P06', '23505'].includes(error.sqlState)) return makeRoom(session)
    if (!(error instanceof ServerError)) throw error
    const message = `The copy has no room for the keys of what is missing: ${error.message} (SQLSTATE ${error.sqlState}). The role needs CREATE on the database, there as in the live one.`
    throw failure('DATABASE_REFUSED', message, { sqlState: error.sqlState })
  }
}

/** In the order in which they were found, piece by piece. */
export async function* keptRows(copy: Side, name: string, of: number): AsyncGenerator<readonly Key[]> {
  for (let after = '0'; ; ) {
    const rows = await copy.query<{ n: string; key: Key }>(
      `SELECT k.n::text AS n, k.key FROM ${name} AS k WHERE k.of_table = $1 AND k.n > $2 ORDER BY k.n LIMIT ${KEYS_MAX}`,
      [of, after],
    )
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows.map(({ key }) => key)
    after = last.n
  }
}
