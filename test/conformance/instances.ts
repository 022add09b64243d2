/** Instances: made, described, listed, changed, removed. */
import { CONFIGURATION_PARTS } from '../../contracts/instance-configuration'
import { CREATOR, type Suite, withFaults } from './suite'
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
      const storageGib = suite.storageGib === null ? null : suite.storageGib * 2
      const wanted = { instance: suite.shop, instanceClass, storageGib }
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

    test('has no size where its storage grows by itself, and is given none', async () => {
      if (capabilities.storage === 'sized') return
      const changes = await suite.faults?.effectsInAll()
      const scaled = suite.adapter.startScale({ instance: suite.shop, instanceClass: null, storageGib: 40 }, options)
      await expect(scaled).rejects.toEqual(refusal('CLOUD_REFUSED', 'grows by itself'))
      const made = suite.adapter.startCreate(suite.newInstance('conf-sized', { storageGib: 40 }), options)
      await expect(made).rejects.toEqual(refusal('CLOUD_REFUSED', 'grows by itself'))
      expect(await suite.faults?.effectsInAll()).toBe(changes)
    })

    test('lets in whom its network rules let in, and nobody else', async () => {
      await suite.letIn(suite.shop, suite.nobody)
      await suite.eventually(async () => ((await suite.admits('conf-shop')) ? undefined : true))
      const access = () => suite.adapter.accessOf({ name: 'conf-shop' }, options)
      expect(await access()).toMatchObject({ rules: suite.nobody, notGivenBack: [], unstoppable: null })
      await suite.letIn(suite.shop, suite.admitted)
      expect(await access()).toMatchObject({ rules: [...suite.admitted].sort(), instance: { instanceId: suite.shop.instanceId } })
      expect(await suite.adapter.accessOf({ name: 'conf-nobody' }, options)).toBeNull()
      await suite.eventually(async () => (await suite.admits('conf-shop')) || undefined)
    })

    test('is reached by whom its network lets in, as its cloud tells it, and what is kept of it is told', async () => {
      const exposure = await suite.adapter.networkExposure({ name: 'conf-shop' }, options)
      expect(exposure.wideRules).toEqual([])
      if (capabilities.networkRules === 'networks') expect(exposure).toMatchObject({ publicAddress: true, undecided: [] })
      expect(suite.shop.automaticBackups).toEqual({ taken: true, log: true })
    })

    test('stops and starts again as it was; while it is stopped it cannot be restarted', async () => {
      await suite.ask('conf-shop', 'CREATE TABLE IF NOT EXISTS stays (n int)')
      await suite.retried(() => suite.adapter.startStop({ instance: suite.shop }, options))
      const stopped = await suite.eventually(async () => {
        const found = await suite.adapter.describeInstance({ name: 'conf-shop' }, options)
        return found?.state === 'stopped' ? found : undefined
      })
      expect(stopped.instanceId).toBe(suite.shop.instanceId)
      const nothing = { instance: suite.shop, set: {}, remove: ['absent'] }
      expect(await suite.adapter.setTags(nothing, options)).toEqual({ done: true })
      const changes = await suite.faults?.effectsInAll()
      await suite.adapter.startStop({ instance: suite.shop }, options)
      const configuration = await suite.adapter.describeConfiguration({ name: 'conf-shop' }, options)
      const wanted = { instance: suite.shop, configuration }
      for (const act of [
        suite.adapter.applyConfiguration({ ...wanted, parts: CONFIGURATION_PARTS }, options),
        suite.adapter.endInertness(wanted, options),
      ]) {
        await expect(act).rejects.toEqual(refusal('CLOUD_REFUSED', 'stopped'))
      }
      const restarted = suite.adapter.startRestart({ instance: suite.shop }, options)
      await expect(restarted).rejects.toEqual(refusal('CLOUD_REFUSED', 'stopped'))
      expect(await suite.faults?.effectsInAll()).toBe(changes)
      await suite.retried(() => suite.adapter.startStart({ instance: suite.shop }, options))
      expect(await suite.ask('conf-shop', 'SELECT n FROM stays')).toEqual([])
      await suite.adapter.startStart({ instance: suite.shop }, options)
    })

    test('gets parameters, those that need a restart as the cloud says', async () => {
      const dynamic = { work_mem: '8192' }
      const parameters = { ...dynamic, [suite.under.staticParameter]: '7' }
      await suite.ownParameters('conf-shop')
      const set = await suite.eventually(async () => {
        const answer = await suite.retried(() => suite.adapter.setParameters({ instance: suite.shop, parameters }, options))
        return answer.done ? answer : undefined
      })
      expect(set.restartNeeded).toBe(capabilities.staticParameters === 'wait-for-restart')
      if (set.restartNeeded) await suite.retried(() => suite.adapter.startRestart({ instance: suite.shop }, options))
      const shown = `SELECT current_setting('work_mem') AS memory, current_setting('${suite.under.staticParameter}') AS workers`
      const wanted = { memory: '8MB', workers: '7' }
      await suite.eventually(async () => {
        const [row] = await suite.ask('conf-shop', shown).catch(() => []) // the connection broke
        return row?.memory === wanted.memory && row.workers === wanted.workers ? true : undefined
      })
      const again = await suite.eventually(async () => {
        const answer = await suite.retried(() =>
          suite.adapter.setParameters({ instance: suite.shop, parameters: dynamic }, options),
        )
        return answer.done ? answer : undefined
      })
      expect(again).toEqual({ done: true, restartNeeded: false })
    })

    test('that is protected is not removed', async () => {
      if (!capabilities.deletionProtection) return
      const removal = suite.adapter.startRemoval({ instance: suite.shop, owner: CREATOR }, options)
      await expect(removal).rejects.toEqual(refusal('CLOUD_REFUSED', 'protected'))
      expect(await suite.ready('conf-shop')).toMatchObject({ instanceId: suite.shop.instanceId })
    })

    test('is made once and removed once, also when answers got lost; for its own step only; one that is not there is a success', async () => {
      const lost = async (operation: string | undefined): Promise<void> => {
        if (operation !== undefined) await suite.faults?.order({ kind: 'drop-response', operation })
      }
      const { wire } = suite.under
      await lost(wire?.create)
      await suite.retried(() => suite.adapter.startCreate(suite.newInstance('conf-brief'), options))
      await suite.ready('conf-brief')
      if (wire) expect(await suite.faults?.effects(wire.create, 'conf-brief')).toBe(1)
      const instance = await suite.ref('conf-brief')
      const others = suite.adapter.startRemoval({ instance, owner: stranger }, options)
      await expect(others).rejects.toEqual(refusal('RESOURCE_NOT_OURS'))
      const another = suite.adapter.startRemoval({ instance: { ...instance, instanceId: 'another' }, owner: CREATOR }, options)
      await expect(another).rejects.toEqual(refusal('TARGET_MISMATCH', 'left alone'))
      await lost(wire?.remove)
      await suite.retried(() => suite.adapter.startRemoval({ instance, owner: CREATOR }, options))
      await suite.gone('conf-brief')
      if (wire) expect(await suite.faults?.effects(wire.remove, 'conf-brief')).toBe(1)
      await suite.adapter.startRemoval({ instance, owner: CREATOR }, options)
    })
  })

  describe('an instance that is not there, or is another', () => {
    test('is no description, and nothing to change', async () => {
      const { name, owner } = owned('not-there', 'take')
      const nobody = { name: 'conf-nobody', instanceId: 'none' }
      const copy = { source: nobody.name, instance: name, networkRules: suite.admitted, instanceClass: null, owner }
      const configuration = await suite.adapter.describeConfiguration({ name: 'conf-shop' }, options)
      expect(await suite.adapter.describeInstance(nobody, options)).toBeNull()
      expect(await suite.adapter.describeSnapshot({ instance: nobody.name, name }, options)).toBeNull()
      expect(await suite.adapter.describeSnapshot({ instance: 'conf-shop', name }, options)).toBeNull()
      // one after the other: a signal that a dozen calls listen to at once is warned of by Node
      const acts = [
        () => suite.adapter.restoreWindow(nobody, options),
        () => suite.adapter.networkExposure(nobody, options),
        () => suite.adapter.startSnapshot({ instance: nobody.name, snapshot: name, owner }, options),
        () => suite.adapter.startInertRestore({ ...copy, snapshot: name }, options),
        () => suite.adapter.startRestoreToTime({ ...copy, at: '2027-01-31T12:00:00.000Z' }, options),
        () =>
          suite.adapter.startPasswordReset(
            { instance: nobody.name, password: 'Another-pass-7', operation: 'not-there' },
            options,
          ),
        () => suite.adapter.startScale({ instance: nobody, instanceClass: suite.classes[1], storageGib: null }, options),
        () => suite.adapter.startRestart({ instance: nobody }, options),
        () => suite.adapter.startStop({ instance: nobody }, options),
        () => suite.adapter.startStart({ instance: nobody }, options),
        () => suite.adapter.setParameters({ instance: nobody, parameters: { work_mem: '8192' } }, options),
        () => suite.adapter.setNetworkRules({ instance: nobody, networkRules: suite.nobody }, options),
        () => suite.adapter.describeConfiguration(nobody, options),
        () => suite.adapter.applyConfiguration({ instance: nobody, configuration, parts: CONFIGURATION_PARTS }, options),
        () => suite.adapter.endInertness({ instance: nobody, configuration }, options),
      ]
      for (const act of acts) await expect(act()).rejects.toEqual(refusal('INSTANCE_NOT_FOUND', nobody.name))
      expect(await suite.adapter.removeOwnedInstances({ operation: 'not-there' }, options)).toEqual({ done: true, removing: [] })
    })

    test('is not taken for one that bore its name before', async () => {
      const former = { name: 'conf-shop', instanceId: 'former' }
      const configuration = await suite.adapter.describeConfiguration({ name: 'conf-shop' }, options)
      const changes = await suite.faults?.effectsInAll()
      const acts = [
        () => suite.adapter.startScale({ instance: former, instanceClass: suite.classes[1], storageGib: null }, options),
        () => suite.adapter.startRestart({ instance: former }, options),
        () => suite.adapter.startStop({ instance: former }, options),
        () => suite.adapter.setParameters({ instance: former, parameters: { work_mem: '8192' } }, options),
        () => suite.adapter.setNetworkRules({ instance: former, networkRules: suite.nobody }, options),
        () => suite.adapter.applyConfiguration({ instance: former, configuration, parts: CONFIGURATION_PARTS }, options),
        () => suite.adapter.endInertness({ instance: former, configuration }, options),
      ]
      for (const act of acts) await expect(act()).rejects.toEqual(refusal('TARGET_MISMATCH', 'replaced'))
      expect(await suite.faults?.effectsInAll()).toBe(changes)
    })
  })

  withFaults(suite, (wire) => {
    describe('calls that go wrong', () => {
      test('a throttling that passes is never heard of; one that stays says so, and nothing was done', async () => {
        await suite.faults!.order({ kind: 'throttle', operation: wire.describe, times: 2 })
        expect(await suite.adapter.describeInstance({ name: 'conf-shop' }, options)).toMatchObject({ name: 'conf-shop' })
        await suite.faults!.order({ kind: 'throttle', operation: wire.create, times: 3 })
        const throttled = suite.adapter.startCreate(suite.newInstance('conf-throttled'), options)
        await expect(throttled).rejects.toEqual(refusal('CLOUD_THROTTLED'))
        expect(await suite.adapter.describeInstance({ name: 'conf-throttled' }, options)).toBeNull()
      })

      test('an instance that is open to the internet says so, until it is not', async () => {
        const exposure = () => suite.adapter.networkExposure({ name: 'conf-shop' }, options)
        const networks = capabilities.networkRules === 'networks'
        const before = await exposure()
        if (networks) await suite.letIn(suite.shop, ['0.0.0.0/0'])
        await suite.publish?.('conf-shop')
        const open = await suite.eventually(async () => {
          const found = await exposure()
          return found.publicAddress && found.wideRules.length + found.undecided.length > 0 ? found : undefined
        })
        const wide = [{ range: expect.stringMatching(/^0\.0\.0\.0/), whom: 'internet' }]
        expect(open).toMatchObject({
          wideRules: networks ? wide : [],
          undecided: networks ? [] : [expect.stringContaining('sg-')],
        })
        if (!networks) return
        await suite.letIn(suite.shop, suite.admitted)
        expect(await exposure()).toEqual(before)
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
        await suite.faults!.order({ kind: 'delay', operation: wire.describe, delay: '10m' })
        const stop = new AbortController()
        const asked = expect(suite.adapter.describeInstance({ name: 'conf-shop' }, { signal: stop.signal })).rejects.toThrow(
          'stopped',
        )
        await suite.eventually(async () => (await suite.faults!.allStruck()) || undefined)
        stop.abort(new Error('stopped'))
        await asked
      })

      test('whoever may not change anything any more looks, and changes nothing', async () => {
        const lost = { ...options, mayChange: () => Promise.reject(new Error('not mine')) }
        await suite.ready('conf-shop')
        const changes = await suite.faults!.effectsInAll()
        const instance = await suite.ref('conf-shop')
        const acts = [
          () => suite.adapter.startCreate(suite.newInstance('conf-late'), lost),
          () => suite.adapter.startScale({ instance, instanceClass: suite.classes[0], storageGib: null }, lost),
          () => suite.adapter.startRestart({ instance }, lost),
          () => suite.adapter.startStop({ instance }, lost),
          () => suite.adapter.setParameters({ instance, parameters: { work_mem: '16384' } }, lost),
          () => suite.adapter.setNetworkRules({ instance, networkRules: suite.nobody }, lost),
        ]
        for (const act of acts) await expect(act()).rejects.toThrow('not mine')
        expect(await suite.faults!.effectsInAll()).toBe(changes)
      })
    })
  })
}
