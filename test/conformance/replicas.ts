/** Replicas: made, followed, promoted. */
import { type Suite } from './suite'
import { options, owned, refusal } from './support'

export function testReplicas(suite: Suite): void {
  const { capabilities, wire } = suite.under

  if (!capabilities.replicas) {
    describe('a read replica, where readers share their storage', () => {
      test('is refused, and nothing is made; an instance that is none is not promoted', async () => {
        const { name: instance, owner } = owned('conf-reader', 'follow')
        const wanted = { source: 'conf-shop', instance, networkRules: suite.admitted, instanceClass: null, owner }
        const changes = await suite.faults?.effectsInAll()
        await expect(suite.adapter.startReplica(wanted, options)).rejects.toEqual(refusal('CLOUD_REFUSED', 'shares its storage'))
        await expect(suite.adapter.startReplica({ ...wanted, source: 'conf-nobody' }, options)).rejects.toEqual(
          refusal('INSTANCE_NOT_FOUND', 'conf-nobody'),
        )
        expect(await suite.adapter.startPromotion({ instance: suite.shop, awaitSource: false }, options)).toEqual({
          operation: null,
        })
        const former = { instance: { name: 'conf-shop', instanceId: 'former' }, awaitSource: false }
        await expect(suite.adapter.startPromotion(former, options)).rejects.toEqual(refusal('TARGET_MISMATCH'))
        expect(await suite.adapter.describeInstance({ name: instance }, options)).toBeNull()
        expect(await suite.faults?.effectsInAll()).toBe(changes)
      })
    })
    return
  }

  describe('a read replica', () => {
    test('has what its source writes, is adopted by a repeat, and is promoted once, also when answers got lost', async () => {
      const operation = 'conf-replica'
      const { name: instance, owner } = owned(operation, 'follow')
      const wanted = { source: 'conf-shop', instance, networkRules: suite.admitted, instanceClass: null, owner }
      await suite.ask('conf-shop', 'CREATE TABLE IF NOT EXISTS followed (n int)')
      if (wire) await suite.faults?.order({ kind: 'drop-response', operation: wire.replica })
      await suite.retried(() => suite.adapter.startReplica(wanted, options))
      expect(await suite.ready(instance)).toMatchObject({ replicaOf: 'conf-shop', tags: { 'capstan-operation': operation } })
      await suite.ask('conf-shop', 'INSERT INTO followed VALUES (1)')
      const seen = `SELECT pg_is_in_recovery() AS follows, n FROM followed`
      const rows = await suite.eventually(async () => {
        const found = await suite.ask(instance, seen).catch(() => []) // the table has not come yet
        return found.length > 0 ? found : undefined
      })
      expect(rows).toEqual([{ follows: true, n: 1 }])
      if (suite.under.cloud !== 'azure') {
        for (const name of ['conf-shop', instance]) {
          const access = await suite.adapter.accessOf({ name }, options)
          expect(access?.unstoppable).toMatch(/does not stop .*read replica/)
        }
      }
      const changes = await suite.faults?.effectsInAll()
      expect(await suite.retried(() => suite.adapter.startReplica(wanted, options))).toEqual({ operation: null })
      expect(await suite.faults?.effectsInAll()).toBe(changes)
      const theirs = { ...wanted, owner: { ...owner, step: 'other' } }
      await expect(suite.adapter.startReplica(theirs, options)).rejects.toEqual(refusal('RESOURCE_NOT_OURS'))

      const ref = await suite.ref(instance)
      const another = { instance: { ...ref, instanceId: 'former' }, awaitSource: false }
      await expect(suite.adapter.startPromotion(another, options)).rejects.toEqual(refusal('TARGET_MISMATCH'))
      if (!capabilities.promotionAwaitsSource) {
        const waiting = suite.adapter.startPromotion({ instance: ref, awaitSource: true }, options)
        await expect(waiting).rejects.toEqual(refusal('CLOUD_REFUSED', 'cannot wait'))
      }
      const promotion = { instance: ref, awaitSource: capabilities.promotionAwaitsSource }
      const lost = { ...options, mayChange: () => Promise.reject(new Error('not mine')) }
      await expect(suite.adapter.startPromotion(promotion, lost)).rejects.toThrow('not mine')
      if (wire) await suite.faults?.order({ kind: 'drop-response', operation: wire.promotion })
      await suite.retried(() => suite.adapter.startPromotion(promotion, options))
      await suite.eventually(async () => ((await suite.ready(instance)).replicaOf === null ? true : undefined))
      await suite.eventually(
        async () => await suite.ask(instance, 'INSERT INTO followed VALUES (2) RETURNING n').catch(() => undefined),
      )
      expect(await suite.adapter.startPromotion(promotion, options)).toEqual({ operation: null })
      expect(await suite.ask('conf-shop', 'SELECT n FROM followed')).toEqual([{ n: 1 }])
      await suite.eventually(async () => {
        const { done } = await suite.retried(() => suite.adapter.removeOwnedInstances({ operation }, options))
        return done || undefined
      })
      await suite.gone(instance)
    })

    test('of what is not there is refused', async () => {
      const { name: instance, owner } = owned('conf-orphan', 'follow')
      const wanted = { source: 'conf-nobody', instance, networkRules: suite.admitted, instanceClass: null, owner }
      await expect(suite.adapter.startReplica(wanted, options)).rejects.toEqual(refusal('INSTANCE_NOT_FOUND', 'conf-nobody'))
      const missing = { instance: { name: instance, instanceId: 'none' }, awaitSource: false }
      await expect(suite.adapter.startPromotion(missing, options)).rejects.toEqual(refusal('INSTANCE_NOT_FOUND', instance))
      expect(await suite.adapter.describeInstance({ name: instance }, options)).toBeNull()
    })
  })
}
