/** Instances: made, described, listed, changed, removed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CREATOR, type Suite, withFaults } from './managed-postgres'
import { options, owned, refusal } from './support'

export function testInstances(suite: Suite): void {
  const { capabilities } = suite.under
  const stranger = { ...CREATOR, step: 'other' }

  describe('an instance', () => {
    test('is as it was wanted, and whose it is can be read', async () => {
      const { cloud } = suite.under
      const { account, classes, storageGib } = suite
      const description = { cloud, account, name: 'conf-shop', state: 'ready', instanceClass: classes[0] }
      expect(suite.shop).toMatchObject(description)
      expect(suite.shop.engineVersion).toMatch(/^17\b/)
      expect(suite.shop.storage.sizeGib).toBe(storageGib)
      expect(suite.shop.deletionProtected).toBe(capabilities.deletionProtection)
      expect(suite.shop.tags).toMatchObject({ 'capstan-operation': 'conformance', 'capstan-step': 'make' })
      expect(await suite.ask('conf-shop', 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    })

    test('is listed', async () => {
      const listed = await suite.adapter.listInstances(options)
      expect(listed.filter(({ name }) => name === 'conf-shop')).toMatchObject([{ instanceId: suite.shop.instanceId }])
    })

    test('that is there already is adopted by the step that made it, and by no other', async () => {
      await suite.adapter.startCreate(suite.newInstance('conf-shop'), options)
      const others = suite.adapter.startCreate(suite.newInstance('conf-shop', { owner: stranger }), options)
      await expect(others).rejects.toEqual(refusal('RESOURCE_NOT_OURS', 'left alone'))
    })

    test('restarts', async () => {
      const started = 'SELECT pg_postmaster_start_time()::text AS at'
      const before = await suite.ask('conf-shop', started)
      await suite.retried(() => suite.adapter.startRestart({ instance: suite.shop }, options))
      const after = await suite.eventually(async () => {
        const now = await suite.ask('conf-shop', started).catch(() => before) // the connection broke
        return now[0]?.at === before[0]?.at ? undefined : now
      })
      expect(after).not.toEqual(before)
    })

    test('gets another class and more storage; asking again changes nothing, and less storage is never wanted', async () => {
      const [, instanceClass] = suite.classes
      const wanted = { instance: suite.shop, instanceClass, storageGib: suite.storageGib * 2 }
      await suite.retried(() => suite.adapter.startScale(wanted, options))
      await suite.eventually(async () => {
        const { storage, ...found } = await suite.ready('conf-shop')
        return found.instanceClass === instanceClass && storage.sizeGib === wanted.storageGib ? true : undefined
      })
      const changes = await suite.faults?.effectsInAll()
      await suite.adapter.startScale(wanted, options)
      await suite.adapter.startScale({ ...wanted, instanceClass: null, storageGib: suite.storageGib }, options)
      expect(await suite.faults?.effectsInAll()).toBe(changes)
      expect((await suite.ready('conf-shop')).storage.sizeGib).toBe(wanted.storageGib)
    })

    test('lets in whom its network rules let in, and nobody else', async () => {
      await suite.letIn(suite.shop, suite.nobody)
      await suite.eventually(async () => ((await suite.admits('conf-shop')) ? undefined : true))
      await suite.letIn(suite.shop, suite.admitted)
      await suite.eventually(async () => (await suite.admits('conf-shop')) || undefined)
    })

    test('that is protected is not removed', async () => {
      if (!capabilities.deletionProtection) return
      const removal = suite.adapter.startRemoval({ instance: suite.shop, owner: CREATOR }, options)
      await expect(removal).rejects.toEqual(refusal('CLOUD_REFUSED', 'protected'))
      expect(await suite.ready('conf-shop')).toMatchObject({ instanceId: suite.shop.instanceId })
    })

    test('is removed for its own step only; one that is not there is a success', async () => {
      await suite.retried(() => suite.adapter.startCreate(suite.newInstance('conf-brief'), options))
      await suite.ready('conf-brief')
      const instance = await suite.ref('conf-brief')
      const others = suite.adapter.startRemoval({ instance, owner: stranger }, options)
      await expect(others).rejects.toEqual(refusal('RESOURCE_NOT_OURS'))
      const another = suite.adapter.startRemoval({ instance: { ...instance, instanceId: 'another' }, owner: CREATOR }, options)
      await expect(another).rejects.toEqual(refusal('TARGET_MISMATCH', 'left alone'))
      await suite.retried(() => suite.adapter.startRemoval({ instance, owner: CREATOR }, options))
      await suite.gone('conf-brief')
      await suite.adapter.startRemoval({ instance, owner: CREATOR }, options)
    })
  })

  describe('an instance that is not there, or is another', () => {
    test('is no description, and nothing to change', async () => {
      const { name, owner } = owned('not-there', 'take')
      const nobody = { name: 'conf-nobody', instanceId: 'none' }
      const copy = { source: nobody.name, instance: name, networkRules: suite.admitted, instanceClass: null, owner }
      expect(await suite.adapter.describeInstance(nobody, options)).toBeNull()
      expect(await suite.adapter.describeSnapshot({ instance: nobody.name, name }, options)).toBeNull()
      expect(await suite.adapter.describeSnapshot({ instance: 'conf-shop', name }, options)).toBeNull()
      const acts = [
        suite.adapter.restoreWindow(nobody, options),
        suite.adapter.startSnapshot({ instance: nobody.name, snapshot: name, owner }, options),
        suite.adapter.startInertRestore({ ...copy, snapshot: name }, options),
        suite.adapter.startRestoreToTime({ ...copy, at: '2027-01-31T12:00:00.000Z' }, options),
        suite.adapter.startPasswordReset({ instance: nobody.name, password: 'Another-pass-7', operation: 'not-there' }, options),
        suite.adapter.startScale({ instance: nobody, instanceClass: suite.classes[1], storageGib: null }, options),
        suite.adapter.startRestart({ instance: nobody }, options),
        suite.adapter.setNetworkRules({ instance: nobody, networkRules: suite.nobody }, options),
      ]
      for (const act of acts) await expect(act).rejects.toEqual(refusal('INSTANCE_NOT_FOUND', nobody.name))
      expect(await suite.adapter.removeOwnedInstances({ operation: 'not-there' }, options)).toEqual({ done: true, removing: [] })
    })

    test('is not taken for one that bore its name before', async () => {
      const former = { name: 'conf-shop', instanceId: 'former' }
      const changes = await suite.faults?.effectsInAll()
      const acts = [
        suite.adapter.startScale({ instance: former, instanceClass: suite.classes[1], storageGib: null }, options),
        suite.adapter.startRestart({ instance: former }, options),
        suite.adapter.setNetworkRules({ instance: former, networkRules: suite.nobody }, options),
      ]
      for (const act of acts) await expect(act).rejects.toEqual(refusal('TARGET_MISMATCH', 'replaced'))
      expect(await suite.faults?.effectsInAll()).toBe(changes)
    })
  })

  withFaults(suite, (wire) => {
    describe('calls that go wrong', () => {
      test('an answer that is lost: one instance, adopted; one removal', async () => {
        await suite.faults!.order({ kind: 'drop-response', operation: wire.create })
        await suite.retried(() => suite.adapter.startCreate(suite.newInstance('conf-lost'), options))
        expect(await suite.faults!.effects(wire.create, 'conf-lost')).toBe(1)
        await suite.ready('conf-lost')
        const instance = await suite.ref('conf-lost')
        await suite.faults!.order({ kind: 'drop-response', operation: wire.remove })
        await suite.retried(() => suite.adapter.startRemoval({ instance, owner: CREATOR }, options))
        await suite.gone('conf-lost')
        expect(await suite.faults!.effects(wire.remove, 'conf-lost')).toBe(1)
      })

      test('a throttling that passes is never heard of; one that stays says so, and nothing was done', async () => {
        await suite.faults!.order({ kind: 'throttle', operation: wire.describe, times: 2 })
        expect(await suite.adapter.describeInstance({ name: 'conf-shop' }, options)).toMatchObject({ name: 'conf-shop' })
        await suite.faults!.order({ kind: 'throttle', operation: wire.create, times: 3 })
        const throttled = suite.adapter.startCreate(suite.newInstance('conf-throttled'), options)
        await expect(throttled).rejects.toEqual(refusal('CLOUD_THROTTLED'))
        expect(await suite.adapter.describeInstance({ name: 'conf-throttled' }, options)).toBeNull()
      })

      test('a creation that fails half-way says so, and what is left of it can be removed', async () => {
        await suite.faults!.order({ kind: 'fail-operation', operation: wire.create })
        const started = await suite.retried(() => suite.adapter.startCreate(suite.newInstance('conf-failed'), options))
        await suite.eventually(async () => {
          const record =
            started.operation === null ? null : await suite.adapter.describeOperation({ operation: started.operation }, options)
          if (record?.state === 'failed') return true
          const found = await suite.adapter.describeInstance({ name: 'conf-failed' }, options)
          return found?.state === 'failed' || undefined
        })
        const left = await suite.adapter.describeInstance({ name: 'conf-failed' }, options)
        if (left === null) return
        await suite.retried(() => suite.adapter.startRemoval({ instance: left, owner: CREATOR }, options))
        await suite.gone('conf-failed')
      })

      test('a question to the API before an abort is not asked, and one that is asked is not waited for', async () => {
        const aborted = { signal: AbortSignal.abort(new Error('stopped')) }
        await expect(suite.adapter.describeInstance({ name: 'conf-shop' }, aborted)).rejects.toThrow('stopped')
        await suite.faults!.order({ kind: 'delay', operation: wire.describe, delay: '20s' })
        const stop = new AbortController()
        const asked = expect(suite.adapter.describeInstance({ name: 'conf-shop' }, { signal: stop.signal })).rejects.toThrow(
          'stopped',
        )
        await sleep(200)
        stop.abort(new Error('stopped'))
        await asked
      })

      test('whoever may not change anything any more looks, and changes nothing', async () => {
        const lost = { ...options, mayChange: () => Promise.reject(new Error('not mine')) }
        await suite.ready('conf-shop')
        const changes = await suite.faults!.effectsInAll()
        const instance = await suite.ref('conf-shop')
        const acts = [
          suite.adapter.startCreate(suite.newInstance('conf-late'), lost),
          suite.adapter.startScale({ instance, instanceClass: suite.classes[0], storageGib: null }, lost),
          suite.adapter.startRestart({ instance }, lost),
          suite.adapter.setNetworkRules({ instance, networkRules: suite.nobody }, lost),
        ]
        for (const act of acts) await expect(act).rejects.toThrow('not mine')
        expect(await suite.faults!.effectsInAll()).toBe(changes)
      })
    })
  })
}
