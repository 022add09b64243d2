/** Brings the ledger's own tables to this version: its scripts are ordinary migrations, run by our own engine. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { failure } from '../contracts/failures'
import { connect } from '../postgres/connect/session'
import { applyMigrations } from '../postgres/migrate/apply'
import { info } from '../postgres/migrate/info'
import { readMigrationDirectory } from '../postgres/migrate/read-directory'
import { resolveMigrations } from '../postgres/migrate/resolve'
import type { LedgerTarget } from './connect'

/** Several processes of a deployment may start at once; the last one waits for the others. */
const LOCK_WAIT_MS = 60_000

/** The scripts lie beside the compiled code, and in a checkout beside the sources. */
export function ledgerMigrationsFolder(): string {
  const candidates = [join(__dirname, 'migrations'), resolve(__dirname, '../../ledger/migrations')]
  const found = candidates.find((folder) => existsSync(folder))
  if (found === undefined) throw new Error(`the ledger's migrations are missing; looked in ${candidates.join(' and ')}`)
  return found
}

export async function migrateLedger(target: LedgerTarget): Promise<void> {
  const resolved = resolveMigrations(await readMigrationDirectory(ledgerMigrationsFolder()))
  await applyMigrations({ connect: () => connect(target), resolved, lockWaitMs: LOCK_WAIT_MS })
}

/** Reads only. Fails with LEDGER_UNREACHABLE when a migration of this version is not applied. Tables of a newer version are fine: a
 *  migration of the ledger never breaks the version before it. */
export async function requireLedgerSchema(target: LedgerTarget): Promise<void> {
  const resolved = resolveMigrations(await readMigrationDirectory(ledgerMigrationsFolder()))
  const session = await connect(target)
  try {
    const { migrations } = await info(session, resolved)
    const missing = migrations.filter(({ state }) => state !== 'Success' && state !== 'Future')
    if (missing.length === 0) return
    const named = missing.map(({ script, state }) => `${script} (${state.toLowerCase()})`).join(', ')
    const message = `The ledger's tables are not of this version: ${named}. Run the ledger schema job of this version first.`
    throw failure('LEDGER_UNREACHABLE', message, { missing: missing.length })
  } finally {
    await session.close()
  }
}
