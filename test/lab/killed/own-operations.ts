/** What only one of the clouds has, done to `past`, which is gone afterwards. */
import { GROUP } from '../azure/fixture'
import type { DrivenClouds } from '../driven/clouds'
import { PROJECT } from '../gcp/fixture'
import { answers, ask, type Operation, op, type Scene } from './operations'

export function ownOperations(scene: Scene, { aws, azure, gcp }: DrivenClouds): readonly Operation[] {
  if (scene.cloud.name === 'aws') return awsOperations(scene, aws)
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
  return [
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

function gcpOperations(scene: Scene, { sdk, remove, rested, login }: DrivenClouds['gcp']): readonly Operation[] {
  const at = { project: PROJECT, instance: 'past' }
  const databaseFlags = [{ name: 'work_mem', value: '8192' }]
  return [
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
      'remove what has backups',
      ['past'],
      400,
      () => remove('past'),
      async () => (await rested('past')) === undefined,
    ),
  ]
}
