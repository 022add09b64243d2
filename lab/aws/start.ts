/** Simulated RDS as a part of a lab: puts it together, finishes what an earlier lab left, serves it. */
import { packagedVersion } from '../../pgserver/binaries'
import { type Assembly, assemble, type Parts } from '../assembly'
import type { CloudGround, InstanceStatus, SimulatedCloud } from '../cloud'
import type { AccessKey } from '../credentials'
import { Publishing } from '../dns/publishing'
import { catalogues } from '../postgres/catalogue'
import type { SecurityGroup } from '../security-groups'
import { createSweeper } from './backups'
import type { AwsCloud } from './cloud'
import { clusterEndpoints } from './endpoints'
import { AWS_FAULTS } from './faults/table'
import { RDS } from './flavour'
import { admits } from './iam'
import { patientOf } from './patient'
import { Reach } from './reach'
import { ReplicaWatch } from './replicas'
import { empty, resume, serverEnded, tellRules } from './resume'
import { serveAws } from './router'
import { clusterSchedule, instanceSchedule } from './schedule'
import { type AwsState, type DbInstance, emptyAwsState } from './state'
import { createClusterTasks } from './tasks/cluster'
import { createCopyTasks } from './tasks/copies'
import { createDeploymentTasks } from './tasks/deployments'
import { createGlobalTasks } from './tasks/global'
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
  const assembly: Assembly<AwsCloud> = assemble<AwsCloud, AwsState>({
    name: 'aws',
    ground: options,
    flavour: RDS,
    kinds: AWS_FAULTS,
    clock: [instanceSchedule(state, () => assembly.cloud()), clusterSchedule(state, () => assembly.cloud())],
    build: (parts) => build(options, parts, () => assembly.cloud()),
    patient: (current, target) => state.instances[target] && patientOf(current, state.instances[target]),
    instanceIn: (folder) => Object.values(state.instances).find((one) => one.folder === folder)?.id,
    ended: serverEnded,
    admits,
    empty: (current, faults) => close(current).then(() => empty(current, faults)),
  })
  const { cloud, ready, servers, effects, closing, faultsChanged, reset, beginClock, beginClosing } = assembly
  const publishing = new Publishing({ ...options, cloud: 'aws', zones: () => state.hostedZones })

  return {
    name: 'aws',
    serve: (scope) =>
      serveAws(scope, { current: ready, faults: options.faults, calls: options.calls, effects, closing, publishing }),
    instances: () => Object.values(state.instances).map((instance) => statusOf(cloud(), instance)),
    faultsChanged,
    async resume() {
      await resume(cloud())
      await publishing.resume()
      await effects.settle()
      beginClock()
    },
    async tellRules() {
      const current = await ready()
      await Promise.all(Object.values(state.instances).map((instance) => tellRules(current, instance)))
    },
    listeners: () => servers.listeners(),
    zones: () => Object.values(state.hostedZones),
    handedOn(local) {
      // who came by a cluster's endpoint was handed on twice
      const end = servers.handedOn(local)
      return cloud().endpoints.handedOn(end?.local ?? local) ?? end
    },
    async crash(id) {
      const instance = Object.values(state.instances).find((candidate) => candidate.id === id)
      if (!instance) return false
      await servers.crash(instance.folder)
      return true
    },
    reset,
    async close() {
      publishing.close()
      await beginClosing()
      await Promise.all([close(cloud()), effects.letGo(), servers.stopAll(CLOSE_GRACE_MS)])
    },
  }
}

async function close(cloud: AwsCloud): Promise<void> {
  const { tasks, copies, clusterTasks, globalTasks, deploymentTasks, endpoints, reach, replicas } = cloud
  const parts = [tasks, copies, clusterTasks, globalTasks, deploymentTasks, endpoints, reach, replicas]
  await Promise.all(parts.map((part) => part.close()))
}

/** `cloud`: the one of now. */
function build(options: AwsOptions, parts: Parts<AwsState>, cloud: () => AwsCloud): AwsCloud {
  return {
    ...options,
    ...parts,
    // the binaries themselves are copied when a server first needs them
    versions: { 15: packagedVersion(15), 17: packagedVersion(17) },
    tasks: createAwsTasks(cloud),
    copies: createCopyTasks(cloud),
    clusterTasks: createClusterTasks(cloud),
    globalTasks: createGlobalTasks(cloud),
    deploymentTasks: createDeploymentTasks(cloud),
    endpoints: clusterEndpoints(cloud),
    sweepDoomed: createSweeper(cloud),
    reach: new Reach(cloud),
    replicas: new ReplicaWatch(cloud),
    catalogue: catalogues(parts.servers),
  }
}

function statusOf(cloud: AwsCloud, { region, id, host, status, engineVersion, folder }: DbInstance): InstanceStatus {
  const address = cloud.addresses.textOf(host)
  const memoryBytes = cloud.servers.memory(folder)
  return { cloud: 'aws', region, id, address, port: cloud.dataPort, state: status, engineVersion, memoryBytes }
}
