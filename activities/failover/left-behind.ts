/** What the source holds that goes to no standby, however well that follows: a table that is in no publication, large objects, unlogged rows, another schema. Of a
 *  source that is drained it is asked as a switchover asks it, of one that is dead it is what the watch saw last. Reads only. */
import { FAILOVER_DOCUMENTS, type FailoverPlan } from '../../contracts/failover'
import type { Finding, OperationId } from '../../contracts/operation'
import { rowsDiffering } from '../../contracts/rows-differing'
import type { StandbyRecord } from '../../contracts/standby'
import type { Session } from '../../postgres/connect/session'
import { shownList } from '../../postgres/replicate/tables'
import { uncarriedOf } from '../../postgres/replicate/uncarried'
import { schemaDiffers } from '../../postgres/replicate/watch/schema-differs'
import { currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { publishedTables } from '../replication/published'
import { looking, type Place, whoFollow } from '../replication/sides'
import { withSession } from '../schema/open-session'
import { differing, heldSince, unpublished } from '../switchover/look'
import type { FailoverPair } from './pair'

export interface LeftBehind {
  readonly blocks: readonly Finding[]
  readonly warnings: readonly Finding[]
  /** Warnings that come and go with the moment: no approval is for them. */
  readonly passing: readonly Finding[]
  /** Why somebody has to agree; null: nobody has. */
  readonly asks: string | null
  /** Sentences, for whoever opens the standby all the same. */
  readonly uncarried: readonly string[]
  /** Of a source that is to be drained: unlogged tables that hold something, as the plan tells them. */
  readonly unlogged: readonly string[]
}

const found = (what: string, message: string): Finding => ({ rule: `failover:${what}`, message })

/** One that takes us in and then stands still holds up nobody: behind the fence it is asked all the same. */
export const LEFT_MS = 15_000

/** The watch looks every 15 s. */
const UNCARRIED_AGE_MS_MAX = 120_000

interface Both {
  readonly source: Session
  readonly standby: Session
}

/** As the masters. `unlogged`: what the plan has told of. */
export async function leftBehind(
  both: Both,
  { id, forward, request }: FailoverPair,
  unlogged: readonly string[],
): Promise<string[]> {
  const { signal } = currentAct()
  const { missing } = await publishedTables(both.source, forward)
  const withoutGrantee = whoFollow(request.declared)
  const differs = await schemaDiffers(both, { setAside: new Set(), withoutGrantee, signal })
  return [
    ...missing.map((table) => unpublished(table, { id })),
    ...differs.map(differing),
    ...(await heldSince(both.source, unlogged)),
  ]
}

export async function plannedUnlogged(
  { ledger }: Pick<ActivityDeps, 'ledger'>,
  operation: OperationId,
): Promise<readonly string[]> {
  const plan = (await ledger.getDocument({ operation, name: FAILOVER_DOCUMENTS.plan })) as FailoverPlan | null
  return plan?.unlogged ?? []
}

/** Of a source that is to be drained. `late`: as `inTimeOrLate` has it. */
export function askedOfSource(deps: ActivityDeps, pair: FailoverPair, late: AbortSignal): Promise<LeftBehind> {
  const { id, places } = pair
  return asAdmin(deps, places.source, late, (source) =>
    looking(deps, places.standby, 'admin', async (standby) => {
      const { unlogged } = await uncarriedOf(source)
      const blocks = await leftBehind({ source, standby }, pair, unlogged)
      const stays = unlogged.length === 0 ? [] : [unloggedStay(id.source, unlogged)]
      return {
        ...NOTHING,
        blocks: blocks.map((one) => found('left-behind', one)),
        warnings: stays.map((one) => found('unlogged', one)),
        uncarried: stays,
        unlogged,
      }
    }),
  )
}

const NOTHING: LeftBehind = { blocks: [], warnings: [], passing: [], asks: null, uncarried: [], unlogged: [] }

/** That it comes and goes with the moment is no reason to approve anew. */
export function notSaid({ id: { source } }: FailoverPair): LeftBehind {
  const message = `${source} did not say within ${LEFT_MS / 1_000} s whether all that it holds goes to the standby: it is asked again before it is closed, and behind the fence.`
  return { ...NOTHING, passing: [found('left-behind-silent', message)] }
}

function asAdmin<T>(deps: ActivityDeps, place: Place, cutBy: AbortSignal, look: (session: Session) => Promise<T>): Promise<T> {
  const { ref, entry, address } = place
  const { operation, step } = ref
  return withSession(deps, { entry, role: 'admin', operation, step, address, canary: false, cutBy }, look)
}

/** Of one that cannot be asked any more. What was allowed beforehand is a time: it allows no table that goes to no standby. Unlogged rows are told, as in a
 *  switchover: who made them so bears their loss with any crash. */
export function knownLeftBehind(record: StandbyRecord): LeftBehind {
  const { source, target, look } = record
  const seen = look?.uncarried
  const heardAt = look?.heard?.at
  const isOld = seen !== undefined && heardAt !== undefined && Date.parse(heardAt) - Date.parse(seen.at) > UNCARRIED_AGE_MS_MAX
  const isCompared = look?.schemaDiffers != null
  const { tables = [], largeObjects = 0, unlogged = [] } = seen ?? {}
  const differs = look?.schemaDiffers ?? []
  const rows = rowsDiffering(record)
  const unguarded = look?.findings.find(({ rule }) => rule === 'unguarded')
  const objects = largeObjects === 1 ? 'a large object' : `${largeObjects} large objects`
  const stays = [
    ...(tables.length === 0 ? [] : [`what these tables of ${source} hold goes to no standby: ${tables.join(', ')}`]),
    ...(largeObjects === 0 ? [] : [`${source} has ${objects}, which nothing carries`]),
  ]
  const unloggedToo = unlogged.length === 0 ? [] : [unloggedStay(source, unlogged)]
  const reasons = [
    ...(seen === undefined ? ['nobody has looked yet whether all that the source holds goes to the standby'] : []),
    ...(isOld ? [`nobody has looked since ${seen.at} whether all that the source holds goes to the standby`] : []),
    ...(tables.length === 0 ? [] : [`rows of ${shownList(tables)} go to no standby`]),
    ...(largeObjects === 0 ? [] : [`${objects} of the source ${largeObjects === 1 ? 'goes' : 'go'} to no standby`]),
    ...(isCompared ? [] : ['nobody has compared the schemas']),
    ...(differs.length === 0 ? [] : ['the schemas differ']),
    ...(rows === null ? [] : ['rows of both were found to differ']),
  ]
  return {
    ...NOTHING,
    warnings: [
      ...(seen === undefined
        ? [
            found(
              'not-looked',
              `Nobody has looked yet whether all that ${source} holds goes to ${target}: tables that are in no publication, or large objects.`,
            ),
          ]
        : []),
      ...(isOld
        ? [
            found(
              'not-looked',
              `What ${source} holds that goes to no standby was seen last at ${seen.at}, and ${source} was heard until ${heardAt}: what was made meanwhile nobody knows.`,
            ),
          ]
        : []),
      ...(isCompared
        ? []
        : [
            found(
              'not-compared',
              `The schemas of ${source} and ${target} were not compared when both were seen last, as while ${target} lacks files of its source: applications meet that of ${target}.`,
            ),
          ]),
      ...stays.map((one) => found('left-behind', `When both were seen last, ${one}: the old writer alone has it.`)),
      ...unloggedToo.map((one) => found('unlogged', one)),
      ...(differs.length === 0
        ? []
        : [
            found(
              'schema-differs',
              `When both were seen last, their schemas differed: ${shownList(differs)}. Applications meet that of ${target}.`,
            ),
          ]),
      ...(unguarded === undefined ? [] : [found('unguarded', `When both were seen last: ${unguarded.message}`)]),
    ],
    asks: reasons.length === 0 ? null : reasons.join('; '),
    uncarried: [...stays, ...unloggedToo],
  }
}

const unloggedStay = (source: string, tables: readonly string[]): string =>
  `what these unlogged tables of ${source} hold is not carried, and they are empty on the standby: ${tables.join(', ')}`
