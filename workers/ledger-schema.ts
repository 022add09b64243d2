/** `node dist/workers/ledger-schema.js`: brings the ledger's tables to this version, and sees to the role that workers use. Runs as the
 *  ledger's owner (CAPSTAN_LEDGER_URL), to its end, before workers of this version start; safe to repeat, and to run twice at once.
 *  With CAPSTAN_LEDGER_WORKER_URL, what that URL names becomes a role with a worker's rights and that password. */
import { Failure } from '../contracts/failures'
import { openLedger } from '../ledger/ledger'
import { ensureWorkerRole } from '../ledger/roles'
import { type Environment, optional, required } from './environment'

async function main(env: Environment): Promise<object> {
  const ownerUrl = required(env, 'CAPSTAN_LEDGER_URL', 'the ledger schema job')
  const workerUrl = optional(env, 'CAPSTAN_LEDGER_WORKER_URL')
  const ledger = openLedger({ url: ownerUrl, applicationName: 'capstan-ledger-schema' })
  try {
    await ledger.migrate()
    await ledger.requireSchema()
  } finally {
    await ledger.close()
  }
  return { ledger: 'ready', workerRole: workerUrl === null ? null : (await ensureWorkerRole(ownerUrl, workerUrl)).role }
}

main(process.env).then(
  (done) => process.stdout.write(`${JSON.stringify(done)}\n`),
  (error: unknown) => {
    const message =
      error instanceof Failure ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)
    process.stderr.write(`${message}\n`)
    process.exitCode = error instanceof Failure ? 4 : 70
  },
)
