/** Operations as the ledger holds them, for the cases that decide about one. Temporal knows none of them. */
import type { DatabaseEntry } from '../../../contracts/fleet'
import type { OperationStatus } from '../../../contracts/operation'
import type { Ledger } from '../../../ledger/ledger'
import { evidenceExample } from '../../client/evidence-example'

const AT = '2026-11-23T03:00:00.000Z'

export async function recordOperations(ledger: Ledger): Promise<void> {
  const bundle = await ledger.putBundle({ version: 1, database: { name: 'shop' } as DatabaseEntry, migrations: [] })
  const record = async (id: string, status: OperationStatus | null): Promise<void> => {
    const about = { kind: 'migrate', databases: ['shop'], cloud: 'aws', environment: 'production', mode: 'apply' } as const
    await ledger.openOperation({ id, ...about, requestedBy: 'ada', startedAt: AT, bundle })
    if (status === 'rejected') await ledger.setStatus({ operation: id, status, finishedAt: AT })
    else if (status === 'awaiting-approval') await ledger.setStatus({ operation: id, status, planDigest: 'ab'.repeat(32) })
    else if (status !== null) await ledger.setStatus({ operation: id, status })
  }
  await record('given-running', null)
  await record('given-ended', 'rejected')
  await record('given-rejected', 'rejected')
  await record('given-waiting', 'awaiting-approval')
  await record('given-stuck', 'needs-operator')
  await ledger.writeEvidence({ operation: 'given-ended', document: evidenceExample('shop') })
  const step = {
    id: 'canary',
    title: 'Restore',
    state: 'undo-failed',
    attempts: 1,
    startedAt: AT,
    finishedAt: null,
    detail: {},
  } as const
  await ledger.recordStep({ operation: 'given-stuck', sequence: 0, step })
}
