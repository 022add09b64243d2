/** The instances that are fenced through their clouds, one row each. Operations, the watch and whoever lifts a fence write it at the same time, so that a
 *  state is changed only from one in which its writer may change it. */
import { failure } from '../contracts/failures'
import {
  type FencedInstance,
  type FencedInstanceState,
  type FenceHold,
  type FencePlace,
  fenceScope,
} from '../contracts/instance-fence'
import type { LedgerDatabase } from './connect'
import { sealDocument, unsealDocument } from './digest'

export type NewFence = Pick<
  FencedInstance,
  | 'cloud'
  | 'account'
  | 'region'
  | 'instance'
  | 'instanceId'
  | 'database'
  | 'operation'
  | 'bundle'
  | 'since'
  | 'requestedBy'
  | 'reason'
  | 'leftIn'
>

/** While one of these, it is kept fenced. */
const STANDING: readonly FencedInstanceState[] = ['fencing', 'fenced']

/** Begins as `fencing`. Safe to repeat by the same operation. Of the same instance that another operation has fenced, or is lifting, it takes that over, with how it was
 *  before: nobody else knows that any more. Fails with FENCE_LIFTED where it was lifted from this operation, or is being lifted. */
export async function openFence(db: LedgerDatabase, fence: NewFence): Promise<FencedInstance> {
  const begun: FencedInstance = {
    version: 1,
    ...fence,
    state: 'fencing',
    keep: 'stopped',
    before: null,
    means: [],
    look: null,
    reasserted: 0,
    lifted: null,
  }
  const scope = fenceScope(fence)
  const inserted = await db
    .insertInto('fenced_instances')
    .values({ scope, ...sealDocument(begun) })
    .onConflict((conflict) => conflict.column('scope').doNothing())
    .executeTakeFirst()
  if (inserted.numInsertedOrUpdatedRows === 1n) return begun
  return inTurn(db, scope, (held) => {
    const same = held.instanceId === fence.instanceId
    const stands = same && STANDING.includes(held.state)
    const { operation } = fence
    if (stands && holdsOf(held).some((hold) => hold.operation === operation)) return held
    const own = same && held.operation === operation
    if (own && (held.state === 'lifting' || held.state === 'lifted')) throw lifted(held)
    if (!stands && !(same && held.state === 'lifting')) return begun
    const kept = { ...begun, before: held.before, means: held.means, reasserted: held.reasserted }
    // whose fence is being lifted wants it no longer; the others do still
    const holds = (stands ? holdsOf(held) : (held.heldFor ?? [])).filter((hold) => hold.operation !== operation)
    return holds.length === 0 ? kept : { ...kept, heldFor: holds }
  })
}

/** Who wants it fenced, the newest last. */
export function holdsOf({ operation, bundle, heldFor = [] }: FencedInstance): readonly FenceHold[] {
  return [...heldFor, { operation, bundle }]
}

/** The operation wants it fenced no longer. Resolves to whether others do, and then it stays as it is. Safe to repeat. */
export async function leaveFence(
  db: LedgerDatabase,
  { place, instanceId, operation }: { place: FencePlace; instanceId: string; operation: string },
): Promise<{ others: readonly FenceHold[] }> {
  const held = await inTurn(db, fenceScope(place), (row) => {
    const others = holdsOf(row).filter((hold) => hold.operation !== operation)
    const newest = others.at(-1)
    if (row.instanceId !== instanceId || !STANDING.includes(row.state) || newest === undefined) return row
    const { heldFor: _, ...rest } = row
    const before = others.slice(0, -1)
    return { ...rest, ...newest, ...(before.length > 0 && { heldFor: before }) }
  })
  return { others: holdsOf(held).filter((hold) => hold.operation !== operation) }
}

export interface FenceChange extends Partial<Pick<FencedInstance, 'keep' | 'before' | 'means' | 'look' | 'lifted'>> {
  readonly place: FencePlace
  readonly instanceId: string
  /** Left out: whosever it is. */
  readonly operation?: string
  /** From one of these alone. */
  readonly from: readonly FencedInstanceState[]
  /** Left out: it stays. */
  readonly to?: FencedInstanceState
  /** It was closed or stopped once more. */
  readonly again?: boolean
}

/** How it was before is written once. Safe to repeat, but for `again`. Fails with FENCE_LIFTED when it is in another state by now, and where it is of another instance, of
 *  another operation, or none. */
export async function changeFence(db: LedgerDatabase, change: FenceChange): Promise<FencedInstance> {
  const { place, instanceId, operation, from, to, again = false, ...replaced } = change
  return inTurn(db, fenceScope(place), (held) => {
    const another = held.instanceId !== instanceId || (operation !== undefined && held.operation !== operation)
    if (another || !from.includes(held.state)) throw lifted(held)
    const before = held.before ?? replaced.before ?? null
    return { ...held, ...replaced, before, state: to ?? held.state, reasserted: held.reasserted + Number(again) }
  })
}

/** Null: it has never been fenced. */
export async function getFence(db: LedgerDatabase, place: FencePlace): Promise<FencedInstance | null> {
  const scope = fenceScope(place)
  const row = await db.selectFrom('fenced_instances').select(['digest', 'body']).where('scope', '=', scope).executeTakeFirst()
  return row === undefined ? null : (unsealDocument(row, `fence of ${scope}`) as FencedInstance)
}

/** By their places, those that were lifted too. */
export async function listFences(db: LedgerDatabase): Promise<FencedInstance[]> {
  const rows = await db.selectFrom('fenced_instances').select(['scope', 'digest', 'body']).orderBy('scope').execute()
  return rows.map((row) => unsealDocument(row, `fence of ${row.scope}`) as FencedInstance)
}

/** The row's lock makes its writers wait for each other. */
async function inTurn(
  db: LedgerDatabase,
  scope: string,
  next: (held: FencedInstance) => FencedInstance,
): Promise<FencedInstance> {
  return await db.transaction().execute(async (tx) => {
    const row = await tx
      .selectFrom('fenced_instances')
      .select(['digest', 'body'])
      .where('scope', '=', scope)
      .forUpdate()
      .executeTakeFirst()
    if (row === undefined) throw failure('FENCE_LIFTED', `Nobody has fenced ${scope}.`, { scope })
    const record = next(unsealDocument(row, `fence of ${scope}`) as FencedInstance)
    const sealed = sealDocument(record)
    if (sealed.digest === row.digest) return record
    await tx
      .updateTable('fenced_instances')
      .set({ ...sealed, updated_at: new Date() })
      .where('scope', '=', scope)
      .execute()
    return record
  })
}

function lifted({ instance, state, operation, lifted }: FencedInstance) {
  const by = lifted === null ? '' : ` by ${lifted.by}: ${lifted.reason}`
  const message = `The fence of ${instance} is ${state} by now${by}. See "capstan fence list"; fence it anew by another operation if it has to be.`
  return failure('FENCE_LIFTED', message, { instance, state, operation })
}
