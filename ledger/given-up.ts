/** What is known of an old writer by the operations that the ledger holds: which instance it was, whether it holds anything that did not come over, and who has looked.
 *  Reads only. */
import type { HostPort } from '../contracts/endpoint'
import { EXCHANGE_DOCUMENTS, type ExchangePlan } from '../contracts/exchange'
import { FAILOVER_DOCUMENTS, type FailoverKept, type FailoverPlan } from '../contracts/failover'
import { failure } from '../contracts/failures'
import type { FencedTarget } from '../contracts/instance-fence'
import type { OperationDocument, OperationId } from '../contracts/operation'
import { SALVAGE_DOCUMENTS, type SalvagedTable, type SalvageReport } from '../contracts/salvage'
import type { StandbyId } from '../contracts/standby'
import { SWITCHOVER_DOCUMENTS, type SwitchoverPlan } from '../contracts/switchover'
import { LOOKED_AT, type MovesLedger } from './moved-last'

/** The very instances between which it moved writing, by its plan. Fails with EVIDENCE_MISSING. */
export async function movedBetween(
  ledger: Pick<MovesLedger, 'getDocument'>,
  { id: operation, kind }: Pick<OperationDocument, 'id' | 'kind'>,
): Promise<Readonly<Record<'source' | 'standby', FencedTarget & HostPort>>> {
  const { plan: name } =
    kind === 'switchover' ? SWITCHOVER_DOCUMENTS : kind === 'exchange' ? EXCHANGE_DOCUMENTS : FAILOVER_DOCUMENTS
  const plan = (await ledger.getDocument({ operation, name })) as FailoverPlan | SwitchoverPlan | ExchangePlan | null
  if (plan !== null) return plan
  const message = `The plan of ${operation} is not in the ledger: which instance it gave up, nobody knows.`
  throw failure('EVIDENCE_MISSING', message, { operation })
}

export interface LeftThere {
  /** Nothing of it can be there alone, as far as it goes to a standby: nobody needs to look. */
  readonly whole: boolean
  /** Null: nobody has looked, or nobody needs to. */
  readonly salvage: OperationId | null
  /** What is known to be there alone, a sentence each. */
  readonly left: readonly string[]
}

interface AskedOfOld {
  readonly old: string
  /** To which writing moved from there, by `by`. */
  readonly writer: string
  readonly by: OperationDocument
  readonly since: string
  /** By which it moved on from there. */
  readonly onward: readonly OperationDocument[]
}

/** What an old writer has alone since writing moved away from it. */
export async function leftThere(ledger: MovesLedger, { old, writer, by, since, onward }: AskedOfOld): Promise<LeftThere> {
  const kept = (await ledger.getDocument({ operation: by.id, name: FAILOVER_DOCUMENTS.kept })) as FailoverKept | null
  // what it holds since then came from the writer
  const rebuilt = await rebuiltSince(ledger, { id: { source: writer, target: old }, since })
  const whole = by.kind === 'switchover' || kept?.drained === true || rebuilt
  // what was brought over is where it was brought to, as long as that is the writer, and what it was
  const lasts = onward.length === 0 && !(await wasOverwritten(ledger, { writer, since }))
  const salvaged = whole ? null : await salvagedSince(ledger, { writer, failover: by.id, lasts })
  const left = [
    ...(salvaged?.left ?? []),
    ...(rebuilt ? [] : [...(kept?.uncarried ?? []), ...(await unloggedOf(ledger, by))]),
    ...(by.verdict === 'fail' ? [`what was written while a step of ${by.id} was left out, if anything was`] : []),
    ...(await lostOnTheWay(ledger, onward)),
  ]
  return { whole, salvage: salvaged?.by ?? null, left }
}

/** They are in no publication, and a backup of the instance may bring them back empty. */
async function unloggedOf(
  ledger: Pick<MovesLedger, 'getDocument'>,
  { id: operation, kind }: OperationDocument,
): Promise<string[]> {
  if (kind !== 'switchover') return []
  const plan = (await ledger.getDocument({ operation, name: SWITCHOVER_DOCUMENTS.plan })) as SwitchoverPlan | null
  return (plan?.unlogged ?? []).map((table) => `what the unlogged table ${table} held`)
}

/** Whoever was given up with rows that nobody has any more may have had them from here. */
async function lostOnTheWay(ledger: Pick<MovesLedger, 'getDocument'>, onward: readonly OperationDocument[]): Promise<string[]> {
  const lost: string[] = []
  for (const { id: operation, kind, databases } of onward) {
    if (kind === 'switchover') continue
    const kept = (await ledger.getDocument({ operation, name: FAILOVER_DOCUMENTS.kept })) as FailoverKept | null
    if (kept?.drained !== true) lost.push(`what ${databases[0]} had from it and ${operation} lost, if it lost any of that`)
  }
  return lost
}

/** With a backup of whenever, as one cloud does it. */
async function wasOverwritten(
  ledger: Pick<MovesLedger, 'listOperations'>,
  { writer: database, since }: { readonly writer: string; readonly since: string },
): Promise<boolean> {
  return (await ledger.listOperations({ database, kind: 'overwrite', mode: 'apply', since, limit: 1 })).length > 0
}

async function rebuiltSince(
  ledger: MovesLedger,
  { id, since }: { readonly id: StandbyId; readonly since: string },
): Promise<boolean> {
  const asked = { database: id.target, kind: 'replicate', mode: 'apply', statuses: ['succeeded'], since } as const
  for (const { id: operation, databases } of await ledger.listOperations({ ...asked, limit: LOOKED_AT })) {
    if (databases[0] !== id.source || databases[1] !== id.target) continue
    const { replicate } = await ledger.getBundle((await ledger.getOrigin(operation)).bundle)
    if (replicate?.rebuild !== undefined) return true
  }
  return false
}

interface Salvaged {
  readonly by: OperationId
  readonly left: readonly string[]
}

/** The newest that has looked; null: none. */
async function salvagedSince(
  ledger: MovesLedger,
  { writer, failover, lasts }: { writer: string; failover: OperationId; lasts: boolean },
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
      lasts && status === 'succeeded'
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
