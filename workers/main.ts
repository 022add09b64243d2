/** A worker process: configuration → dependencies → task queues. Says `{"ready":true}` on standard output once it polls; SIGTERM
 *  or SIGINT stops it within two seconds, whatever runs is given to the next worker. */
import { DefaultLogger, Runtime } from '@temporalio/worker'
import pino from 'pino'
import type { ActivityDeps } from '../activities/deps'
import { Failure } from '../contracts/failures'
import { openLedger } from '../ledger/ledger'
import { createClouds } from './clouds'
import { readConfig } from './config'
import { createFailpoints } from './failpoint'
import type { ActivityInterceptorDeps } from './interceptors/activity'
import { readLogError } from './log-error'
import { connectTemporal, startWorkers } from './run-workers'
import { ensureSearchAttributes } from './search-attributes'
import { createSecretResolver } from './secrets'

async function main(): Promise<void> {
  const config = readConfig(process.env)
  const log = pino(
    { level: config.logLevel, base: { pid: process.pid }, serializers: { error: readLogError, err: readLogError } },
    pino.destination(2),
  )
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      const at = level === 'ERROR' ? 'error' : level === 'WARN' ? 'warn' : 'debug'
      log[at](meta ?? {}, message)
    }),
  })
  const ledger = openLedger({ url: config.ledgerUrl, applicationName: 'capstan-worker' })
  await ledger.migrate()
  const connection = await connectTemporal(config)
  await ensureSearchAttributes(connection, config.temporal.namespace).catch((error: unknown) => {
    log.warn({ error }, 'search attributes could not be added')
  })
  const deps: ActivityDeps & ActivityInterceptorDeps = {
    ledger,
    cloudOf: createClouds(),
    resolveSecret: createSecretResolver(process.env),
    secretKey: config.secretKey,
    sourceAddress: config.sourceAddress,
    failpoints: config.failpoints === null ? null : createFailpoints(config.failpoints),
  }
  const workers = await startWorkers(connection, config, deps)
  let stops = 0
  const stop = (): void => {
    stops += 1
    if (stops > 1) process.exit(130)
    workers.shutdown()
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.stdout.write(`${JSON.stringify({ ready: true, pid: process.pid })}\n`)
  await workers.done.catch((error: unknown) => {
    if (stops === 0) throw error
  })
  await ledger.close()
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const message =
      error instanceof Failure ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)
    process.stderr.write(`${message}\n`)
    process.exit(error instanceof Failure ? 4 : 70)
  },
)
