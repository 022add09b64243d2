/** What is done to Aurora clusters: `orders`, whose row has to be there whatever becomes of it, and a copy of it. All of them are gone afterwards. */
import type { DrivenClouds } from '../driven/clouds'
import { eventually } from '../fixture'
import { answers, ask, type Operation, op, type Scene } from './operations'

const AT_REST = ['available', 'stopped', 'failed']
const AURORA = { Engine: 'aurora-postgresql' }

export function clusterOperations(scene: Scene, { sdk, rested, login }: DrivenClouds['aws']): readonly Operation[] {
  const named = (DBClusterIdentifier: string) => ({ DBClusterIdentifier })
  const find = async (id: string) => {
    const { DBClusters = [] } = await sdk.describeDBClusters({})
    return DBClusters.find(({ DBClusterIdentifier }) => DBClusterIdentifier === id)
  }
  /** Throws where it does not come to rest; undefined once it is not there. */
  const restedCluster = async (id: string) => {
    const { rest } = await eventually(async () => {
      const found = await find(id)
      return found === undefined || AT_REST.includes(found.Status!) ? { rest: found } : undefined
    })
    return rest
  }
  const is = async (id: string, status: string): Promise<boolean> => (await restedCluster(id))?.Status === status
  const writer = async () =>
    (await restedCluster('orders'))?.DBClusterMembers?.find(({ IsClusterWriter }) => IsClusterWriter)?.DBInstanceIdentifier
  const openAsShop = async () => {
    const { DBInstances } = await sdk.describeDBInstances({ DBInstanceIdentifier: 'shop' })
    return { VpcSecurityGroupIds: DBInstances![0]!.VpcSecurityGroups!.map((group) => group.VpcSecurityGroupId!) }
  }
  const addMember = async (DBInstanceIdentifier: string, cluster: string): Promise<void> => {
    await sdk.createDBInstance({ DBInstanceIdentifier, ...named(cluster), ...AURORA, DBInstanceClass: 'db.r6g.large' })
  }
  const removed = async (...ids: readonly string[]): Promise<void> => {
    for (const id of ids) await sdk.deleteDBInstance({ DBInstanceIdentifier: id, SkipFinalSnapshot: true })
    for (const id of ids) await rested(id)
  }
  const rows = async (id: string): Promise<number> => {
    await answers(scene, id)
    return (await ask(scene, await login(id), 'SELECT FROM kept')).length
  }
  return [
    op(
      'create a cluster',
      [],
      1_200,
      async () => {
        const master = { MasterUsername: 'boss', MasterUserPassword: (await login('shop')).password as string }
        await sdk.createDBCluster({ ...named('orders'), ...AURORA, EngineVersion: '17', ...master, ...(await openAsShop()) })
      },
      () => is('orders', 'available'),
    ),
    op(
      "add a cluster's writer",
      ['orders-1'],
      600,
      () => addMember('orders-1', 'orders'),
      async () => {
        await answers(scene, 'orders-1')
        await ask(scene, await login('orders-1'), 'CREATE TABLE kept AS SELECT 1 AS n')
        return (await writer()) === 'orders-1'
      },
    ),
    op(
      "add a cluster's reader",
      ['orders-1', 'orders-2'],
      900,
      () => addMember('orders-2', 'orders'),
      async () => (await rows('orders-2')) === 1,
    ),
    op(
      'fail a cluster over',
      ['orders-1', 'orders-2'],
      700,
      async () => void (await sdk.failoverDBCluster({ ...named('orders'), TargetDBInstanceIdentifier: 'orders-2' })),
      async () => (await writer()) === 'orders-2' && (await rows('orders-1')) === 1 && (await rows('orders-2')) === 1,
    ),
    op(
      'back a cluster up',
      ['orders-1', 'orders-2'],
      600,
      async () => void (await sdk.createDBClusterSnapshot({ ...named('orders'), DBClusterSnapshotIdentifier: 'of-orders' })),
      // meanwhile the cluster stays available
      () =>
        eventually(async () => {
          const { DBClusterSnapshots } = await sdk.describeDBClusterSnapshots({ DBClusterSnapshotIdentifier: 'of-orders' })
          const { Status } = DBClusterSnapshots![0]!
          return Status === 'creating' ? undefined : Status === 'available'
        }),
    ),
    op(
      'restore a cluster',
      [],
      1_000,
      async () => {
        const copy = { ...named('copied'), ...AURORA, SnapshotIdentifier: 'of-orders' }
        await sdk.restoreDBClusterFromSnapshot({ ...copy, ...(await openAsShop()) })
      },
      async () => {
        if (!(await is('copied', 'available'))) return false
        await addMember('copied-1', 'copied')
        const whole = (await rows('copied-1')) === 1
        await removed('copied-1')
        return whole
      },
    ),
    op(
      'remove a restored cluster',
      [],
      300,
      async () => void (await sdk.deleteDBCluster({ ...named('copied'), SkipFinalSnapshot: true })),
      async () => (await restedCluster('copied')) === undefined,
    ),
    op(
      'stop a cluster',
      [],
      400,
      async () => void (await sdk.stopDBCluster(named('orders'))),
      () => is('orders', 'stopped'),
    ),
    op(
      'start a cluster',
      [],
      600,
      async () => void (await sdk.startDBCluster(named('orders'))),
      async () => (await is('orders', 'available')) && (await rows('orders-1')) === 1 && (await rows('orders-2')) === 1,
    ),
    op(
      "remove a cluster's reader",
      ['orders-1', 'orders-2'],
      300,
      async () => void (await sdk.deleteDBInstance({ DBInstanceIdentifier: 'orders-1', SkipFinalSnapshot: true })),
      async () => (await rested('orders-1')) === undefined && (await rows('orders-2')) === 1,
    ),
    op(
      'remove a cluster',
      [],
      300,
      async () => {
        if (await rested('orders-2')) await removed('orders-2')
        await sdk.deleteDBCluster({ ...named('orders'), SkipFinalSnapshot: true })
      },
      async () => {
        if ((await restedCluster('orders')) !== undefined) return false
        await sdk.deleteDBClusterSnapshot({ DBClusterSnapshotIdentifier: 'of-orders' })
        return true
      },
    ),
  ]
}
