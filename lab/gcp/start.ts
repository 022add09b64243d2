/** Simulated Cloud SQL as a part of a lab: puts it together, finishes what an earlier lab left, serves it. */
import { packagedVersion } from '../../pgserver/binaries'
import { type Assembly, assemble } from '../assembly'
import type { CloudGround, InstanceStatus, SimulatedCloud } from '../cloud'
import { Publishing } from '../dns/publishing'
import type { Effects } from '../faults/effects'
import { catalogues } from '../postgres/catalogue'
import type { Servers } from '../postgres/servers'
import { type GcpCloud, specOf } from './cloud'
import { Expiries } from './expiries'
import { GCP_FAULTS } from './faults/table'
import { CLOUD_SQL } from './flavour'
import { isHandingOver, keepOwnReplicas } from './keeping'
import { patientOf } from './patient'
import { Reach } from './reach'
import { createRemovals } from './removals'
import { serveGcp } from './router'
import { backupSchedule, instanceSchedule } from './schedule'
import { emptyGcpState, type GcpState, type SqlInstance, type Task } from './state'
import { createInstanceTasks } from './tasks'
import { expectRecovery } from './work'

export interface GcpOptions extends CloudGround {
  state: GcpState
  accessToken: string
}

const CLOSE_GRACE_MS = 1_500

export function startGcp(options: GcpOptions): SimulatedCloud {
  const { state } = options
  // an older lab had none
  state.managedZones ??= {}
  const expiries = new Expiries(state, (instance) => tellRules(assembly.cloud(), instance))
  const assembly: Assembly<GcpCloud> = assemble<GcpCloud, GcpState>({
    name: 'gcp',
    ground: options,
    flavour: CLOUD_SQL,
    kinds: GCP_FAULTS,
    clock: [instanceSchedule(state, () => assembly.cloud()), backupSchedule(state, () => assembly.cloud())],
    build: (parts) => ({
      ...options,
      ...parts,
      save: () => {
        expiries.look()
        return parts.save()
      },
      // the binaries themselves are copied when a server first needs them
      versions: { 15: packagedVersion(15), 17: packagedVersion(17) },
      tasks: createInstanceTasks(() => assembly.cloud()),
      removals: createRemovals(() => assembly.cloud()),
      catalogue: catalogues(parts.servers),
      reach: new Reach(() => assembly.cloud()),
    }),
    patient: (current, target) => state.instances[target] && patientOf(current, state.instances[target]),
    instanceIn: (folder) => Object.values(state.instances).find((one) => one.folder === folder)?.name,
    ended: serverEnded,
    empty,
  })
  const { cloud, ready, servers, effects, closing, faultsChanged, reset, beginClock, beginClosing } = assembly
  const publishing = new Publishing({ ...options, cloud: 'gcp', zones: () => state.managedZones })

  return {
    name: 'gcp',
    serve: (scope) =>
      serveGcp(scope, { current: ready, faults: options.faults, calls: options.calls, effects, closing, publishing }),
    instances: () => Object.values(state.instances).map((instance) => statusOf(cloud(), instance)),
    faultsChanged,
    async resume() {
      await carryOn(cloud())
      await publishing.resume()
      expiries.look()
      await effects.settle()
      beginClock()
    },
    async tellRules() {
      await Promise.all(Object.values(state.instances).map((instance) => tellRules(cloud(), instance)))
    },
    listeners: () => servers.listeners(),
    zones: () => Object.values(state.managedZones),
    // its addresses are its servers' own
    handedOn: () => undefined,
    async crash(id) {
      const instance = state.instances[id]
      if (instance) await servers.crash(instance.folder)
      return instance !== undefined
    },
    reset,
    async close() {
      expiries.close()
      publishing.close()
      await beginClosing()
      await Promise.all([cloud().tasks.close(), cloud().removals.close(), effects.letGo(), servers.stopAll(CLOSE_GRACE_MS)])
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
  // both would start it, as different things
  if (isHandingOver(cloud.state, instance)) return
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
  // its server may have outlived the lab that was about to stop it
  if (replaced) await cloud.servers.halt(instance.folder).catch((error) => cloud.log(`${name} does not stop: ${error}`))
  if (!needsServer(tasks[0]) || madeAt === null || replaced || settings.activationPolicy === 'NEVER') return
  if (cloud.afflictions.isFull(name)) return
  await cloud.servers
    .ensureRunning(specOf(cloud, instance))
    .then(() => keepOwnReplicas(cloud, instance))
    .catch((error) => cloud.log(`${instance.name} does not start: ${error}`))
}
