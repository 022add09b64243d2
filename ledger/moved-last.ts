/** By which operation writing moved away from a database last, and to which, by the operations that the ledger holds. Of the row of a standby nothing is taken: whoever touches it
 *  later writes over who did. Reads only. */
import { BREAK_GLASS_DOCUMENTS, type ReconciledJournal } from '../contracts/break-glass'
import { EXCHANGE_DOCUMENTS, EXCHANGE_STEPS, type WriterProven } from '../contracts/exchange'
import { FAILOVER_DOCUMENTS, FAILOVER_STEPS } from '../contracts/failover'
import type { OperationDocument, OperationId } from '../contracts/operation'
import { SWITCHOVER_DOCUMENTS } from '../contracts/switchover'
import type { Ledger } from './ledger'

export type MovesLedger = Pick<Ledger, 'listOperations' | 'getDocument' | 'getOrigin' | 'getBundle'>

/** Of one database there are not that many. */
export const LOOKED_AT = 100

/** Whether it has made another database the writer in the place of its source. Written down before it is done; a failover by the cloud that came to nothing has
 *  withdrawn it by what it found then. */
export async function hasOpened(ledger: Pick<Ledger, 'getDocument'>, operation: OperationId): Promise<boolean> {
  if ((await ledger.getDocument({ operation, name: FAILOVER_DOCUMENTS.opened })) === null) return false
  const proven = (await ledger.getDocument({ operation, name: EXCHANGE_DOCUMENTS.proven })) as WriterProven | null
  return proven === null || proven.writer === 'standby'
}

/** Those that came so far as to move writing, the newest first. */
export async function applied(
  ledger: MovesLedger,
  asked: { readonly database: string; readonly kind: 'failover' | 'switchover' | 'exchange' },
  hasMovedIt: (ledger: MovesLedger, operation: string) => Promise<boolean>,
): Promise<readonly OperationDocument[]> {
  const all = await ledger.listOperations({ ...asked, mode: 'apply', limit: LOOKED_AT })
  const moved = await Promise.all(all.map(({ id }) => hasMovedIt(ledger, id)))
  return all.filter((_, index) => moved[index])
}

/** Or somebody has brought it to its end by hand, of which the ledger has the journal alone. */
export async function hasMoved(ledger: MovesLedger, operation: string): Promise<boolean> {
  if ((await ledger.getDocument({ operation, name: SWITCHOVER_DOCUMENTS.moved })) !== null) return true
  const journal = (await ledger.getDocument({ operation, name: BREAK_GLASS_DOCUMENTS.journal })) as ReconciledJournal | null
  return journal?.deed === 'finish'
}

export async function hasExchanged(ledger: MovesLedger, operation: string): Promise<boolean> {
  const proven = (await ledger.getDocument({ operation, name: EXCHANGE_DOCUMENTS.proven })) as WriterProven | null
  return proven?.writer === 'standby'
}

/** An operation may have been asked for long before it came to that. */
export function openedAt({ kind, steps, startedAt }: OperationDocument): string {
  const { id: opening } = kind === 'exchange' ? EXCHANGE_STEPS.exchange : FAILOVER_STEPS.open
  return steps.find(({ id }) => id === opening)?.startedAt ?? startedAt
}

export interface WritingMoved {
  readonly by: OperationDocument
  /** By its fleet name. */
  readonly to: string
  /** When the other one was opened, or began to be. */
  readonly since: string
}

/** By which writing moved away from this database last, and to which; null: it is the writer, or it never moved as far as operations tell. */
export async function movedLast(ledger: MovesLedger, name: string): Promise<WritingMoved | null> {
  const all = await Promise.all([
    applied(ledger, { database: name, kind: 'failover' }, hasOpened),
    applied(ledger, { database: name, kind: 'exchange' }, hasExchanged),
    applied(ledger, { database: name, kind: 'switchover' }, hasMoved),
  ])
  const [by] = all.flat().sort((one, other) => Date.parse(openedAt(other)) - Date.parse(openedAt(one)))
  const [from, to] = by?.databases ?? []
  if (by === undefined || from !== name || to === undefined) return null
  const since = openedAt(by)
  return (await wasSeededFrom(ledger, name, since)) ? null : { by, to, since }
}

/** All of it, to the end: nothing is copied from one that is closed, and no more than that is known of it. */
export async function wasSeededFrom(ledger: MovesLedger, source: string, since: string): Promise<boolean> {
  const asked = { database: source, kind: 'replicate', mode: 'apply', statuses: ['succeeded'], since } as const
  for (const { id, databases } of await ledger.listOperations({ ...asked, limit: LOOKED_AT })) {
    if (databases[0] !== source) continue
    const { replicate } = await ledger.getBundle((await ledger.getOrigin(id)).bundle)
    if (replicate?.action === 'set-up' || (replicate?.action === 'reseed' && replicate.table === null)) return true
  }
  return false
}
