/** The embedded default as a whole: Temporal, the ledger and the lab side by side, then the worker; stopped in the opposite
 *  order. What is already there from an earlier start (histories, ledger, instances) is carried on with. */
import { join } from 'node:path'
import { failure } from '../contracts/failures'
import { PostgresServerError } from '../pgserver/failure'
import { type LockAttempt, lockWithin } from '../pgserver/lock-file'
import { ensureEnterable } from '../pgserver/reach'
import { serverUser } from '../pgserver/server-user'
import type { EmbeddedConfig } from './config'
import { startLedgerServer } from './ledger-server'
import { childEnvironment } from './processes/environment'
import { postGuardian } from './processes/guardian'
import type { ProgramPlace } from './processes/program'
import { ProcessRecords } from './processes/records'
import { type RestartListener, type Supervised, supervise } from './processes/supervise'
import { sweep } from './processes/sweep'
import { claimBlock } from './state/address-block'
import { type Endpoints, pointTo, publishEndpoints, withdrawEndpoints } from './state/endpoints'
import { choosePorts, type Ports } from './state/ports'
import { readOrMakeSecrets, type Secrets } from './state/secrets'
import { claimStateFolder, makeClosedFolder } from './state/state-folder'
import { findTemporal } from './temporal/find'
import { temporalSearch } from './temporal/search'
import { answers, temporalProgram } from './temporal/server'
import { type Lab, labProgram, labThatSaid, workerProgram } from './worker-program'

export interface Stack {
  readonly endpoints: Endpoints
  readonly secrets: Secrets
  readonly block: string
  readonly lab: Lab
  readonly worker: Supervised
  /** Null: the user's own server is used. */
  readonly temporalServer: Supervised | null
  readonly labServer: Supervised
  /** Ends everything, workers first. Safe to repeat. */
  stop(): Promise<void>
}

export interface StackListener {
  readonly restart: RestartListener
  /** What is being done when it takes long. */
  readonly progress: (doing: string) => void
}

interface Ground {
  readonly config: EmbeddedConfig
  readonly block: string
  readonly ports: Ports
  readonly secrets: Secrets
  readonly place: ProgramPlace
  readonly listener: StackListener
}

type Stop = () => Promise<void>

/** @throws Failure EMBEDDED_START_FAILED, EMBEDDED_RUNNING when this clone's is already running, or FOLDER_NOT_OURS. */
export async function startStack(config: EmbeddedConfig, listener: StackListener): Promise<Stack> {
  const { state, cache } = config.folders
  claimStateFolder(config.folders)
  prepareFolder(state)
  // Said now rather than after minutes of building Temporal; and Go would make the folder for itself alone.
  prepareFolder(cache)
  const lock = await takeLock(state, 'start')
  const stops: Stop[] = []
  const stop = once(async () => {
    withdrawEndpoints(state)
    for (const end of stops.reverse()) await end()
    // What nobody here holds any more, such as the shop's writer when the story was interrupted.
    await sweep(state)
    lock.release()
  })
  try {
    await sweep(state)
    const sweepCommand = [process.execPath, join(config.clone, 'dist', 'embedded', 'main.js'), 'sweep']
    const guardian = postGuardian(sweepCommand, childEnvironment(config.inherited, /^CAPSTAN_STATE_DIR$/))
    stops.push(async () => guardian.dismiss())
    const ground = await layGround(config, listener)
    return { ...(await raise(ground, stops)), stop }
  } catch (error) {
    await stop()
    throw plainly(error)
  }
}

async function layGround(config: EmbeddedConfig, listener: StackListener): Promise<Ground> {
  const { state, cache, key } = config.folders
  const logDir = join(state, 'logs')
  for (const folder of [logDir, join(state, 'lab')]) makeClosedFolder(folder)
  return {
    config,
    block: await claimBlock({ registerFile: join(cache, 'blocks.json'), stateDir: state, key }),
    ports: await choosePorts(join(state, 'ports.json'), key),
    secrets: readOrMakeSecrets(join(state, 'secrets.json')),
    place: { logDir, records: new ProcessRecords(join(state, 'processes.json')) },
    listener,
  }
}

async function raise(ground: Ground, stops: Stop[]): Promise<Omit<Stack, 'stop'>> {
  const { config, block, secrets, place, listener } = ground
  const base: Stop[] = []
  stops.push(async () => {
    await Promise.all(base.map((end) => end()))
  })
  const raising = { temporal: raiseTemporal(ground, base), ledger: raiseLedger(ground, base), lab: raiseLab(ground, base) }
  // All three are waited for even when one fails: what came up must be known before it can be stopped.
  await Promise.allSettled(Object.values(raising))
  const { endpoint: temporal, server: temporalServer } = await raising.temporal
  const ledgerUrl = await raising.ledger
  const { lab, server: labServer } = await raising.lab
  const program = workerProgram({ config, temporalAddress: temporal.address, ledgerUrl, lab, block, secrets })
  const worker = await supervise(program, place, listener.restart)
  stops.push(() => worker.stop(2_500))
  const fleet = join(config.clone, 'examples', 'shop', 'fleet.yaml')
  const { state, stateGiven } = config.folders
  const { api: labApi, token: labToken } = lab
  const endpoints: Endpoints = { version: 1, temporal, ledgerUrl, fleet, labApi, labToken, stateDir: state }
  publishEndpoints(endpoints)
  if (!stateGiven) pointTo(config.clone, state)
  return { endpoints, secrets, block, lab, worker, temporalServer, labServer }
}

interface RaisedTemporal {
  readonly endpoint: Endpoints['temporal']
  readonly server: Supervised | null
}

async function raiseTemporal({ config, ports, place, listener }: Ground, base: Stop[]): Promise<RaisedTemporal> {
  const namespace = config.temporalNamespace
  const source = await findTemporal(temporalSearch(config, listener.progress))
  if (source.kind === 'server') {
    const endpoint = { address: source.address, namespace, uiUrl: null }
    if (await answers(source.address, namespace)) return { endpoint, server: null }
    throw failure(
      'TEMPORAL_UNREACHABLE',
      `TEMPORAL_ADDRESS is ${source.address}, but no Temporal server with the namespace "${namespace}" answers there. Unset it to have one started.`,
    )
  }
  const program = temporalProgram({
    binary: source.path,
    databaseFile: join(config.folders.state, 'temporal.db'),
    namespace,
    port: ports.temporal,
    uiPort: ports.temporalUi,
  })
  const server = await supervise(program, place, listener.restart)
  base.push(() => server.stop(2_000))
  const endpoint = { address: `127.0.0.1:${ports.temporal}`, namespace, uiUrl: `http://127.0.0.1:${ports.temporalUi}` }
  return { endpoint, server }
}

async function raiseLedger({ config, ports, secrets, place }: Ground, base: Stop[]): Promise<string> {
  const server = await startLedgerServer({
    stateDir: config.folders.state,
    cacheDir: config.folders.cache,
    logDir: place.logDir,
    port: ports.ledger,
    password: secrets.ledgerPassword,
  })
  base.push(() => server.stop(2_000))
  return server.url
}

async function raiseLab(
  { config, block, ports, place, listener }: Ground,
  base: Stop[],
): Promise<{ lab: Lab; server: Supervised }> {
  const server = await supervise(labProgram({ config, block, apiPort: ports.lab }), place, listener.restart)
  base.push(() => server.stop(3_000))
  return { lab: await labThatSaid(server.said), server }
}

/** As root the folder must let PostgreSQL's user through; as anybody else it is ours alone by its own files' modes.
 *  @throws Failure EMBEDDED_START_FAILED naming the folder that is in the way. */
function prepareFolder(folder: string): void {
  try {
    ensureEnterable(folder, serverUser())
  } catch (error) {
    throw plainly(error)
  }
}

function plainly(error: unknown): unknown {
  return error instanceof PostgresServerError ? failure('EMBEDDED_START_FAILED', error.message) : error
}

async function takeLock(state: string, purpose: string): Promise<Extract<LockAttempt, { taken: true }>> {
  const lock = await lockWithin(join(state, 'lock'), purpose, ['sweep'], 15_000)
  if (lock.taken) return lock
  throw failure(
    'EMBEDDED_RUNNING',
    `The embedded default of this clone is already running, as process ${lock.owner.pid}. Use it, or stop it with: node bin/capstan.js down`,
    { pid: lock.owner.pid },
  )
}

function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  return () => {
    running ??= work()
    return running
  }
}
