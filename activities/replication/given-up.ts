/** What is known of an old writer that is to be rebuilt, by the ledger alone: its instance may be stopped, and answers nobody. */
import { failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { FencedInstance, FencedTarget } from '../../contracts/instance-fence'
import type { OperationDocument, OperationId } from '../../contracts/operation'
import { type GivenUpWriter, REBUILD_DOCUMENTS, type RebuildPlan } from '../../contracts/rebuild'
import type { StepRef } from '../../contracts/step-ref'
import { sha256Of } from '../../ledger/digest'
import { holdsOf } from '../../ledger/fenced-instances'
import { leftThere, movedBetween } from '../../ledger/given-up'
import { movedLast } from '../../ledger/moved-last'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import { placeOf } from '../instance-fence/place'
import { refuseStanding } from './plan'
import { bothOf, replicateOf } from './sides'

type Ledger = ActivityDeps['ledger']

export async function findGivenUp(deps: ActivityDeps, { operation, bundle }: StepRef): Promise<GivenUpWriter> {
  const { ledger } = deps
  const { id, entries } = await bothOf(deps, bundle)
  const replicate = replicateOf(await ledger.getBundle(bundle))
  const { rebuild } = replicate
  if (rebuild === undefined) throw new Error('the bundle does not say that an old writer is to be rebuilt')
  const record = await ledger.getStandby(id)
  if (record !== null) refuseStanding(record)
  const { source: writer, target: old } = id
  await refuseFollowed(ledger, old)
  const { by, since } = await givenUpFor(ledger, { old, writer })
  const { instance: name, instanceId } = (await movedBetween(ledger, by)).source
  const instance: FencedTarget = { instance: name, instanceId }
  const { whole, salvage, left } = await leftThere(ledger, { old, writer, by, since, onward: [] })
  const held = await ledger.getFence(placeOf(entries.standby, instance))
  const fence = fenceOf(held, { by: by.id, instance })
  if (held !== null && fence !== null) await refuseSharedFence(ledger, { held, old, beside: rebuild.beside })
  if (fence === null && !whole) throw nothingKeepsIt(entries.standby, by.id, held)
  const { discard } = rebuild
  if (!whole && salvage === null && discard === null) throw notLooked(old, writer, by.id)
  const unseen = salvage === null && discard !== null
  const asks = unseen
    ? `what ${old} has alone is thrown away unseen: ${discard}`
    : left.length > 0
      ? `${old} alone has it, and it is thrown away: ${left.join('; ')}`
      : null
  const fencedBy = fence === null ? 'database' : 'cloud'
  const body = {
    version: 1,
    old,
    writer,
    givenUpBy: by.id,
    instance,
    fencedBy,
    salvage,
    discard,
    left,
    growToGib: replicate.declared.growToGib ?? null,
    asks,
  } as const
  const document: RebuildPlan = { ...body, digest: sha256Of(body) }
  assertMayAct()
  await ledger.putDocument({ operation, name: REBUILD_DOCUMENTS.plan, document })
  const looked = whole
    ? 'nothing is in it alone that goes to a standby'
    : unseen
      ? 'nobody has looked what it has alone'
      : `${salvage} has looked what it has alone`
  return {
    ...{ digest: document.digest, givenUpBy: by.id, instanceId: instance.instanceId, asks },
    fence: fence === null ? null : { ...fence, target: instance },
    summary: `${by.id} gave ${old} up for ${writer}, and its ${fencedBy === 'cloud' ? 'cloud keeps it' : 'database is'} closed; ${looked}`,
  }
}

/** Whatever follows it would be emptied with it; and where it is followed it may be the writer. */
async function refuseFollowed(ledger: Ledger, old: string): Promise<void> {
  const follower = (await ledger.listStandbys()).find(({ source, state }) => source === old && state !== 'gone')
  if (follower === undefined) return
  const { target, state } = follower
  const message = `${target} is a standby of ${old} (${state}): where ${old} is the writer it is not emptied, and where it is none ${target} would lose its rows with it. Where it is over: "capstan standby remove ${old} --to ${target}".`
  throw failure('RESOURCE_NOT_OURS', message, { database: old, standby: target })
}

/** Its networks open for all databases of the instance at once. */
export async function refuseSharedFence(
  ledger: Pick<Ledger, 'getBundle'>,
  { held, old, beside }: { readonly held: FencedInstance; readonly old: string; readonly beside: readonly string[] },
): Promise<void> {
  for (const { operation, bundle } of holdsOf(held)) {
    const { database } = await ledger.getBundle(bundle)
    if (database.name === old) continue
    const message = `${operation} has fenced ${held.instance} for ${database.name} as well: its networks are not opened for ${old}. Settle ${database.name} first, or make the standby on an instance of its own.`
    throw failure('RESOURCE_NOT_OURS', message, { instance: held.instance, operation })
  }
  if (beside.length === 0) return
  const message = `${held.instance} has ${beside.join(', ')} as well, by the fleet file, and its fence keeps applications out of those too: it would be lifted for all at once, and who knows the old address would write there. Where they are served elsewhere by now have the fleet file say so; else make the standby of ${old} on an instance of its own.`
  throw failure('RESOURCE_NOT_OURS', message, { instance: held.instance, beside: beside.join(', ') })
}

async function givenUpFor(
  ledger: Ledger,
  { old, writer }: Record<'old' | 'writer', string>,
): Promise<{ readonly by: OperationDocument; readonly since: string }> {
  const moved = await movedLast(ledger, old)
  const refused = (message: string) => failure('RESOURCE_NOT_OURS', message, { database: old, writer })
  if (moved === null) {
    const message = `No operation has moved writing away from ${old}, as far as the ledger knows: it may be the writer, and nothing is done with it. Of an empty database "capstan replicate ${writer} --to ${old}" makes a standby.`
    throw refused(message)
  }
  const { by, to, since } = moved
  if (to !== writer)
    throw refused(`${by.id} has moved writing from ${old} to ${to}, and not to ${writer}: what follows is a standby of ${to}.`)
  if (by.kind === 'exchange')
    throw refused(
      `${by.id} had its cloud exchange ${old} and ${writer}, which keeps them itself: ${old} is no standby of another cloud's.`,
    )
  return { by, since }
}

/** Null: it stands by no cloud. */
function fenceOf(
  held: FencedInstance | null,
  { by, instance: { instanceId } }: { readonly by: OperationId; readonly instance: FencedTarget },
): Pick<FencedInstance, 'operation' | 'bundle'> | null {
  if (held === null || held.instanceId !== instanceId || !holdsOf(held).some(({ operation }) => operation === by)) return null
  if (held.state !== 'fencing' && held.state !== 'fenced') return null
  return { operation: held.operation, bundle: held.bundle }
}

function nothingKeepsIt({ name, instance }: DatabaseEntry, by: OperationId, held: FencedInstance | null): Error {
  const state = held === null ? 'not fenced through its cloud' : held.state
  const message =
    held?.state === 'gone'
      ? `${instance}, which ${by} gave up, is gone: make a new instance, with an empty database, and then a standby of that by "capstan replicate".`
      : `${instance} is ${state}, so that nothing of ours keeps applications away from ${name} since ${by}: what was written there since is there alone, and is not thrown away. Look into it by "capstan verify diff"; once nobody needs it, empty the database by hand, and make the standby by "capstan replicate" without --rebuild.`
  return failure('FENCE_LIFTED', message, { database: name, instance })
}

function notLooked(old: string, writer: string, failover: OperationId): Error {
  const message = `Nobody has looked what ${old} has alone since ${failover}: "capstan salvage rows ${old} --into ${writer}" says it, and brings rows over; or --discard "why" has it thrown away unseen, which somebody else approves.`
  return failure('DATABASE_REFUSED', message, { database: old, writer, failover })
}
