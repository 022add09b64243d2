/** Simulated Cloud SQL through `@google-cloud/sql`. */
import { eventually } from '../fixture'
import { hostOf, PROJECT, type Sdk, sdkOf } from '../gcp/fixture'
import { type DrivenCloud, type LabOfNow, PASSWORD } from './cloud'

export interface DrivenGcp extends DrivenCloud {
  readonly sdk: Sdk
}

export function gcpDriven(lab: LabOfNow): DrivenGcp {
  const sdk = sdkOf(lab.ready.api, lab.ready.credentials.gcp)
  const { instances, backupRuns, operations } = sdk
  const at = (instance: string) => ({ project: PROJECT, instance })
  const ipConfiguration = { authorizedNetworks: [{ value: `${lab.block}.2/32`, name: 'tests' }] }
  /** Of its own name, since Google gives numbers. */
  const findBackup = async (id: string, description: string) => {
    const [{ items }] = await backupRuns.list(at(id))
    return items?.find((run) => run.description === description)
  }
  const policy = (activationPolicy: 'NEVER' | 'ALWAYS') => ({ settings: { activationPolicy } })
  const find = async (id: string) => {
    const asked = instances.get(at(id)).then(([instance]) => instance)
    return await absent(asked)
  }
  const reaches = async (id: string, moment: Date): Promise<void> => {
    await eventually(async () => {
      const [{ latestRecoveryTime }] = await instances.getLatestRecoveryTime(at(id))
      return Number(latestRecoveryTime!.seconds) * 1_000 + latestRecoveryTime!.nanos! / 1e6 >= moment.getTime() || undefined
    })
  }
  const make = async (name: string, backups: boolean): Promise<void> => {
    await instances.insert({
      project: PROJECT,
      body: {
        name,
        databaseVersion: 'POSTGRES_17',
        region: 'us-central1',
        rootPassword: PASSWORD,
        settings: {
          tier: 'db-f1-micro',
          edition: 'ENTERPRISE',
          ipConfiguration,
          backupConfiguration: { enabled: { value: backups }, pointInTimeRecoveryEnabled: { value: backups } },
        },
      },
    })
  }
  return {
    name: 'gcp',
    reaches,
    sdk,
    create: (name) => make(name, true),
    createWithoutBackups: (name) => make(name, false),
    changePassword: async (id, password) =>
      void (await sdk.users.update({ ...at(id), name: 'postgres', body: { name: 'postgres', password } })),
    restart: async (id) => void (await instances.restart(at(id))),
    stop: async (id) => void (await instances.patch({ ...at(id), body: policy('NEVER') })),
    start: async (id) => void (await instances.patch({ ...at(id), body: policy('ALWAYS') })),
    remove: async (id) => void (await instances.delete(at(id))),
    backUp: async (id, description) => void (await backupRuns.insert({ ...at(id), body: { description } })),
    async removeBackup(id, backup) {
      const found = await findBackup(id, backup)
      await backupRuns.delete({ ...at(id), id: String(found!.id) })
    },
    hasBackup: async (id, backup) => (await findBackup(id, backup))?.status === 'SUCCESSFUL',
    async restore(id, source, backup) {
      const { id: backupRunId } = (await findBackup(source, backup))!
      const body = { restoreBackupContext: { backupRunId: backupRunId!, instanceId: source, project: PROJECT } }
      await instances.restoreBackup({ ...at(id), body })
    },
    async restoreToTime(id, source, moment) {
      await reaches(source, moment)
      const pointInTime = { seconds: Math.floor(moment.getTime() / 1_000), nanos: (moment.getTime() % 1_000) * 1e6 }
      await instances.clone({ ...at(source), body: { cloneContext: { destinationInstanceName: id, pointInTime } } })
    },
    async replicate(name, masterInstanceName) {
      const body = { name, masterInstanceName, region: 'us-central1', settings: { ipConfiguration } }
      await instances.insert({ project: PROJECT, body })
    },
    promote: async (id) => void (await instances.promoteReplica(at(id))),
    async rested(id) {
      await eventually(async () => {
        const [{ items }] = await operations.list(at(id))
        return items?.every(({ status }) => status === 'DONE') || undefined
      })
      const found = await find(id)
      if (found === undefined) return undefined
      if (found.state !== 'RUNNABLE') return 'failed'
      return found.settings?.activationPolicy === 'NEVER' ? 'stopped' : 'ready'
    },
    letIn: async () => {},
    describe: (id) => instances.get(at(id)),
    list: () => instances.list({ project: PROJECT }),
    async login(id, password = PASSWORD) {
      const host = hostOf(await instances.get(at(id)).then(([instance]) => instance))
      return { host, port: lab.ready.dataPort, user: 'postgres', password, database: 'postgres' }
    },
  }
}

async function absent<Found>(asked: Promise<Found>): Promise<Found | undefined> {
  try {
    return await asked
  } catch (error) {
    if ((error as { code?: number }).code === 404) return undefined
    throw error
  }
}
