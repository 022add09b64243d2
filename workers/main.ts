/** A worker process: configuration → dependencies → task queues. Says `{"ready":true}` on standard output once it polls; SIGTERM
 *  or SIGINT stops it within the grace of its configuration and some seconds, also while Temporal is out of reach: whatever runs is given
 *  to the next worker. Everything it logs, Temporal's own library included, is a line of JSON on standard error. */
import { DefaultLogger, type NativeConnection, Runtime } from '@temporalio/worker'
import pino, { type Logger } from 'pino'
import { Failure } from '../contracts/failures'
import { type Ledger, openLedger } from '../ledger/ledger'
import { readConfig, type WorkerConfig } from './config'
import { createDeps } from './deps'
import { ledgerProbe, pollerProbe, reportHealth } from './health'
import { readLogError } from './log-error'
import { connectTemporal, identityOf, startWorkers, stopLimitMs } from './run-workers'
import { ensureSearchAttributes } from './search-attributes'

function startHealth(config: WorkerConfig, connection: NativeConnection, ledger: Ledger): { stop(): Promise<void> } {
  if (config.healthFile === null) return { stop: async () => undefined }
  const { namespace } = config.temporal
  const pollers = config.queues.map((queue) => pollerProbe({ connection, namespace, queue, identity: identityOf(queue) }))
  return reportHealth(config.healthFile, [...pollers, ledgerProbe(ledger)])
}

function createLog({ logLevel }: WorkerConfig): Logger {
  const log = pino(
    { level: logLevel, base: { pid: process.pid }, serializers: { error: readLogError, err: readLogError } },
    pino.destination(2),
  )
  Runtime.install({
    shutdownSignals: [],
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      const at = level === 'ERROR' ? 'error' : level === 'WARN' ? 'warn' : 'debug'
      log[at](meta ?? {}, message)
    }),
    telemetryOptions: { logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} } },
  })
  return log
}

async function main(): Promise<void> {
  const config = readConfig(process.env)
  const log = createLog(config)
  const ledger = openLedger({ url: config.ledgerUrl, applicationName: 'capstan-worker' })
  await (config.ledgerSchema === 'migrate' ? ledger.migrate() : ledger.requireSchema())
  const connection = await connectTemporal(config)
  await ensureSearchAttributes(connection, config.temporal.namespace).catch((error: unknown) => {
    log.warn({ error }, 'search attributes could not be added')
  })
  const workers = await startWorkers(connection, config, createDeps(config, process.env, ledger))
  const health = startHealth(config, connection, ledger)
  let stops = 0
  const stop = (): void => {
    stops += 1
    if (stops > 1) process.exit(130)
    workers.shutdown()
    // Temporal's library waits for a server that is gone; nobody is served by that.
    setTimeout(() => {
      log.warn('Temporal did not let go of this worker in time')
      process.exit(0)
    }, stopLimitMs(config)).unref()
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.stdout.write(`${JSON.stringify({ ready: true, pid: process.pid })}\n`)
  await workers.done.catch((error: unknown) => {
    if (stops === 0) throw error
  })
  await health.stop()
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
