/** Whether the standby may have been opened without the source, which only a failover does: it closes no source that does not answer, and leaves nothing in it. Asked
 *  before the source is opened while the standby does not answer; where both answer, the standby says itself whether applications were let in. */
import type { BreakGlassPapers } from '../../contracts/break-glass'
import { EXCHANGE_DOCUMENTS, type WriterProven } from '../../contracts/exchange'
import { FAILOVER_DOCUMENTS } from '../../contracts/failover'
import { Failure, failure } from '../../contracts/failures'
import { FINAL_STATUSES, type OperationDocument } from '../../contracts/operation'
import type { Ledger } from '../../ledger/ledger'

/** By which the clocks of those who wrote the papers and the ledger may differ. */
const CLOCKS_MS = 300_000
/** Of one source there are not that many. */
const LOOKED_AT = 100

export interface AskedOfFailovers {
  readonly withLedger: <T>(work: (ledger: Ledger) => Promise<T>) => Promise<T>
  /** Why the person answers for it, for the record; null: he does not. It counts only where the ledger does not say otherwise. */
  readonly why: string | null
}

interface Word {
  readonly opened: string | null
  readonly atWork: string | null
}

/** The ledger may speak against it and never for it: one that was restored since holds everything but the failover that it has forgotten, and looks whole. So somebody
 *  has to answer for it. Resolves to whose word it is, one line for people. Fails with NO_WAY_BACK where the ledger has a failover of the source that opened a standby since the papers were
 *  written; FENCE_NOT_PROVEN where one is at work, or where no person answers for it. Reads only. */
export async function noFailoverRan(
  { id, operation, writtenAt }: BreakGlassPapers,
  { withLedger, why }: AskedOfFailovers,
): Promise<string> {
  const word = await withLedger((ledger) => wordOf(ledger, { source: id.source, operation, writtenAt })).catch(unlessAway)
  if (!(word instanceof Failure)) {
    if (word.opened !== null)
      throw failure(
        'NO_WAY_BACK',
        `${word.opened} has given ${id.source} up and let applications into a standby of it: there may be rows that ${id.source} does not have, and a second writer is worse than none. Nothing is opened.`,
        { operation, failover: word.opened },
      )
    if (word.atWork !== null)
      throw failure(
        'FENCE_NOT_PROVEN',
        `${word.atWork}, by which another one may take the place of ${id.source}, is at work: abort it ("capstan ops abort ${word.atWork}"), or let it end. Nothing is opened meanwhile.`,
        { operation, failover: word.atWork },
      )
  }
  const said =
    word instanceof Failure
      ? `the ledger does not say whether a failover has opened it since (${word.message})`
      : 'the ledger has no failover that did, which it would not have either if it was restored since'
  if (why !== null)
    return `no failover of ${id.source} ran: ${why} (${word instanceof Failure ? 'the ledger was not asked' : 'nor has the ledger one'})`
  const message = `${id.target} does not answer, and ${said}. Look there, at the cloud’s fence of ${id.source}, and at whoever else can know; where none ran, say so with --no-failover-ran "WHY": it goes into the journal.`
  throw failure('FENCE_NOT_PROVEN', message, { operation, option: 'no-failover-ran' })
}

function unlessAway(error: unknown): Failure {
  if (error instanceof Failure) return error
  throw error
}

/** A ledger that does not know the switchover is another one, or of before it: its word is worth nothing. */
async function wordOf(
  ledger: Ledger,
  { source, operation, writtenAt }: { readonly source: string; readonly operation: string; readonly writtenAt: string },
): Promise<Word> {
  if ((await ledger.getOperation(operation)) === null)
    throw failure('OPERATION_UNKNOWN', `it holds no ${operation}`, { operation })
  const asked = { database: source, mode: 'apply', limit: LOOKED_AT } as const
  // a read replica that the cloud keeps takes over by an exchange
  const both = await Promise.all((['failover', 'exchange'] as const).map((kind) => ledger.listOperations({ ...asked, kind })))
  const since = both
    .flat()
    .filter(({ finishedAt }) => finishedAt === null || Date.parse(finishedAt) > Date.parse(writtenAt) - CLOCKS_MS)
  for (const { id } of since) if (await hasMadeAWriter(ledger, id)) return { opened: id, atWork: null }
  return { opened: null, atWork: since.find(isAtWork)?.id ?? null }
}

/** Written down before it is done; what came to nothing has withdrawn it by what it found then. */
async function hasMadeAWriter(ledger: Ledger, operation: string): Promise<boolean> {
  const document = (name: string) => ledger.getDocument({ operation, name })
  const proven = (await document(EXCHANGE_DOCUMENTS.proven)) as WriterProven | null
  return proven === null ? (await document(FAILOVER_DOCUMENTS.opened)) !== null : proven.writer === 'standby'
}

const isAtWork = ({ status }: OperationDocument): boolean => !FINAL_STATUSES.includes(status)
