/** Simulated RDS as a part of a lab: puts it together, finishes what an earlier lab left, serves it. */
import { packagedVersion } from '../../pgserver/binaries'
import type { CloudGround, InstanceStatus, SimulatedCloud } from '../cloud'
import type { AccessKey } from '../credentials'
import { Effects } from '../faults/effects'
import type { Fault } from '../faults/fault'
import { Past } from '../past'
import { catalogues } from '../postgres/catalogue'
import { Servers } from '../postgres/servers'
import type { SecurityGroup } from '../security-groups'
import { createSweeper } from './backups'
import type { AwsCloud } from './cloud'
import { clusterEndpoints } from './endpoints'
import { AWS_FAULTS } from './faults/table'
import { RDS } from './flavour'
import { patientOf } from './patient'
import { Reach } from './reach'
import { ReplicaWatch } from './replicas'
import { empty, resume, serverEnded, tellRules } from './resume'
import { serveAws } from './router'
import { Schedule } from './schedule'
import { type AwsState, type DbInstance, emptyAwsState } from './state'
import { createClusterTasks } from './tasks/cluster'
import { createCopyTasks } from './tasks/copies'
import { createAwsTasks } from './tasks/runner'

export interface AwsOptions extends CloudGround {
  state: AwsState
  accessKey: AccessKey
  securityGroups: Readonly<Record<string, SecurityGroup>>
}

const CLOSE_GRACE_MS = 1_500

export function startAws(options: AwsOptions): SimulatedCloud {
  const { state } = options
  // an older lab did not have everything yet
  Object.assign(state, { ...emptyAwsState(), ...state })
  const servers = newServers(options, (folder) => serverEnded(cloud, folder))
  const past = new Past<AwsState>()
  const effects = newEffects(options, () => cloud)
  const closing = new AbortController()
  const build = builder(options, { servers, past, effects, cloud: () => cloud })
  let cloud = build()
  let ready: Promise<void> = Promise.resolve()
  const close = async (): Promise<void> => {
    cloud.schedule.close()
    await Promise.all([
      cloud.tasks.close(),
      cloud.copies.close(),
      cloud.clusterTasks.close(),
      cloud.endpoints.close(),
      cloud.reach.close(),
      cloud.replicas.close(),
    ])
  }

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
    faultsChanged: (ordered) => faultsChanged(options, past, effects, ordered),
    async resume() {
      await resume(cloud)
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
      const emptied = close()
        .then(() => empty(cloud, effects))
        .finally(() => {
          cloud = build()
        })
      ready = emptied.catch(() => {})
      return emptied
    },
    async close() {
      closing.abort(new Error('The lab is closing.'))
      await effects.close()
      await Promise.all([close(), servers.stopAll(CLOSE_GRACE_MS)])
    },
  }
}

interface Parts {
  servers: Servers
  past: Past<AwsState>
  effects: Effects
  /** The one of now: a reset makes another. */
  cloud: () => AwsCloud
}

function builder(options: AwsOptions, { servers, past, effects, cloud }: Parts): () => AwsCloud {
  return () => ({
    ...options,
    servers,
    past,
    afflictions: effects,
    save: () => {
      notePast(options, past)
      return options.save()
    },
    // the binaries themselves are copied when a server first needs them
    versions: { 15: packagedVersion(15), 17: packagedVersion(17) },
    tasks: createAwsTasks(cloud),
    copies: createCopyTasks(cloud),
    clusterTasks: createClusterTasks(cloud),
    endpoints: clusterEndpoints(cloud),
    sweepDoomed: createSweeper(cloud),
    schedule: new Schedule(cloud),
    reach: new Reach(cloud),
    replicas: new ReplicaWatch(cloud),
    catalogue: catalogues(servers),
  })
}

function notePast({ faults, state }: AwsOptions, past: Past<AwsState>): void {
  past.note(
    faults.list().filter(({ kind }) => kind === 'stale-reads'),
    state,
  )
}

async function faultsChanged(options: AwsOptions, past: Past<AwsState>, effects: Effects, ordered?: Fault): Promise<void> {
  notePast(options, past)
  if (ordered) effects.strikeNow(ordered)
  await options.save()
  await effects.settle()
}

function newEffects({ faults, state, log }: AwsOptions, cloud: () => AwsCloud): Effects {
  return new Effects(faults, {
    cloud: 'aws',
    kinds: AWS_FAULTS,
    patient: (target) => state.instances[target] && patientOf(cloud(), state.instances[target]),
    save: () => cloud().save(),
    log,
  })
}

function statusOf(cloud: AwsCloud, { region, id, host, status, engineVersion, folder }: DbInstance): InstanceStatus {
  const address = cloud.addresses.textOf(host)
  const memoryBytes = cloud.servers.memory(folder)
  return { cloud: 'aws', region, id, address, port: cloud.dataPort, state: status, engineVersion, memoryBytes }
}

function newServers(options: AwsOptions, ended: (folder: string) => void): Servers {
  return new Servers({
    stateDir: options.stateDir,
    cacheDir: options.cacheDir,
    port: options.dataPort,
    administratorAddress: options.apiAddress,
    administratorPassword: options.administratorPassword,
    flavour: RDS,
    get authority() {
      return options.authority()
    },
    ended,
    log: options.log,
  })
}
