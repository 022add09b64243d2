/** Simulated RDS through `@aws-sdk/client-rds`. */
import type { DBInstance, RDS } from '@aws-sdk/client-rds'
import { eventually, sdk } from '../fixture'
import { type DrivenCloud, type LabOfNow, PASSWORD } from './cloud'

const GROUP = 'sg-driven'
const FAILED = ['failed', 'incompatible-restore', 'incompatible-parameters']

export interface DrivenAws extends DrivenCloud {
  readonly sdk: RDS
}

export function awsDriven(lab: LabOfNow): DrivenAws {
  const rds = sdk(lab.ready.api, lab.ready.credentials.aws, 1)
  const named = (DBInstanceIdentifier: string) => ({ DBInstanceIdentifier })
  const find = (id: string) => absent(rds.describeDBInstances(named(id)).then(({ DBInstances }) => DBInstances?.[0]))
  const open = { VpcSecurityGroupIds: [GROUP] }
  const reaches = async (id: string, at: Date): Promise<void> => {
    await eventually(async () => ((await find(id))?.LatestRestorableTime ?? 0) >= at || undefined)
  }
  const make = async (id: string, BackupRetentionPeriod: number): Promise<void> => {
    await openGroup(lab)
    await rds.createDBInstance({
      ...named(id),
      ...open,
      Engine: 'postgres',
      EngineVersion: '17',
      DBInstanceClass: 'db.t4g.micro',
      AllocatedStorage: 20,
      MasterUsername: 'boss',
      MasterUserPassword: PASSWORD,
      BackupRetentionPeriod,
    })
  }
  return {
    name: 'aws',
    reaches,
    sdk: rds,
    create: (id) => make(id, 1),
    createWithoutBackups: (id) => make(id, 0),
    async changePassword(id, MasterUserPassword) {
      await rds.modifyDBInstance({ ...named(id), MasterUserPassword, ApplyImmediately: true })
    },
    restart: async (id) => void (await rds.rebootDBInstance(named(id))),
    stop: async (id) => void (await rds.stopDBInstance(named(id))),
    start: async (id) => void (await rds.startDBInstance(named(id))),
    remove: async (id) => void (await rds.deleteDBInstance({ ...named(id), SkipFinalSnapshot: true })),
    backUp: async (id, backup) => void (await rds.createDBSnapshot({ ...named(id), DBSnapshotIdentifier: backup })),
    removeBackup: async (_, backup) => void (await rds.deleteDBSnapshot({ DBSnapshotIdentifier: backup })),
    hasBackup: (_, backup) =>
      eventually(async () => {
        const found = await absent(rds.describeDBSnapshots({ DBSnapshotIdentifier: backup }))
        const status = found?.DBSnapshots?.[0]?.Status
        return status === 'creating' || status === 'deleting' ? undefined : status === 'available'
      }),
    async restore(id, _, backup) {
      await rds.restoreDBInstanceFromDBSnapshot({ ...named(id), ...open, DBSnapshotIdentifier: backup })
    },
    async restoreToTime(id, source, at) {
      await reaches(source, at)
      const moment = { SourceDBInstanceIdentifier: source, TargetDBInstanceIdentifier: id, RestoreTime: at }
      await rds.restoreDBInstanceToPointInTime({ ...moment, ...open })
    },
    async replicate(id, source) {
      await rds.createDBInstanceReadReplica({ ...named(id), ...open, SourceDBInstanceIdentifier: source })
    },
    promote: async (id) => void (await rds.promoteReadReplica(named(id))),
    promoteWithoutBackups: async (id) => void (await rds.promoteReadReplica({ ...named(id), BackupRetentionPeriod: 0 })),
    async rested(id) {
      const { rest } = await eventually(async () => {
        const instance = await find(id)
        if (instance === undefined) return { rest: undefined }
        const status = instance.DBInstanceStatus ?? ''
        if (FAILED.includes(status)) return { rest: 'failed' as const }
        if (status === 'stopped') return { rest: 'stopped' as const }
        return status === 'available' && !isPending(instance) ? { rest: 'ready' as const } : undefined
      })
      return rest
    },
    letIn: async () => {},
    describe: (id) => rds.describeDBInstances(named(id)),
    list: () => rds.describeDBInstances({}),
    async login(id, password = PASSWORD) {
      const { Address, Port } = (await find(id))!.Endpoint!
      return { host: Address!, port: Port!, user: 'boss', password, database: 'postgres' }
    },
  }
}

function isPending({ PendingModifiedValues, DBParameterGroups }: DBInstance): boolean {
  return Object.keys(PendingModifiedValues ?? {}).length > 0 || DBParameterGroups?.[0]?.ParameterApplyStatus === 'applying'
}

async function openGroup({ ready, block }: LabOfNow): Promise<void> {
  const headers = { authorization: `Bearer ${ready.labToken}`, 'content-type': 'application/json' }
  const body = JSON.stringify({ cidrs: [`${block}.2/32`] })
  await fetch(`${ready.api}/_lab/security-groups/${GROUP}`, { method: 'PUT', headers, body })
}

/** What is not there is no error. */
async function absent<Found>(asked: Promise<Found>): Promise<Found | undefined> {
  try {
    return await asked
  } catch (error) {
    if (['DBInstanceNotFoundFault', 'DBSnapshotNotFoundFault'].includes((error as Error).name)) return undefined
    throw error
  }
}
