/** What bringing rows back would do. Reads both databases; writes nothing into the live one, and into the copy, where that is ours, the keys of what is
 *  missing. */
import { failure } from '../../contracts/failures'
import type { Session } from '../connect/session'
import { Side } from '../verify/side'
import { readBegun, readStanding } from './journal'
import { keepRows } from './kept'
import type { Sides } from './missing'
import type { RecoveryProgress, RecoveryRequest, RowRecoveryPlan, RowRecoveryResult } from './recovered'
import { pinPath } from './run'
import { asked, fitTables, type RecoverySelection, type Survey, survey } from './survey'

export interface RecoveryDoors {
  /** The copy as of a moment before the rows were lost. Nobody writes to it. */
  readonly copy: () => Promise<Session>
  readonly live: () => Promise<Session>
  readonly onProgress?: (progress: RecoveryProgress) => void
  readonly signal?: AbortSignal
}

export interface PlanRecoveryOptions extends RecoveryDoors {
  readonly selection: RecoverySelection
  /** Only with one table. */
  readonly where: string | null
  readonly fireTriggers: boolean
  /** The copy is ours to write to: it keeps the keys of what is missing, and the plan holds however the live database goes on. Default false. */
  readonly keep?: boolean
}

/** The plan; where a run for the same request was cut off, that run's. Throws as `connect` does, OPTION_INVALID, ROWS_UNRECOVERABLE,
 *  ROW_RECOVERY_UNDER_WAY, CONTROL_SCHEMA_FOREIGN, POOLER_REFUSED, DATABASE_REFUSED, CONNECTION_LOST, or the signal's reason. */
export async function planRowRecovery(options: PlanRecoveryOptions): Promise<RowRecoveryPlan> {
  const { where, fireTriggers, onProgress } = options
  return withSides(options, async (sides) => {
    const tables = await fitTables(sides, options.selection)
    if (tables.length === 0) throw failure('OPTION_INVALID', 'There is no table to bring rows back to.', { option: 'table' })
    if (where !== null && tables.length > 1) throw failure('OPTION_INVALID', WHERE_OF_MANY, { option: 'where' })
    const request: RecoveryRequest = { tables: tables.map(({ pair }) => pair.name).sort(), where, fireTriggers }
    const { underWay, previous, repeats } = await journal(options, (session) => readStanding(session, request))
    if (underWay !== null) return underWay
    const found = (take?: Taker) => survey({ sides, request, previous, tables, phase: 'looking', take, onProgress })
    const made = options.keep ? await keeping(options, request, found) : await found()
    return { version: 1, request, previous, ...made, underWay: false, repeats }
  })
}

type Taker = NonNullable<Parameters<typeof survey>[0]['take']>

async function keeping(
  { copy }: Pick<RecoveryDoors, 'copy'>,
  { tables }: RecoveryRequest,
  look: (take: Taker) => Promise<Survey>,
): Promise<Survey & { readonly kept: string }> {
  const session = await copy()
  try {
    const keeper = await keepRows(session)
    try {
      const found = await look(({ pair }, keys) => keeper.take(tables.indexOf(pair.name), keys))
      return { ...found, kept: keeper.name }
    } catch (error) {
      // nobody will name it; others' stay, since one of them may be a successor's
      await keeper.drop().catch(() => undefined)
      throw error
    }
  } finally {
    await session.close()
  }
}

const WHERE_OF_MANY =
  '--where is given with several tables: it says something of the rows of one, so name one table at a time, parents first.'

/** What is known of the plan with this digest where its rows are staged or it was carried out: the copy may be gone by then. Null: neither, or something
 *  else was asked then. Throws as planning does. */
export async function recallPlan(
  options: Pick<PlanRecoveryOptions, 'live' | 'selection' | 'where' | 'fireTriggers'>,
  digest: string,
): Promise<{ readonly plan: RowRecoveryPlan; readonly result: RowRecoveryResult | null } | null> {
  const begun = await asked(() => journal(options, (session) => readBegun(session, digest)))
  return begun !== null && isAsked(begun.plan.request, options) ? begun : null
}

/** Whether these words may mean that request: what a schema had in it then is not known any more. */
function isAsked(
  request: RecoveryRequest,
  { selection: { tables, schemas }, where, fireTriggers }: Pick<PlanRecoveryOptions, 'selection' | 'where' | 'fireTriggers'>,
): boolean {
  const named = tables.map((name) => (request.tables.includes(name) ? name : `public.${name}`))
  const meant = (table: string) => named.includes(table) || schemas.some((schema) => table.startsWith(`${schema}.`))
  const known = named.every((name) => request.tables.includes(name)) && request.tables.every(meant)
  return known && request.where === where && request.fireTriggers === fireTriggers
}

async function journal<T>({ live }: Pick<RecoveryDoors, 'live'>, read: (session: Session) => Promise<T>): Promise<T> {
  const session = await live()
  try {
    await pinPath(session)
    return await read(session)
  } finally {
    await session.close()
  }
}

/** Read-only connections to both, closed again whatever happens. */
export async function withSides<T>({ copy, live, signal }: RecoveryDoors, work: (sides: Sides) => Promise<T>): Promise<T> {
  const open = (name: 'source' | 'target') =>
    Side.open({ name, connect: name === 'source' ? copy : live, mode: 'live', jobs: 1, signal })
  const source = await open('source')
  try {
    const target = await open('target')
    try {
      return await asked(() => work({ source, target }))
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}
