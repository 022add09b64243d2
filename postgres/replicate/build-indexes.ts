/** Builds what was set aside, largest table first, several at a time: each in one transaction with the end of its row, so that it is either to be built or
 *  there. Not CONCURRENTLY: nobody but the worker that applies writes to a standby, and it can wait. */
import { type Failure, failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import type { Session } from '../connect/session'
import { controlTables } from '../migrate/control-schema'
import { behindFence, type Guarded, oneAtATime } from './behind-fence'

export interface BuildIndexesInput extends Guarded {
  /** As the role that owns the tables. Each session builds one at a time, and is closed at the end. */
  readonly connect: () => Promise<Session>
  /** How many at a time. Default 2. */
  readonly jobs?: number
  /** Called before each and at the end. */
  readonly onProgress?: (progress: IndexProgress) => void
}

export interface IndexProgress {
  readonly total: number
  readonly built: number
  /** Being built now, as `schema.name`, quoted. */
  readonly building: readonly string[]
}

/** Resolves to how many were built now. Safe to repeat, and beside an attempt that is not quite dead. Throws RESOURCE_NOT_OURS for an index of that name
 *  that is another one, DATABASE_REFUSED for one that cannot be built, NOT_READY_YET for want of a lock or of room, the signal's reason. */
export async function buildIndexes(input: BuildIndexesInput): Promise<number> {
  const { connect, jobs = 2, onProgress } = input
  const sessions: Session[] = [await connect()]
  try {
    const [first] = sessions
    if (first === undefined) throw new Error('a session was just opened')
    const waiting = await toBuild(first)
    const total = waiting.length
    const building = new Set<string>()
    let built = 0
    const tell = () => onProgress?.({ total, built, building: [...building] })
    const buildOne = async (session: Session, { index }: Waiting): Promise<void> => {
      building.add(index)
      tell()
      if (await build(session, index, input)) built += 1
      building.delete(index)
    }
    // those of partitioned tables have no rows, and have to be there before others are attached to them
    const parents = waiting.filter(({ partitioned }) => partitioned)
    for (const one of parents) await buildOne(first, one)
    const queue = waiting.filter(({ partitioned }) => !partitioned)
    let failed = false
    const work = async (session: Session): Promise<void> => {
      for (let next = queue.shift(); next !== undefined && !failed; next = queue.shift()) {
        try {
          await buildOne(session, next)
        } catch (error) {
          failed = true
          throw error
        }
      }
    }
    while (sessions.length < Math.min(jobs, queue.length)) sessions.push(await connect())
    const results = await Promise.allSettled(sessions.map(work))
    const rejected = results.find((result) => result.status === 'rejected')
    if (rejected !== undefined) throw rejected.reason
    tell()
    return built
  } finally {
    await Promise.all(sessions.map((session) => session.close()))
  }
}

interface Waiting {
  readonly index: string
  readonly partitioned: boolean
}

async function toBuild(standby: Session): Promise<Waiting[]> {
  if (!(await controlTables(standby)).has('set_aside_index')) return []
  return standby.query<Waiting>(
    `SELECT index_name AS index, partitioned FROM capstan.set_aside_index
      ORDER BY depth * partitioned::int, pg_catalog.pg_relation_size(pg_catalog.to_regclass(table_name)) DESC NULLS LAST, index_name`,
  )
}

interface Definition {
  readonly table: string
  readonly there: boolean
  readonly definition: string
  readonly followUps: readonly string[]
  readonly attachTo: string | null
  /** Of an index that has its name; null: there is none. */
  readonly standing: string | null
}

/** False: it was there, built by another attempt, or its table is gone. */
async function build(session: Session, index: string, input: Guarded): Promise<boolean> {
  const { signal } = input
  try {
    return await behindFence(session, input, 'it has to own the table, or be a member of the role that does', async () => {
      await session.execute(`SET LOCAL search_path = ''`)
      // held by an attempt that is not quite dead until it has built it, or is gone
      const [found] = await session.query<Definition>(LOOK, [index])
      if (found === undefined) return false
      if (found.there && found.standing === null) await session.execute(found.definition, { signal })
      else if (found.there && found.standing !== found.definition) throw another(session, index)
      // written by PostgreSQL itself, from its own catalogs
      if (found.there) for (const sql of found.followUps) await session.execute(sql)
      if (found.there && found.attachTo !== null) {
        // the index above is valid once all below it are, and two that are attached at once do not see each other: it would stay invalid for good
        await oneAtATime(session, 'attach')
        await session.execute(`ALTER INDEX ${found.attachTo} ATTACH PARTITION ${index}`)
      }
      await session.query('DELETE FROM capstan.set_aside_index WHERE index_name = $1', [index])
      return found.there && found.standing === null
    })
  } catch (error) {
    throw error instanceof ServerError ? notBuilt(session, index, error) : error
  }
}

const LOOK = `SELECT table_name AS "table", pg_catalog.to_regclass(table_name) IS NOT NULL AS there, definition, follow_ups AS "followUps", attach_to AS "attachTo",
         (SELECT pg_catalog.pg_get_indexdef(i.indexrelid) FROM pg_catalog.pg_index i
           WHERE i.indexrelid = pg_catalog.to_regclass(index_name) AND (i.indisvalid OR partitioned)) AS standing
    FROM capstan.set_aside_index WHERE index_name = $1 FOR UPDATE`

function another({ endpoint: { host, database } }: Session, index: string): Failure {
  return failure(
    'RESOURCE_NOT_OURS',
    `There is an index ${index} in ${database} on ${host} that is another one than was set aside by that name: DROP INDEX ${index}, then try again.`,
    { host, database, index },
  )
}

/** Of want of room, memory or the like somebody may make an end. */
function notBuilt({ endpoint: { host, database } }: Session, index: string, error: ServerError): Failure {
  return failure(
    error.sqlState.startsWith('53') ? 'NOT_READY_YET' : 'DATABASE_REFUSED',
    `The index ${index} in ${database} on ${host} could not be built (${error.sqlState}: ${error.message}): it stays to be built; mend what is said, then try again.`,
    { host, database, index, sqlState: error.sqlState },
    { cause: error },
  )
}
