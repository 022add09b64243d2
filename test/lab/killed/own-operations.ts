/** What only one of the clouds has, done to `past`, which is gone afterwards, and to clusters. */
import { GROUP } from '../azure/fixture'
import type { DrivenClouds } from '../driven/clouds'
import { eventually } from '../fixture'
import { PROJECT } from '../gcp/fixture'
import { clusterOperations } from './cluster-operations'
import { answers, ask, type Operation, op, type Scene, writes } from './operations'

export function ownOperations(scene: Scene, { aws, azure, gcp }: DrivenClouds): readonly Operation[] {
  if (scene.cloud.name === 'aws') return [...awsOperations(scene, aws), ...clusterOperations(scene, aws)]
  return scene.cloud.name === 'azure' ? azureOperations(scene, azure) : gcpOperations(scene, gcp)
}

function awsOperations(scene: Scene, { sdk, rested, hasBackup }: DrivenClouds['aws']): readonly Operation[] {
  const past = { DBInstanceIdentifier: 'past' }
  const change = {
    NewDBInstanceIdentifier: 'later',
    DBInstanceClass: 'db.t4g.small',
    AllocatedStorage: 30,
    ApplyImmediately: true,
  }
  const named = { BlueGreenDeploymentName: 'of-past' }
  const deployment = async () => {
    const Filters = [{ Name: 'blue-green-deployment-name', Values: [named.BlueGreenDeploymentName] }]
    return (await sdk.describeBlueGreenDeployments({ Filters })).BlueGreenDeployments![0]
  }
  const deploymentIs = (status: string) =>
    eventually(async () => {
      const { Status } = (await deployment()) ?? {}
      if (Status === 'PROVISIONING' || Status === 'SWITCHOVER_IN_PROGRESS') return undefined
      return Status === status
    })
  const its = async () => ({ BlueGreenDeploymentIdentifier: (await deployment())!.BlueGreenDeploymentIdentifier! })
  return [
    op(
      'make a blue/green deployment',
      ['past'],
      1_200,
      async () => {
        const Source = (await sdk.describeDBInstances(past)).DBInstances![0]!.DBInstanceArn!
        await sdk.createBlueGreenDeployment({ ...named, Source })
      },
      () => deploymentIs('AVAILABLE'),
    ),
    op(
      'switch a blue/green deployment over',
      ['past'],
      900,
      async () => void (await sdk.switchoverBlueGreenDeployment(await its())),
      async () => (await deploymentIs('SWITCHOVER_COMPLETED')) && (await writes(scene, 'past')),
    ),
    op(
      'remove a blue/green deployment',
      ['past'],
      100,
      async () => void (await sdk.deleteBlueGreenDeployment(await its())),
      () => eventually(async () => ((await deployment()) === undefined ? true : undefined)),
    ),
    op(
      'remove the old blue',
      ['past-old1'],
      400,
      async () => void (await sdk.deleteDBInstance({ DBInstanceIdentifier: 'past-old1', SkipFinalSnapshot: true })),
      async () => (await rested('past-old1')) === undefined,
    ),
    op(
      'rename and scale',
      ['past', 'later'],
      300,
      async () => void (await sdk.modifyDBInstance({ ...past, ...change })),
      async () => (await rested('past')) === undefined && (await answers(scene, 'later')),
    ),
    op(
      'copy a snapshot',
      ['shop'],
      300,
      async () => {
        const { DBSnapshots } = await sdk.describeDBSnapshots({ DBInstanceIdentifier: 'shop', SnapshotType: 'automated' })
        const SourceDBSnapshotIdentifier = DBSnapshots![0]!.DBSnapshotIdentifier!
        await sdk.copyDBSnapshot({ SourceDBSnapshotIdentifier, TargetDBSnapshotIdentifier: 'copied' })
      },
      () => hasBackup('shop', 'copied'),
    ),
    op(
      'remove and keep a last snapshot',
      ['later'],
      1_000,
      async () => void (await sdk.deleteDBInstance({ DBInstanceIdentifier: 'later', FinalDBSnapshotIdentifier: 'last' })),
      async () => (await rested('later')) === undefined && (await hasBackup('later', 'last')),
    ),
  ]
}

function azureOperations(scene: Scene, { sdk, begun, remove, rested, login }: DrivenClouds['azure']): readonly Operation[] {
  return [
    op(
      'create a database',
      ['past'],
      150,
      () => begun(sdk.databases.beginCreate(GROUP, 'past', 'orders', {})),
      async () => (await ask(scene, { ...(await login('past')), database: 'orders' }, 'SELECT 1')).length === 1,
    ),
    op(
      'configure',
      ['past'],
      300,
      () => begun(sdk.configurations.beginUpdate(GROUP, 'past', 'work_mem', { value: '8192', source: 'user-override' })),
      async () => (await ask<{ work_mem: string }>(scene, await login('past'), 'SHOW work_mem'))[0]?.work_mem === '8MB',
    ),
    op(
      'scale',
      ['past'],
      400,
      () => begun(sdk.servers.beginUpdate(GROUP, 'past', { sku: { name: 'Standard_D4ds_v5', tier: 'GeneralPurpose' } })),
      async () => (await sdk.servers.get(GROUP, 'past')).sku?.name === 'Standard_D4ds_v5' && (await answers(scene, 'past')),
    ),
    op(
      'remove what has backups',
      ['past'],
      400,
      () => remove('past'),
      async () => (await rested('past')) === undefined,
    ),
  ]
}

function gcpOperations(scene: Scene, { sdk, replicate, remove, rested, login }: DrivenClouds['gcp']): readonly Operation[] {
  const at = { project: PROJECT, instance: 'past' }
  const certificates = async () => (await sdk.sslCerts.list(at))[0].items ?? []
  const isShut = async (): Promise<boolean> => {
    const entered = ask(scene, { ...(await login('past')), ssl: { rejectUnauthorized: false } }, 'SELECT 1')
    return await entered.then(
      () => false,
      ({ code }: { code?: string }) => code === '28000',
    )
  }
  const again = { project: PROJECT, instance: 'again' }
  const streams = async (wanted: boolean): Promise<boolean> => {
    const receivers = async () => (await ask(scene, await login('again'), 'SELECT FROM pg_stat_wal_receiver')).length
    return eventually(async () => ((await receivers()) === 1) === wanted || undefined)
  }
  const databaseFlags = [{ name: 'work_mem', value: '8192' }]
  return [
    op(
      'stop replication',
      ['again', 'past'],
      300,
      async () => {
        if ((await rested('again')) === undefined) await replicate('again', 'past')
        await rested('again')
        await sdk.instances.stopReplica(again)
      },
      () => streams(false),
    ),
    op(
      'start replication',
      ['again', 'past'],
      300,
      async () => void (await sdk.instances.startReplica(again)),
      async () => {
        await streams(true)
        await remove('again')
        return (await rested('again')) === undefined
      },
    ),
    op(
      'create a user',
      ['past'],
      150,
      async () => void (await sdk.users.insert({ ...at, body: { name: 'app', password: 'Bread-And-Butter-9' } })),
      async () => {
        const app = { ...(await login('past', 'Bread-And-Butter-9')), user: 'app' }
        return (await ask(scene, app, 'SELECT 1')).length === 1
      },
    ),
    op(
      'create a database',
      ['past'],
      150,
      async () => void (await sdk.databases.insert({ ...at, body: { name: 'orders' } })),
      async () => (await ask(scene, { ...(await login('past')), database: 'orders' }, 'SELECT 1')).length === 1,
    ),
    op(
      'set flags',
      ['past'],
      300,
      async () => void (await sdk.instances.patch({ ...at, body: { settings: { databaseFlags } } })),
      async () => (await ask<{ work_mem: string }>(scene, await login('past'), 'SHOW work_mem'))[0]?.work_mem === '8MB',
    ),
    op(
      'make a client certificate',
      ['past'],
      200,
      async () => void (await sdk.sslCerts.insert({ ...at, body: { commonName: 'app' } })),
      async () => (await certificates()).filter(({ commonName }) => commonName === 'app').length === 1,
    ),
    op(
      'require client certificates',
      ['past'],
      300,
      async () => {
        const ipConfiguration = { sslMode: 'TRUSTED_CLIENT_CERTIFICATE_REQUIRED' as const }
        await sdk.instances.patch({ ...at, body: { settings: { ipConfiguration } } })
      },
      isShut,
    ),
    op(
      'delete a client certificate',
      ['past'],
      200,
      async () => {
        const [certificate] = await certificates()
        await sdk.sslCerts.delete({ ...at, sha1Fingerprint: certificate!.sha1Fingerprint! })
      },
      async () => (await certificates()).length === 0 && (await isShut()),
    ),
    op(
      'remove what has backups',
      ['past'],
      400,
      () => remove('past'),
      async () => (await rested('past')) === undefined,
    ),
  ]
}
