/** The role that workers and the command line use on the ledger: it reads and writes the record, and can neither change tables, nor rewrite
 *  what is written once, nor remove anything but an epoch that is replaced. The owner's role is needed by the schema job alone. */

import { quoteIdentifier } from '../postgres/connect/quote'
import { connect, inTransaction, type Session } from '../postgres/connect/session'
import { DEFAULT_HISTORY } from '../postgres/migrate/history'
import { parseLedgerUrl } from './connect'
import { ledgerFailure } from './failures'
import { scramVerifier } from './verifier'

/** Written once: a row is added, and never changed or removed. */
const WRITTEN_ONCE = ['bundles', 'evidence'] as const

/** The only rows that are ever removed: an epoch gives way to a higher one of the same operation. */
const REPLACED = 'epochs'

/** The role's name and password are those of `workerUrl`. Safe to repeat: the role is made when it is not there, its password and its rights
 *  are set anew. Proves at the end that the role can get in. Run it after the migrations. */
export async function ensureWorkerRole(ownerUrl: string, workerUrl: string): Promise<{ readonly role: string }> {
  const owner = parseLedgerUrl(ownerUrl, 'capstan-ledger-schema')
  const worker = parseLedgerUrl(workerUrl, 'capstan-ledger-schema')
  try {
    const session = await connect(owner)
    try {
      await inTransaction(session, () =>
        grant(session, { role: worker.user, password: worker.password, database: owner.database }),
      )
    } finally {
      await session.close()
    }
    await (await connect(worker)).close()
    return { role: worker.user }
  } catch (error) {
    throw ledgerFailure(error, `${owner.host}:${owner.port}`)
  }
}

interface WorkerRole {
  readonly role: string
  readonly password: string
  readonly database: string
}

async function grant(session: Session, { role, password, database }: WorkerRole): Promise<void> {
  const name = quoteIdentifier(role)
  const known = await session.query('SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = $1', [role])
  if (known.length === 0) await session.execute(`CREATE ROLE ${name} LOGIN`)
  await session.execute(`ALTER ROLE ${name} WITH LOGIN PASSWORD '${scramVerifier(password)}'`)
  const { schema, table } = DEFAULT_HISTORY
  const history = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`
  await session.execute(`
    REVOKE ALL ON DATABASE ${quoteIdentifier(database)} FROM PUBLIC;
    GRANT CONNECT ON DATABASE ${quoteIdentifier(database)} TO ${name};
    GRANT USAGE ON SCHEMA ledger TO ${name};
    REVOKE ALL ON ALL TABLES IN SCHEMA ledger FROM ${name};
    GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA ledger TO ${name};
    GRANT DELETE ON ledger.${REPLACED} TO ${name};
    GRANT SELECT ON ${history} TO ${name};
    ${WRITTEN_ONCE.map((written) => `REVOKE UPDATE ON ledger.${written} FROM ${name};`).join('\n    ')}`)
}
