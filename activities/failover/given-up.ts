/** Whether an earlier failover has made another database the writer in the place of this source, as far as operations tell: a source that was drained has no fence of its cloud, and
 *  may have died with its mark since. The row of the standby that was opened is no witness, since whoever touches it later writes over who did. Reads only. */
import { BREAK_GLASS_DOCUMENTS, type ReconciledJournal } from '../../contracts/break-glass'
import { EXCHANGE_DOCUMENTS, EXCHANGE_STEPS, type ExchangePlan, type WriterProven } from '../../contracts/exchange'
import { FAILOVER_DOCUMENTS, FAILOVER_STEPS, type FailoverPlan } from '../../contracts/failover'
import type { Finding, OperationDocument } from '../../contracts/operation'
import { SWITCHOVER_DOCUMENTS } from '../../contracts/switchover'
import type { ActivityDeps } from '../deps'
import { hasOpened } from './opened'

type Ledger = Pick<ActivityDeps['ledger'], 'listOperations' | 'getDocument' | 'getOrigin' | 'getBundle'>

export interface AskedOfGivenUp {
  readonly source: { readonly name: string; readonly instanceId: string }
  /** That asks. */
  readonly operation: string
  /** When the source beat last, as the standby has it, by the source's clock; null: it has no beat. */
  readonly beatAt: string | null
}

export interface GivenUp {
  readonly blocks: readonly Finding[]
  readonly warnings: readonly Finding[]
  /** Why somebody else has to approve it; null: nothing of this asks for it. */
  readonly asks: string | null
}

/** Of one source there are not that many. */
const LOOKED_AT = 100
/** By which the clocks of the source and of the ledger may differ. */
const CLOCKS_MS = 300_000
const NOTHING: GivenUp = { blocks: [], warnings: [], asks: null }

/** It is over where a failover or a switchover has made it the writer again, where a standby was made or seeded anew from it since, and of another instance than the one that was
 *  given up. Where it was only written to since, as the standby has it by replication, somebody may have made it the writer again by hand, or it runs
 *  beside the writer: a person decides. That its fence was lifted says nothing, since the new writer's standby is made of it so. */
export async function givenUpBefore(ledger: Ledger, { source, operation, beatAt }: AskedOfGivenUp): Promise<GivenUp> {
  const failovers = [
    ...(await applied(ledger, { database: source.name, kind: 'failover' }, hasOpened)),
    ...(await applied(ledger, { database: source.name, kind: 'exchange' }, hasOpened)),
  ].sort((one, other) => Date.parse(openedAt(other)) - Date.parse(openedAt(one)))
  const [last] = failovers.filter(({ id, databases }) => databases[0] === source.name && id !== operation)
  if (last === undefined || (await wasAnother(ledger, last, source.instanceId))) return NOTHING
  const since = openedAt(last)
  const isBack = ({ databases, startedAt }: OperationDocument) => databases[1] === source.name && isAfter(startedAt, since)
  if (failovers.some(isBack)) return NOTHING
  if ((await applied(ledger, { database: source.name, kind: 'switchover' }, hasMoved)).some(isBack)) return NOTHING
  if ((await applied(ledger, { database: source.name, kind: 'exchange' }, hasExchanged)).some(isBack)) return NOTHING
  if (await wasSeededFrom(ledger, source.name, since)) return NOTHING
  const writer = last.databases[1] ?? 'another database'
  const given = `${last.id} has given ${source.name} up and made ${writer} the writer in its place`
  if (beatAt !== null && Date.parse(beatAt) > Date.parse(since) + CLOCKS_MS) {
    const message = `${given}. ${source.name} was written to since all the same: look whether ${writer} is written to, which would be a second writer then, and approve only where it is not.`
    return { blocks: [], warnings: [finding(message)], asks: given }
  }
  const message = `${given}. A second one would write beside it: fail over from ${writer}, or move writing by "capstan switchover". It counts no more once writing has moved back to ${source.name}, or a standby was made or seeded anew from it (capstan replicate, capstan standby reseed).`
  return { blocks: [finding(message)], warnings: [], asks: null }
}

const finding = (message: string): Finding => ({ rule: 'failover:opened', message })

const isAfter = (one: string, other: string): boolean => Date.parse(one) > Date.parse(other)

/** Those that came so far as to move writing, the newest first. */
async function applied(
  ledger: Ledger,
  asked: { readonly database: string; readonly kind: 'failover' | 'switchover' | 'exchange' },
  hasMovedIt: (ledger: Ledger, operation: string) => Promise<boolean>,
): Promise<readonly OperationDocument[]> {
  const all = await ledger.listOperations({ ...asked, mode: 'apply', limit: LOOKED_AT })
  const moved = await Promise.all(all.map(({ id }) => hasMovedIt(ledger, id)))
  return all.filter((_, index) => moved[index])
}

/** Or somebody has brought it to its end by hand, of which the ledger has the journal alone. */
async function hasMoved(ledger: Ledger, operation: string): Promise<boolean> {
  if ((await ledger.getDocument({ operation, name: SWITCHOVER_DOCUMENTS.moved })) !== null) return true
  const journal = (await ledger.getDocument({ operation, name: BREAK_GLASS_DOCUMENTS.journal })) as ReconciledJournal | null
  return journal?.deed === 'finish'
}

async function hasExchanged(ledger: Ledger, operation: string): Promise<boolean> {
  const proven = (await ledger.getDocument({ operation, name: EXCHANGE_DOCUMENTS.proven })) as WriterProven | null
  return proven?.writer === 'standby'
}

/** An operation may have been asked for long before it came to that. */
function openedAt({ kind, steps, startedAt }: OperationDocument): string {
  const { id: opening } = kind === 'exchange' ? EXCHANGE_STEPS.exchange : FAILOVER_STEPS.open
  return steps.find(({ id }) => id === opening)?.startedAt ?? startedAt
}

/** By which writing moved away from this database last, and to which; null: it is the writer, or it never moved as far as operations tell. */
export async function movedLast(
  ledger: Ledger,
  name: string,
): Promise<{ by: OperationDocument; to: string; since: string } | null> {
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

/** Restored or made anew since, under the same name. */
async function wasAnother(ledger: Ledger, { id: operation, kind }: OperationDocument, instanceId: string): Promise<boolean> {
  const { plan: name } = kind === 'exchange' ? EXCHANGE_DOCUMENTS : FAILOVER_DOCUMENTS
  const plan = (await ledger.getDocument({ operation, name })) as FailoverPlan | ExchangePlan | null
  return plan !== null && plan.source.instanceId !== instanceId
}

/** All of it, to the end: nothing is copied from one that is closed, and no more than that is known of it. */
async function wasSeededFrom(ledger: Ledger, source: string, since: string): Promise<boolean> {
  const asked = { database: source, kind: 'replicate', mode: 'apply', statuses: ['succeeded'], since } as const
  for (const { id, databases } of await ledger.listOperations({ ...asked, limit: LOOKED_AT })) {
    if (databases[0] !== source) continue
    const { replicate } = await ledger.getBundle((await ledger.getOrigin(id)).bundle)
    if (replicate?.action === 'set-up' || (replicate?.action === 'reseed' && replicate.table === null)) return true
  }
  return false
}
