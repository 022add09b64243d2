/** The other databases of the instance, which come along whether or not anybody asks: what of them would stay behind. Schema, rows and sequences are looked at in the fleet
 *  entry's own database alone. Reads only. */
import { Failure } from '../../contracts/failures'
import type { Finding } from '../../contracts/operation'
import { ServerError } from '../../postgres/connect/errors'
import type { Session } from '../../postgres/connect/session'
import { VENDORS } from '../../postgres/fence/databases'
import { UNLOGGED, type Unlogged } from '../../postgres/replicate/preflight/checks/unlogged-tables'
import { type Followable, followable } from '../../postgres/replicate/preflight/followable'
import { ofUsers, RELATIONS } from '../../postgres/replicate/preflight/relations'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import type { Place } from '../replication/sides'
import { withSession } from '../schema/open-session'

export type OtherDatabase = Looked | { readonly name: string; readonly why: string }

interface Looked {
  readonly name: string
  /** Why it could not be looked at. */
  readonly why: null
  /** Anything that its users made. */
  readonly holds: boolean
  /** Unlogged tables that hold something. */
  readonly unlogged: readonly string[]
  /** Null: green follows physically, and needs none of it. */
  readonly logical: Followable | null
}

const HOLDS = `SELECT EXISTS (SELECT FROM ${RELATIONS} WHERE ${ofUsers('n')}) AS holds`

/** Of `names`, by the admin. */
export async function lookAtOthers(
  deps: ActivityDeps,
  place: Place,
  { names, major }: { readonly names: readonly string[]; readonly major: boolean },
): Promise<OtherDatabase[]> {
  const { entry, address, ref } = place
  const asked = { entry, address, role: 'admin', operation: ref.operation, step: ref.step, canary: false } as const
  const seen: OtherDatabase[] = []
  for (const name of names.filter((one) => !VENDORS.includes(one))) {
    try {
      const look = async (session: Session) => ({ name, why: null, ...(await lookInto(session, place, major)) })
      seen.push(await withSession(deps, { ...asked, database: name }, look))
    } catch (error) {
      const refused = error instanceof ServerError || (error instanceof Failure && error.kind !== 'transient')
      if (!refused) throw error
      seen.push({ name, why: error.message })
    }
  }
  return seen
}

async function lookInto(session: Session, { entry }: Place, major: boolean): Promise<Omit<Looked, 'name' | 'why'>> {
  const { signal } = currentAct()
  const [row] = await session.query<{ holds: boolean }>(HOLDS, [], { signal })
  const unlogged = await session.query<Unlogged>(UNLOGGED, [], { signal })
  return {
    holds: row?.holds === true,
    unlogged: unlogged.filter(({ bytes }) => bytes > 0).map(({ shown }) => shown),
    logical: major ? await followable(session, entry.cloud, signal) : null,
  }
}

const finding = (what: string, message: string): Finding => ({ rule: `upgrade:${what}`, message })

/** What keeps rows of theirs from following, where nobody looks afterwards. `own`: of the entry's database; what is of the whole server is told there. */
export function blocksOfOthers(others: readonly OtherDatabase[], own: Followable | null): Finding[] {
  if (own === null) return []
  return others.flatMap((other): Finding[] => {
    if (other.why !== null)
      return [
        finding(
          'databases',
          `Database ${other.name} of the same instance comes along and could not be looked at: ${other.why} Whether its rows can follow is not known. Have the admin let into it, or drop it.`,
        ),
      ]
    return told(other, own, 'blocks')
  })
}

export function warningsOfOthers(others: readonly OtherDatabase[], own: Followable | null): Finding[] {
  const whole = others.filter((other) => other.why !== null || other.holds).map(({ name }) => name)
  return [
    ...(whole.length === 0
      ? []
      : [
          finding(
            'whole',
            `The whole instance is switched over, with its other databases: ${whole.join(', ')}. Their schemas, rows and sequences are not compared, neither before nor afterwards: look yourself.`,
          ),
        ]),
    ...others.flatMap((other): Finding[] => {
      if (other.why !== null)
        return own === null ? [finding('databases', `Database ${other.name} could not be looked at: ${other.why}`)] : []
      if (own !== null) return told(other, own, 'warning')
      return other.unlogged.map((table) =>
        finding('unlogged', `Table ${table} of database ${other.name} is unlogged: on green it is empty.`),
      )
    }),
  ]
}

function told({ name, logical }: Looked, own: Followable, severity: 'blocks' | 'warning'): Finding[] {
  const known = new Set(own.findings.map(({ message }) => message))
  const theirs = (logical?.findings ?? []).filter((one) => one.severity === severity && !known.has(one.message))
  const unknown =
    severity === 'warning' ? (logical?.notKnown ?? []).filter(({ why }) => !own.notKnown.some((one) => one.why === why)) : []
  return [
    ...theirs.map(({ check, message, why, command }) =>
      finding(check, `Database ${name}: ${message} ${why} What mends it: ${command}`),
    ),
    ...unknown.map(({ check, why }) => finding(check, `Database ${name}: ${why}`)),
  ]
}
