/** Whether two connections lead to one and the same database, by another name or address: it would always be equal to itself. */
import { failure } from '../../contracts/failures'
import { ServerError } from '../connect/errors'
import { onBothSides } from './both-sides'
import type { SideName } from './compared'
import type { Side } from './side'

/** A standby has the identifier and the oid of its primary, and a clone of a disk too; neither was started in the same microsecond. */
const WHO = `
  SELECT pg_postmaster_start_time()::text AS started,
         (SELECT oid::text FROM pg_database WHERE datname = current_database()) AS database`

/** Whoever can be asked. */
type Asked = Pick<Side, 'query'>

interface Identity {
  readonly system: string | null
  readonly started: string
  readonly database: string
}

export async function isSame(sides: Readonly<Record<SideName, Asked>>): Promise<boolean> {
  const { source, target } = await onBothSides((side) => identityOf(sides[side]))
  if (source.started !== target.started || source.database !== target.database) return false
  // one side may not tell it
  return source.system === null || target.system === null || source.system === target.system
}

/** Throws OPTION_INVALID when source and target are the same database. */
export async function refuseSame(sides: Readonly<Record<SideName, Side>>): Promise<void> {
  if (!(await isSame(sides))) return
  throw failure(
    'OPTION_INVALID',
    'Source and target are the same database of the same server, which is always equal to itself: give the URLs of two.',
    { argument: 'target' },
  )
}

async function identityOf(side: Asked): Promise<Identity> {
  const [row] = await side.query<Omit<Identity, 'system'> & Record<string, unknown>>(WHO)
  if (row === undefined) throw new Error('the server does not say who it is')
  return { ...row, system: await systemOf(side) }
}

/** The identifier of the cluster, which its standbys share. Null: the role may not know. */
export async function systemOf(side: Asked): Promise<string | null> {
  try {
    const [row] = await side.query<{ system: string }>('SELECT system_identifier::text AS system FROM pg_control_system()')
    return row?.system ?? null
  } catch (error) {
    // insufficient_privilege: somebody has taken it from the public
    if (error instanceof ServerError && error.sqlState === '42501') return null
    throw error
  }
}
