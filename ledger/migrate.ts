/** Brings the ledger's own tables to this version: its scripts are ordinary migrations, run by our own engine. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { connect } from '../postgres/connect/session'
import { applyMigrations } from '../postgres/migrate/apply'
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
