/** Simulated RDS as a part of a lab: puts it together, finishes what an earlier lab left, serves it. */
import { type PostgresMajor, packagedVersion } from '../../pgserver/binaries'
import type { CloudGround, InstanceStatus, SimulatedCloud } from '../cloud'
import type { AccessKey } from '../credentials'
import { Effects } from '../faults/effects'
import { Past } from '../past'
import { type Catalogue, readCatalogue } from '../postgres/catalogue'
import { Servers } from '../postgres/servers'
import type { SecurityGroup } from '../security-groups'
import { type AwsCloud, keyOf, specOf } from './cloud'
import { AWS_FAULTS } from './faults/table'
import { RDS } from './flavour'
import { patientOf } from './patient'
import { serveAws } from './router'
import { type AwsState, type DbInstance, emptyAwsState, type Task } from './state'
import { createAwsTasks, expectRecovery } from './tasks'

export interface AwsOptions extends CloudGround {
  state: AwsState
  accessKey: AccessKey
  securityGroups: Readonly<Record<string, SecurityGroup>>
}

const CLOSE_GRACE_MS = 1_500

export function startAws(options: AwsOptions): SimulatedCloud {
  const { state } = options
  const servers = newServers(options, (folder) => serverEnded(cloud, folder))
  const past = new Past<AwsState>()
  const effects = new Effects(options.faults, {
    cloud: 'aws',
    kinds: AWS_FAULTS,
    patient: (target) => state.instances[target] && patientOf(cloud, state.instances[target]),
    save: () => cloud.save(),
    log: options.log,
  })
  const notePast = (): void =>
    past.note(
      options.faults.list().filter(({ kind }) => kind === 'stale-reads'),
      state,
    )
  const closing = new AbortController()
  const build = (): AwsCloud => ({
    ...options,
    servers,
    past,
    afflictions: effects,
    save: () => {
      notePast()
      return options.save()
    },
    // the binaries themselves are copied when a server first needs them
    versions: { 15: packagedVersion(15), 17: packagedVersion(17) },
    tasks: createAwsTasks(() => cloud),
    catalogue: catalogues(servers),
  })
  let cloud = build()
  let ready: Promise<void> = Promise.resolve()

  return {
    name: 'aws',
    serve: (scope) =>
      serveAws(scope, {
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
      await servers.sweep({
        instances: new Set(Object.values(state.instances).map(({ folder }) => folder)),
        snapshots: new Set(Object.values(state.snapshots).map(({ folder }) => folder)),
      })
      await Promise.all(Object.values(state.instances).map((instance) => bringBack(cloud, instance)))
      await options.save()
      for (const instance of Object.values(state.instances)) cloud.tasks.wake(instance)
      await effects.settle()
    },
    async applySecurityGroups() {
      await Promise.all(Object.values(state.instances).map((instance) => tellRules(cloud, instance)))
    },
    async crash(id) {
      const instance = Object.values(state.instances).find((candidate) => candidate.id === id)
      if (!instance) return false
      await servers.crash(instance.folder)
      return true
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
      await effects.close()
      await Promise.all([cloud.tasks.close(), servers.stopAll(CLOSE_GRACE_MS)])
    },
  }
}

function statusOf(cloud: AwsCloud, { region, id, host, status, engineVersion }: DbInstance): InstanceStatus {
  const address = cloud.addresses.textOf(host)
  return { cloud: 'aws', region, id, address, port: cloud.dataPort, state: status, engineVersion }
}

function newServers(options: AwsOptions, ended: (folder: string) => void): Servers {
  return new Servers({
    stateDir: options.stateDir,
    cacheDir: options.cacheDir,
    port: options.dataPort,
    administratorAddress: options.apiAddress,
    administratorPassword: options.administratorPassword,
    flavour: RDS,
    ended,
    log: options.log,
  })
}

/** It comes back by itself, as soon as what is under way for the instance lets it. */
function serverEnded(cloud: AwsCloud, folder: string): void {
  const instance = Object.values(cloud.state.instances).find((candidate) => candidate.folder === folder)
  if (!instance || instance.createdAt === null || instance.status === 'deleting') return
  expectRecovery(instance)
  void cloud.save()
  cloud.tasks.wake(instance)
}

async function empty({ tasks, state, servers, save }: AwsCloud, effects: Effects): Promise<void> {
  await tasks.close()
  const folders = Object.values(state.instances).map(({ folder }) => folder)
  Object.assign(state, emptyAwsState())
  await save()
  await effects.settle()
  await Promise.all(folders.map((folder) => servers.remove(folder)))
  await servers.sweep({ instances: new Set(), snapshots: new Set() })
}

/** A server that is just being made or restarted learns the rules at the end of that. */
async function tellRules(cloud: AwsCloud, instance: DbInstance): Promise<void> {
  await cloud.servers.configure(specOf(cloud, instance)).catch((error) => {
    if (instance.tasks.length === 0) throw error
  })
}

/** Tasks that make a server anew, or need none. */
function needsServer(task: Task | undefined): boolean {
  if (task?.kind === 'create' || task?.kind === 'restore') return false
  return task?.kind !== 'delete' || task.finalSnapshot !== null
}

async function bringBack(cloud: AwsCloud, instance: DbInstance): Promise<void> {
  if (!needsServer(instance.tasks[0]) || instance.createdAt === null) return
  if (cloud.afflictions.isFull(keyOf(instance))) return
  try {
    await cloud.servers.ensureRunning(specOf(cloud, instance))
    if (instance.status === 'incompatible-parameters') instance.status = 'available'
  } catch (error) {
    cloud.log(`${instance.id} does not start: ${error}`)
    if (instance.status !== 'deleting') instance.status = 'incompatible-parameters'
  }
}

function catalogues(servers: Servers): (major: PostgresMajor) => Promise<Catalogue> {
  const known = new Map<PostgresMajor, Promise<Catalogue>>()
  return (major) => {
    const found = known.get(major) ?? servers.binariesOf(major).then(readCatalogue)
    known.set(major, found)
    return found
  }
}
