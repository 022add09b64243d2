/** What is known of an old writer by the operations that the ledger holds: which instance it was, whether it holds anything that did not come over, and who has looked.
 *  Reads only. */
import { EXCHANGE_DOCUMENTS, type ExchangePlan } from '../contracts/exchange'
import { FAILOVER_DOCUMENTS, type FailoverKept, type FailoverPlan } from '../contracts/failover'
import { failure } from '../contracts/failures'
import type { FencedTarget } from '../contracts/instance-fence'
import type { OperationDocument, OperationId } from '../contracts/operation'
import { SALVAGE_DOCUMENTS, type SalvagedTable, type SalvageReport } from '../contracts/salvage'
import type { StandbyId } from '../contracts/standby'
import { SWITCHOVER_DOCUMENTS, type SwitchoverPlan } from '../contracts/switchover'
import type { MovesLedger } from './moved-last'

/** Of one writer there are not that many. */
const LOOKED_AT = 100

/** The very instances between which it moved writing, by its plan. Fails with EVIDENCE_MISSING. */
export async function movedBetween(
  ledger: Pick<MovesLedger, 'getDocument'>,
  { id: operation, kind }: Pick<OperationDocument, 'id' | 'kind'>,
): Promise<Readonly<Record<'source' | 'standby', FencedTarget>>> {
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

/** What an old writer has alone since writing moved away from it. */
export async function leftThere(
  ledger: MovesLedger,
  {
    old,
    writer,
    by,
    since,
  }: { readonly old: string; readonly writer: string; readonly by: OperationDocument; readonly since: string },
): Promise<LeftThere> {
  const kept = (await ledger.getDocument({ operation: by.id, name: FAILOVER_DOCUMENTS.kept })) as FailoverKept | null
  // what it holds since then came from the writer
  const rebuilt = await rebuiltSince(ledger, { id: { source: writer, target: old }, since })
  const whole = by.kind === 'switchover' || kept?.drained === true || rebuilt
  const salvaged = whole ? null : await salvagedSince(ledger, { writer, failover: by.id })
  const left = [...(salvaged?.left ?? []), ...(rebuilt ? [] : (kept?.uncarried ?? []))]
  return { whole, salvage: salvaged?.by ?? null, left }
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
