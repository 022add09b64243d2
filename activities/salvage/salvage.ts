/** What an old writer has that the one in its place lacks: docs/runbooks/salvage.md. */
import { FAILOVER_DOCUMENTS, type FailoverKept } from '../../contracts/failover'
import { failure } from '../../contracts/failures'
import type { DatabaseEntry } from '../../contracts/fleet'
import type { InstanceAddress } from '../../contracts/migrate'
import type { Finding } from '../../contracts/operation'
import {
  SALVAGE_DOCUMENTS,
  type SalvagedTable,
  type SalvageReport,
  type SalvageRequest,
  type SalvageSummary,
} from '../../contracts/salvage'
import type { StepRef } from '../../contracts/step-ref'
import { type Looked, lookForSalvage } from '../../postgres/salvage/look'
import { assertMayAct, currentAct } from '../act'
import type { ActivityDeps } from '../deps'
import { openedBehind, placeOf } from '../instance-fence/place'
import { progressNotes } from '../rows/doors'
import { openSession } from '../schema/open-session'
import type { SalvageActivities } from './contract'

export function createSalvageActivities(deps: ActivityDeps): SalvageActivities {
  return {
    planSalvage: (input) => planSalvage(deps, input),
    reportRows: (input) => reportRows(deps, input),
  }
}

interface Asked {
  readonly writer: DatabaseEntry
  readonly request: SalvageRequest
}

async function askedOf({ ledger }: ActivityDeps, bundle: string): Promise<Asked> {
  const { database: writer, salvage: request } = await ledger.getBundle(bundle)
  if (request === undefined) throw new Error('the bundle does not say which old writer is meant')
  return { writer, request }
}

async function planSalvage(deps: ActivityDeps, { operation, bundle }: StepRef): ReturnType<SalvageActivities['planSalvage']> {
  const { ledger } = deps
  const { writer, request } = await askedOf(deps, bundle)
  const { old, merge } = request
  const held = await ledger.getFence(placeOf(old, { instance: old.instance, instanceId: '' }))
  if (held === null || !['fencing', 'fenced'].includes(held.state)) {
    const how = held === null ? 'was never fenced through its cloud' : `is ${held.state}`
    const message = `${old.name} ${how}, so that nobody answers for it that only we look into it: there is nothing to salvage by a command. ${await ofDrained(deps, old.name)}; another one "capstan verify diff" compares with the new writer.`
    throw failure('FENCE_LIFTED', message, { database: old.name })
  }
  const opened = await openedBehind(ledger, held, held)
  if (opened === null || (opened.writer !== null && opened.writer !== writer.name)) {
    const found =
      opened === null ? 'no failover has' : `${opened.operation} has made ${opened.writer} the writer in its place, and not`
    const message = `${old.name} is fenced, and ${found} ${opened === null ? `made ${writer.name} the writer in its place` : writer.name}: rows of it go to no other.`
    throw failure('RESOURCE_NOT_OURS', message, { database: old.name, writer: writer.name })
  }
  const { operation: failover } = opened
  const kept = (await ledger.getDocument({ operation: failover, name: FAILOVER_DOCUMENTS.kept })) as FailoverKept | null
  await put(deps, operation, { version: 1, old: old.name, writer: writer.name, failover, kept, merge, looked: null })
  const had = kept?.beat === null || kept === null ? 'nobody knows until when it had all' : `it had all until ${kept.beat.at}`
  const besides = (kept?.uncarried ?? []).map((one) => `; ${one}`).join('')
  return {
    target: { instance: held.instance, instanceId: held.instanceId },
    fenceBundle: held.bundle,
    summary: `${failover} gave ${old.name} up for ${writer.name}; ${had}${besides}`,
  }
}

const FAILOVERS_MAX = 50

/** No cloud's fence says so of one that was drained: the newest failover from it does. */
async function ofDrained({ ledger }: ActivityDeps, old: string): Promise<string> {
  for (const { id, databases } of await ledger.listOperations({ database: old, kind: 'failover', limit: FAILOVERS_MAX })) {
    const kept = (await ledger.getDocument({ operation: id, name: FAILOVER_DOCUMENTS.kept })) as FailoverKept | null
    if (databases[0] !== old || kept === null) continue
    const { drained, uncarried = [] } = kept
    if (!drained || uncarried.length === 0) break
    return `${id} drained it, and the new writer has all but this, which is in its closed database still: ${uncarried.join('; ')}. As its master: ALTER DATABASE … ALLOW_CONNECTIONS true lets in whom it let in before, so close its networks first`
  }
  return 'Of a source that was drained nothing is missing that goes to a standby'
}

async function reportRows(
  deps: ActivityDeps,
  { old: oldAt, writer: writerAt, ...ref }: Parameters<SalvageActivities['reportRows']>[0],
): ReturnType<SalvageActivities['reportRows']> {
  const { writer, request } = await askedOf(deps, ref.bundle)
  const { ledger } = deps
  const begun = (await ledger.getDocument({ operation: ref.operation, name: SALVAGE_DOCUMENTS.report })) as SalvageReport | null
  if (begun === null) throw new Error('the report was never begun')
  const progress = progressNotes(deps, ref)
  const { tables, apart } = await lookForSalvage({
    old: () => asMigrator(deps, ref, request.old, oldAt),
    writer: () => asMigrator(deps, ref, writer, writerAt),
    onProgress: ({ table, rows }) => progress.hear({ phase: 'looking', table, rows }),
    signal: currentAct().signal,
  })
  await progress.settle()
  await put(deps, ref.operation, {
    ...begun,
    looked: {
      at: { old: oldAt, writer: writerAt },
      tables,
      apart: apart.map(({ said }) => said),
      alone: apart.flatMap(({ lackedBy, said }) => (lackedBy === 'writer' ? [said] : [])),
    },
  })
  return { summary: summaryOf(tables), ...findingsIn({ tables, apart }, request.merge) }
}

/** `left`: those that bringing missing rows of `merge` over does not settle. */
export function findingsIn(
  { tables, apart }: Looked,
  merge: readonly string[],
): Required<Pick<SalvageSummary, 'findings' | 'left'>> {
  const lacking = apart.flatMap(({ lackedBy, said }): Finding[] => {
    if (lackedBy === 'old') return []
    return [{ rule: 'salvage:apart', message: `${said}: what the old writer has there was compared with nothing.` }]
  })
  const merged = new Set(merge.map((name) => (name.includes('.') ? name : `public.${name}`)))
  const left = tables.flatMap((one) => findingsOf(one).filter(({ rule }) => rule !== 'salvage:there' || !merged.has(one.table)))
  return { findings: [...tables.flatMap(findingsOf), ...lacking], left: [...left, ...lacking] }
}

function asMigrator(deps: ActivityDeps, { operation, step }: StepRef, entry: DatabaseEntry, address: InstanceAddress) {
  return openSession(deps, { entry, role: 'migrator', operation, step, address, canary: false, ownAddress: true })
}

async function put({ ledger }: ActivityDeps, operation: StepRef['operation'], document: SalvageReport): Promise<void> {
  assertMayAct()
  await ledger.putDocument({ operation, name: SALVAGE_DOCUMENTS.report, document })
}

function summaryOf(tables: readonly SalvagedTable[]): string {
  const sum = (of: 'there' | 'differs' | 'gone') => tables.reduce((all, table) => all + table[of], 0).toLocaleString('en-US')
  return `${sum('there')} rows in the old writer alone, ${sum('differs')} differ, ${sum('gone')} in the new one alone, of ${tables.length} tables`
}

function findingsOf({ table, key, there, differs, note, whole }: SalvagedTable): Finding[] {
  const told: Finding[] = []
  if (there > 0) {
    const since =
      key === null
        ? 'changed or deleted in the new one since. Nothing tells them apart, so that none goes over: "capstan salvage values" writes them down'
        : 'deleted in the new one since'
    const message = `${table}: ${there.toLocaleString('en-US')} rows are in the old writer alone. They never came over, or were ${since}.`
    told.push({ rule: 'salvage:there', message, measured: there })
  }
  if (differs > 0) {
    const message = `${table}: ${differs.toLocaleString('en-US')} rows are in both and not the same. Which one counts is for who knows them to say; none is brought over.`
    told.push({ rule: 'salvage:differs', message, measured: differs })
  }
  if (!whole) told.push({ rule: 'salvage:unknown', message: `${table}: ${note}` })
  return told
}
