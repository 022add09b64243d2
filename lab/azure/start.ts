/** Simulated Azure as a part of a lab: puts it together, finishes what an earlier lab left, serves it. */
import { packagedVersion } from '../../pgserver/binaries'
import { type Assembly, assemble } from '../assembly'
import type { CloudGround, InstanceStatus, SimulatedCloud } from '../cloud'
import { Publishing } from '../dns/publishing'
import type { Effects } from '../faults/effects'
import { type AzureCloud, isSeized, isSwapped, specOf } from './cloud'
import { endpointListeners } from './endpoint-listeners'
import { AZURE_FAULTS } from './faults/table'
import { FLEXIBLE_SERVER } from './flavour'
import { ParameterBook } from './parameter-book'
import { patientOf } from './patient'
import { serveAzure } from './router'
import { serverSchedule } from './schedule'
import { type AzureServer, type AzureState, emptyAzureState, own, serverKey } from './state'
import { createAzureTasks, expectRecovery, needsServer } from './tasks'
import { keepReplicas } from './work/lifecycle'

export interface AzureOptions extends CloudGround {
  state: AzureState
  token: string
}

const CLOSE_GRACE_MS = 1_500

export function startAzure(options: AzureOptions): SimulatedCloud {
  const { state } = options
  // an older lab had none
  state.dnsZones ??= {}
  const endpoints = endpointListeners(() => assembly.cloud())
  const assembly: Assembly<AzureCloud> = assemble<AzureCloud, AzureState>({
    name: 'azure',
    ground: options,
    flavour: FLEXIBLE_SERVER,
    kinds: AZURE_FAULTS,
    clock: [serverSchedule(state, () => assembly.cloud())],
    build: (parts) => ({
      ...options,
      ...parts,
      // the binaries themselves are copied when a server first needs them
      versions: { 15: packagedVersion(15), 17: packagedVersion(17) },
      tasks: createAzureTasks(() => assembly.cloud()),
      parameters: new ParameterBook(options.stateDir),
      endpoints,
    }),
    patient: (current, target) => state.servers[target] && patientOf(current, state.servers[target]),
    instanceIn: (folder) =>
      Object.values(state.servers)
        .find((one) => one.folder === folder)
        ?.name.toLowerCase(),
    ended: serverEnded,
    empty,
  })
  const { cloud, ready, servers, effects, closing, faultsChanged, reset, beginClock, beginClosing } = assembly
  const publishing = new Publishing({ ...options, cloud: 'azure', zones: () => state.dnsZones })

  return {
    name: 'azure',
    serve: (scope) =>
      serveAzure(scope, { current: ready, faults: options.faults, calls: options.calls, effects, closing, publishing }),
    instances: () => Object.values(state.servers).map((server) => statusOf(cloud(), server)),
    faultsChanged,
    async resume() {
      await resumeAll(cloud())
      await publishing.resume()
      await endpoints.settle()
      await effects.settle()
      beginClock()
    },
    async tellRules() {
      await Promise.all(Object.values(state.servers).map((server) => tellRules(cloud(), server)))
    },
    listeners: () => servers.listeners(),
    zones: () => Object.values(state.dnsZones),
    handedOn: (local) => endpoints.handedOn(local),
    async crash(id) {
      const server = own(state.servers, serverKey(id))
      if (!server) return false
      await servers.crash(server.folder)
      return true
    },
    reset,
    async close() {
      publishing.close()
      await beginClosing()
      await endpoints.close()
      await Promise.all([cloud().tasks.close(), effects.letGo(), servers.stopAll(CLOSE_GRACE_MS)])
    },
  }
}

function statusOf(
  { addresses, dataPort: port, servers }: AzureCloud,
  { location: region, name: id, host, state, engineVersion, folder }: AzureServer,
): InstanceStatus {
  const [address, memoryBytes] = [addresses.textOf(host), servers.memory(folder)]
  return { cloud: 'azure', region, id, address, port, state, engineVersion, memoryBytes }
}

/** A server that is just being made or restarted learns the rules at the end of that. */
async function tellRules(cloud: AzureCloud, server: AzureServer): Promise<void> {
  await cloud.servers.configure(specOf(cloud, server)).catch((error) => cloud.log(`${server.name}: ${error}`))
}

/** It comes back by itself, as soon as what is under way for the server lets it. */
function serverEnded(cloud: AzureCloud, folder: string): void {
  const server = Object.values(cloud.state.servers).find((candidate) => candidate.folder === folder)
  if (!server || server.createdAt === null || server.state === 'Dropping' || server.state === 'Stopped') return
  if (isSwapped(cloud.state, server)) return
  expectRecovery(server)
  void cloud.save()
  cloud.tasks.wake(server)
}

async function empty({ tasks, state, servers, endpoints, save }: AzureCloud, effects: Effects): Promise<void> {
  await tasks.close()
  const folders = Object.values(state.servers).map(({ folder }) => folder)
  Object.assign(state, emptyAzureState())
  await save()
  await Promise.all([effects.settle(), endpoints.settle()])
  await Promise.all(folders.map((folder) => servers.remove(folder)))
  await servers.sweep({ instances: new Set(), snapshots: new Set(), archives: new Set() })
}

async function resumeAll(cloud: AzureCloud): Promise<void> {
  const all = Object.values(cloud.state.servers)
  await cloud.servers.sweep({
    instances: new Set(all.map(({ folder }) => folder)),
    snapshots: new Set(all.flatMap(({ backups }) => Object.values(backups).map(({ folder }) => folder))),
    archives: new Set(all.map(({ archive }) => archive)),
  })
  await Promise.all(all.map((server) => bringBack(cloud, server)))
  await cloud.save()
  for (const server of all) cloud.tasks.wake(server)
}

/** What it was when the earlier lab ended, unless a task makes it what it is to be. */
async function bringBack(cloud: AzureCloud, server: AzureServer): Promise<void> {
  const [task] = server.tasks
  if (server.createdAt === null || server.state === 'Stopped' || (task && !needsServer(task)) || isSeized(cloud.state, server))
    return
  try {
    await cloud.servers.ensureRunning(specOf(cloud, server))
    await keepReplicas(cloud, server)
    if (server.state === 'Inaccessible') server.state = 'Ready'
  } catch (error) {
    cloud.log(`${server.name} does not start: ${error}`)
    if (server.tasks.length === 0) server.state = 'Inaccessible'
  }
}
