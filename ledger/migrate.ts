/** Brings the ledger's own tables to this version: its scripts are ordinary migrations, run by our own engine. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Client } from 'pg'

/** The scripts lie beside the compiled code, and in a checkout beside the sources. */
export function ledgerMigrationsFolder(): string {
  const candidates = [join(__dirname, 'migrations'), resolve(__dirname, '../../ledger/migrations')]
  const found = candidates.find((folder) => existsSync(folder))
  if (found === undefined) throw new Error(`the ledger's migrations are missing; looked in ${candidates.join(' and ')}`)
  return found
}

export async function migrateLedger(url: string): Promise<void> {
  const folder = ledgerMigrationsFolder()
  const client = new Client({ connectionString: url, application_name: 'capstan-ledger-migrate' })
  await client.connect()
  try {
    await client.query('SELECT pg_advisory_lock(4711)')
    const { rows } = await client.query(`SELECT 1 FROM pg_namespace WHERE nspname = 'ledger'`)
    if (rows.length > 0) return
    for (const file of readdirSync(folder).sort()) await client.query(readFileSync(join(folder, file), 'utf8'))
  } finally {
    await client.end()
  }
}
