/** What is known of an old writer that is to be rebuilt, by the ledger alone: its instance may be stopped, and answers nobody. */
import { FAILOVER_DOCUMENTS, type FailoverKept, type FailoverPlan } from '../../contracts/failover'
import { failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { FencedInstance, FencedTarget } from '../../contracts/instance-fence'
import type { OperationDocument, OperationId } from '../../contracts/operation'
import { type GivenUpWriter, REBUILD_DOCUMENTS, type RebuildPlan } from '../../contracts/rebuild'
import { SALVAGE_DOCUMENTS, type SalvagedTable, type SalvageReport } from '../../contracts/salvage'
import type { StandbyId } from '../../contracts/standby'
import type { StepRef } from '../../contracts/step-ref'
import { SWITCHOVER_DOCUMENTS, type SwitchoverPlan } from '../../contracts/switchover'
import { sha256Of } from '../../ledger/digest'
import { holdsOf } from '../../ledger/fenced-instances'
import { assertMayAct } from '../act'
import type { ActivityDeps } from '../deps'
import { movedLast } from '../failover/given-up'
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
  const instance = await instanceOf(ledger, by)
  const kept = (await ledger.getDocument({ operation: by.id, name: FAILOVER_DOCUMENTS.kept })) as FailoverKept | null
  // what it holds since then came from the writer
  const rebuilt = await rebuiltSince(ledger, { id, since })
  const isWhole = by.kind === 'switchover' || kept?.drained === true || rebuilt
  const held = await ledger.getFence(placeOf(entries.standby, instance))
  const fence = fenceOf(held, { by: by.id, instance })
  if (held !== null && fence !== null) await refuseSharedFence(ledger, { held, old, beside: rebuild.beside })
  if (fence === null && !isWhole) throw nothingKeepsIt(entries.standby, by.id, held)
  const { discard } = rebuild
  const salvaged = isWhole ? null : await salvagedSince(ledger, { writer, failover: by.id })
  if (!isWhole && salvaged === null && discard === null) throw notLooked(old, writer, by.id)
  const left = [...(salvaged?.left ?? []), ...(rebuilt ? [] : (kept?.uncarried ?? []))]
  const unseen = salvaged === null && discard !== null
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
    salvage: salvaged?.by ?? null,
    discard,
    left,
    growToGib: replicate.declared.growToGib ?? null,
    asks,
  } as const
  const document: RebuildPlan = { ...body, digest: sha256Of(body) }
  assertMayAct()
  await ledger.putDocument({ operation, name: REBUILD_DOCUMENTS.plan, document })
  const looked = isWhole
    ? 'nothing is in it alone that goes to a standby'
    : unseen
      ? 'nobody has looked what it has alone'
      : `${salvaged?.by} has looked what it has alone`
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

async function rebuiltSince(ledger: Ledger, { id, since }: { readonly id: StandbyId; readonly since: string }): Promise<boolean> {
  const asked = { database: id.target, kind: 'replicate', mode: 'apply', statuses: ['succeeded'], since } as const
  for (const { id: operation, databases } of await ledger.listOperations({ ...asked, limit: LOOKED_AT })) {
    if (databases[0] !== id.source || databases[1] !== id.target) continue
    const { replicate } = await ledger.getBundle((await ledger.getOrigin(operation)).bundle)
    if (replicate?.rebuild !== undefined) return true
  }
  return false
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

async function instanceOf(ledger: Ledger, { id: operation, kind }: OperationDocument): Promise<FencedTarget> {
  const { plan: name } = kind === 'switchover' ? SWITCHOVER_DOCUMENTS : FAILOVER_DOCUMENTS
  const plan = (await ledger.getDocument({ operation, name })) as FailoverPlan | SwitchoverPlan | null
  if (plan === null)
    throw failure('EVIDENCE_MISSING', `The plan of ${operation} is not in the ledger: which instance it gave up, nobody knows.`, {
      operation,
    })
  const { instance, instanceId } = plan.source
  return { instance, instanceId }
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

/** Of one writer there are not that many. */
const LOOKED_AT = 100

interface Salvaged {
  readonly by: OperationId
  readonly left: readonly string[]
}

/** The newest that has looked; null: none. */
async function salvagedSince(
  ledger: Ledger,
  { writer, failover }: { writer: string; failover: OperationId },
): Promise<Salvaged | null> {
  for (const { id, status } of await ledger.listOperations({
    database: writer,
    kind: 'salvage',
    mode: 'apply',
    limit: LOOKED_AT,
  })) {
    const report = (await ledger.getDocument({ operation: id, name: SALVAGE_DOCUMENTS.report })) as SalvageReport | null
    if (report?.failover !== failover || report.looked === null) continue
    // it looked before it brought them over
    const merged =
      status === 'succeeded'
        ? new Set(report.merge.map((name) => (name.includes('.') ? name : `public.${name}`)))
        : new Set<string>()
    const { tables, apart, alone = apart } = report.looked
    return { by: id, left: [...tables.flatMap((one) => leftOf(one, merged.has(one.table))), ...alone] }
  }
  return null
}

function leftOf({ table, there, differs, note, whole }: SalvagedTable, merged: boolean): string[] {
  const counted = [
    ...(there > 0 && !merged ? [`${there} rows there alone`] : []),
    ...(differs > 0 ? [`${differs} that differ`] : []),
  ]
  return [
    ...(counted.length === 0 ? [] : [`${table}: ${counted.join(', ')}`]),
    ...(whole ? [] : [`${table}: ${note ?? 'not all of it was looked at'}`]),
  ]
}
