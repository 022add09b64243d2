/** Simulated Cloud SQL as a part of a lab: puts it together, finishes what an earlier lab left, serves it. */
import { type PostgresMajor, packagedVersion } from '../../pgserver/binaries'
import type { CloudGround, InstanceStatus, SimulatedCloud } from '../cloud'
import { Effects } from '../faults/effects'
import { Past } from '../past'
import { type Catalogue, readCatalogue } from '../postgres/catalogue'
import { Servers } from '../postgres/servers'
import { type GcpCloud, specOf } from './cloud'
import { Expiries } from './expiries'
import { GCP_FAULTS } from './faults/table'
import { CLOUD_SQL } from './flavour'
import { patientOf } from './patient'
import { createRemovals } from './removals'
import { keepOwnReplicas } from './replicating'
import { serveGcp } from './router'
import { emptyGcpState, type GcpState, type SqlInstance, type Task } from './state'
import { createInstanceTasks, expectRecovery } from './tasks'

export interface GcpOptions extends CloudGround {
  state: GcpState
  accessToken: string
}

const CLOSE_GRACE_MS = 1_500

export function startGcp(options: GcpOptions): SimulatedCloud {
  const { state } = options
  const servers = newServers(options, (folder) => serverEnded(cloud, folder))
  const past = new Past<GcpState>()
  const effects = new Effects(options.faults, {
    cloud: 'gcp',
    kinds: GCP_FAULTS,
    patient: (target) => state.instances[target] && patientOf(cloud, state.instances[target]),
    save: () => cloud.save(),
    log: options.log,
  })
  const expiries = new Expiries(state, (instance) => tellRules(cloud, instance))
  const notePast = (): void =>
    past.note(
      options.faults.list().filter(({ kind }) => kind === 'stale-reads'),
      state,
    )
  const closing = new AbortController()
  const build = (): GcpCloud => ({
    ...options,
    servers,
    past,
    afflictions: effects,
    save: () => {
      notePast()
      expiries.look()
      return options.save()
    },
    // the binaries themselves are copied when a server first needs them
    versions: { 15: packagedVersion(15), 17: packagedVersion(17) },
    tasks: createInstanceTasks(() => cloud),
    removals: createRemovals(() => cloud),
    catalogue: catalogues(servers),
  })
  let cloud = build()
  let ready: Promise<void> = Promise.resolve()

  return {
    name: 'gcp',
    serve: (scope) =>
      serveGcp(scope, {
        current: () => ready.then(() => cloud),
        faults: options.faults,
        calls: options.calls,
        effects,
        closing: closing.signal,
      }),
    instances: () => Object.values(state.instances).map((instance) => statusOf(cloud, instance)),
    async faultsChanged(ordered) {
      notePast()
      if (ordered) effects.strikeNow(ordered)
      await options.save()
      await effects.settle()
    },
    async resume() {
      await carryOn(cloud)
      expiries.look()
      await effects.settle()
    },
    // its network rules are its own: authorized networks
    async applySecurityGroups() {},
    async crash(id) {
      const instance = state.instances[id]
      if (instance) await servers.crash(instance.folder)
      return instance !== undefined
    },
    reset() {
      // calls wait: what they would make now would be swept away, or never be begun
      const emptied = empty(cloud, effects).finally(() => {
        cloud = build()
      })
      ready = emptied.catch(() => {})
      return emptied
    },
    async close() {
      closing.abort(new Error('The lab is closing.'))
      expiries.close()
      await effects.close()
      await Promise.all([cloud.tasks.close(), cloud.removals.close(), servers.stopAll(CLOSE_GRACE_MS)])
    },
  }
}

async function carryOn(cloud: GcpCloud): Promise<void> {
  const { state, servers, tasks, removals } = cloud
  await servers.sweep(foldersOf(state))
  await Promise.all(Object.values(state.instances).map((instance) => bringBack(cloud, instance)))
  await cloud.save()
  for (const instance of Object.values(state.instances)) tasks.wake(instance)
  for (const backup of Object.values(state.backups)) removals.wake(backup)
}

function statusOf(cloud: GcpCloud, { region, name, host, state, engineVersion, folder }: SqlInstance): InstanceStatus {
  const address = cloud.addresses.textOf(host)
  const memoryBytes = cloud.servers.memory(folder)
  return { cloud: 'gcp', region, id: name, address, port: cloud.dataPort, state, engineVersion, memoryBytes }
}

function newServers(options: GcpOptions, ended: (folder: string) => void): Servers {
  return new Servers({
    stateDir: options.stateDir,
    cacheDir: options.cacheDir,
    port: options.dataPort,
    administratorAddress: options.apiAddress,
    administratorPassword: options.administratorPassword,
    flavour: CLOUD_SQL,
    get authority() {
      return options.authority()
    },
    ended,
    log: options.log,
  })
}

/** Those that some record speaks of; what a restore replaces is kept until it is done. */
function foldersOf(state: GcpState): Parameters<Servers['sweep']>[0] {
  const instances = Object.values(state.instances)
  const replaced = instances.flatMap(({ tasks }) => tasks.flatMap((task) => (task.kind === 'restore' ? [task.before] : [])))
  return {
    instances: new Set([...instances.map(({ folder }) => folder), ...replaced]),
    snapshots: new Set(Object.values(state.backups).map(({ folder }) => folder)),
    // of the instances' own folders alone
    archives: new Set(),
  }
}

/** It comes back by itself, as soon as what is under way for the instance lets it. */
function serverEnded(cloud: GcpCloud, folder: string): void {
  const instance = Object.values(cloud.state.instances).find((candidate) => candidate.folder === folder)
  if (!instance || instance.madeAt === null || instance.replaced || instance.state === 'PENDING_DELETE') return
  expectRecovery(instance)
  void cloud.save()
  cloud.tasks.wake(instance)
}

async function empty({ tasks, removals, state, servers, save }: GcpCloud, effects: Effects): Promise<void> {
  await Promise.all([tasks.close(), removals.close()])
  const folders = [...foldersOf(state).instances]
  Object.assign(state, emptyGcpState())
  await save()
  await effects.settle()
  await Promise.all(folders.map((folder) => servers.remove(folder)))
  await servers.sweep({ instances: new Set(), snapshots: new Set(), archives: new Set() })
}

/** A server that is just being made or restarted learns the rules at the end of that. */
async function tellRules(cloud: GcpCloud, instance: SqlInstance): Promise<void> {
  await cloud.servers.configure(specOf(cloud, instance)).catch((error) => cloud.log(`${instance.name}: ${error}`))
}

/** Tasks that make a server anew, or need none. */
function needsServer(task: Task | undefined): boolean {
  if (task?.kind === 'create' || task?.kind === 'restore') return false
  return task?.kind !== 'delete' || task.finalBackup !== null
}

async function bringBack(cloud: GcpCloud, instance: SqlInstance): Promise<void> {
  const { name, madeAt, settings, tasks, replaced } = instance
  if (!needsServer(tasks[0]) || madeAt === null || replaced || settings.activationPolicy === 'NEVER') return
  if (cloud.afflictions.isFull(name)) return
  await cloud.servers
    .ensureRunning(specOf(cloud, instance))
    .then(() => keepOwnReplicas(cloud, instance))
    .catch((error) => cloud.log(`${instance.name} does not start: ${error}`))
}

function catalogues(servers: Servers): (major: PostgresMajor) => Promise<Catalogue> {
  const known = new Map<PostgresMajor, Promise<Catalogue>>()
  return (major) => {
    const found = known.get(major) ?? servers.binariesOf(major).then(readCatalogue)
    known.set(major, found)
    return found
  }
}
