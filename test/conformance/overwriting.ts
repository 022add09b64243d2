/** An instance that is overwritten with a snapshot of its own; or a refusal, where the cloud has nothing of the kind. */
import type { InstanceRef } from '../../clouds/port'
import { takeSnapshot } from './snapshots'
import { CREATOR, type Suite, withFaults } from './suite'
import { options, refusal } from './support'

export function testOverwriting(suite: Suite): void {
  const { capabilities } = suite.under

  if (!capabilities.overwrite) {
    test('an instance is overwritten by nobody here, and the refusal says what to do instead', async () => {
      const { name, instanceId } = suite.shop
      const asked = { instance: { name, instanceId }, snapshot: 'cap-conf-none-take' }
      const changes = await suite.faults?.effectsInAll()
      await expect(suite.adapter.overwriteObstacles(asked, options)).rejects.toEqual(refusal('CLOUD_REFUSED', '--as replacement'))
      const overwriting = suite.adapter.overwrite(
        { ...asked, snapshotId: 'none', since: new Date().toISOString(), failedBefore: 0 },
        options,
      )
      await expect(overwriting).rejects.toEqual(refusal('CLOUD_REFUSED', '--as replacement'))
      expect(await suite.faults?.effectsInAll()).toBe(changes)
    })
    return
  }

  describe('an instance that is overwritten', () => {
    /** Until the cloud says that it is over. */
    const overwritten = (asked: Parameters<Suite['adapter']['overwrite']>[0]) =>
      suite.eventually(async () => {
        const { done, failure } = await suite.retried(() => suite.adapter.overwrite(asked, options))
        return done || failure !== null ? { failure } : undefined
      })
    const idOf = async (instance: InstanceRef, snapshot: string) => {
      const { obstacles, snapshotId } = await suite.adapter.overwriteObstacles({ instance, snapshot }, options)
      expect(obstacles).toEqual([])
      return snapshotId ?? ''
    }
    const rows = async () => (await suite.ask('conf-shop', 'SELECT n FROM conf_overwritten ORDER BY n')).map(({ n }) => n)

    test('holds the snapshot and keeps its settings; a repeat adopts, and overwrites nothing that was written since', async () => {
      const instance = await suite.ref('conf-shop')
      await suite.ask('conf-shop', 'CREATE TABLE conf_overwritten AS SELECT 1 AS n')
      const taken = await takeSnapshot(suite, 'conf-over')
      await suite.ask('conf-shop', 'INSERT INTO conf_overwritten VALUES (2)')
      const fresh = await takeSnapshot(suite, 'conf-fresh')
      const before = await suite.adapter.describeConfiguration({ name: 'conf-shop' }, options)
      const [snapshotId, freshId] = [await idOf(instance, taken.name), await idOf(instance, fresh.name)]
      const asked = { instance, snapshot: taken.name, snapshotId, since: fresh.createdAt ?? '', failedBefore: 0 }
      // a name is not what counts
      const renewed = suite.adapter.overwrite({ ...asked, snapshotId: `${snapshotId}-former` }, options)
      await expect(renewed).rejects.toEqual(refusal('SNAPSHOT_NOT_FOUND'))
      const lost = { ...options, mayChange: () => Promise.reject(new Error('not mine')) }
      await expect(suite.adapter.overwrite(asked, lost)).rejects.toThrow('not mine')
      expect(await rows()).toEqual([1, 2])

      if (suite.under.wire) await suite.faults?.order({ kind: 'drop-response', operation: suite.under.wire.restore.at(-1) })
      expect(await overwritten(asked)).toEqual({ failure: null })
      expect(await rows()).toEqual([1])
      const after = await suite.adapter.describeConfiguration({ name: 'conf-shop' }, options)
      expect({ ...after, capturedAt: '' }).toEqual({ ...before, capturedAt: '' })

      await suite.ask('conf-shop', 'INSERT INTO conf_overwritten VALUES (3)')
      const changes = await suite.faults?.effectsInAll()
      expect(await suite.adapter.overwrite(asked, options)).toMatchObject({ done: true, failure: null })
      // another snapshot is another restore, which this one was not
      const another = suite.adapter.overwrite({ ...asked, snapshotId: freshId }, options)
      await expect(another).rejects.toEqual(refusal('RESOURCE_NOT_OURS'))
      expect(await suite.faults?.effectsInAll()).toBe(changes)
      expect(await rows()).toEqual([1, 3])
      const former = { ...asked, instance: { ...instance, instanceId: 'former' } }
      await expect(suite.adapter.overwrite(former, options)).rejects.toEqual(refusal('TARGET_MISMATCH'))
    })

    withFaults(suite, (wire) => {
      test('one that failed is told of, and is begun once more only by whoever knows of it', async () => {
        const taken = await takeSnapshot(suite, 'conf-failing')
        const fresh = await takeSnapshot(suite, 'conf-fresh-two')
        const instance = await suite.ref('conf-shop')
        const snapshotId = await idOf(instance, taken.name)
        const asked = { instance, snapshot: taken.name, snapshotId, since: fresh.createdAt ?? '', failedBefore: 0 }
        await suite.faults!.order({ kind: 'fail-operation', operation: wire.restore.at(-1) })
        expect((await overwritten(asked)).failure).not.toBeNull()
        const changes = await suite.faults!.effectsInAll()
        expect((await overwritten(asked)).failure).not.toBeNull()
        expect(await suite.faults!.effectsInAll()).toBe(changes)
        expect(await overwritten({ ...asked, failedBefore: 1 })).toEqual({ failure: null })
        await suite.ready('conf-shop')
      })
    })

    test('is refused with its replicas, by their names', async () => {
      const owner = { ...CREATOR, operation: 'conf-followed', step: 'follow' }
      const wanted = {
        ...{ source: 'conf-shop', instance: 'cap-conf-followed-follow' },
        ...{ networkRules: suite.admitted, instanceClass: null, owner },
      }
      await suite.ready('conf-shop')
      await suite.retried(() => suite.adapter.startReplica(wanted, options))
      await suite.ready(wanted.instance)
      const instance = await suite.ref('conf-shop')
      const { obstacles } = await suite.adapter.overwriteObstacles({ instance, snapshot: 'none' }, options)
      expect(obstacles).toEqual([expect.stringContaining(wanted.instance)])
      const replica = await suite.ref(wanted.instance)
      await suite.retried(() => suite.adapter.startRemoval({ instance: replica, owner }, options))
      await suite.gone(wanted.instance)
    })
  })
}
