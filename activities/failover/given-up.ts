/** Whether an earlier failover has made another database the writer in the place of this source, as far as operations tell: a source that was drained has no fence of its cloud, and
 *  may have died with its mark since. The row of the standby that was opened is no witness, since whoever touches it later writes over who did. Reads only. */
import { EXCHANGE_DOCUMENTS, type ExchangePlan } from '../../contracts/exchange'
import { FAILOVER_DOCUMENTS, type FailoverPlan } from '../../contracts/failover'
import type { Finding, OperationDocument } from '../../contracts/operation'
import { applied, hasExchanged, hasMoved, hasOpened, type MovesLedger, openedAt, wasSeededFrom } from '../../ledger/moved-last'

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

/** By which the clocks of the source and of the ledger may differ. */
const CLOCKS_MS = 300_000
const NOTHING: GivenUp = { blocks: [], warnings: [], asks: null }

/** It is over where a failover or a switchover has made it the writer again, where a standby was made or seeded anew from it since, and of another instance than the one that was
 *  given up. Where it was only written to since, as the standby has it by replication, somebody may have made it the writer again by hand, or it runs
 *  beside the writer: a person decides. That its fence was lifted says nothing, since the new writer's standby is made of it so. */
export async function givenUpBefore(ledger: MovesLedger, { source, operation, beatAt }: AskedOfGivenUp): Promise<GivenUp> {
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

/** Restored or made anew since, under the same name. */
async function wasAnother(ledger: MovesLedger, { id: operation, kind }: OperationDocument, instanceId: string): Promise<boolean> {
  const { plan: name } = kind === 'exchange' ? EXCHANGE_DOCUMENTS : FAILOVER_DOCUMENTS
  const plan = (await ledger.getDocument({ operation, name })) as FailoverPlan | ExchangePlan | null
  return plan !== null && plan.source.instanceId !== instanceId
}
