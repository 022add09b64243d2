/** Copies: restored inert, taken over, removed. */
import type { CopyRequest, InstanceRef } from '../../clouds/port'
import { takesOver } from './configuration'
import { takeSnapshot } from './snapshots'
import { CREATOR, type Suite, withFaults } from './suite'
import { options, owned, refusal } from './support'

const TAKEN_OVER = 'Another-Horse-7-battery'

export function testCopies(suite: Suite): void {
  const request = (operation: string, step = 'canary', source = 'conf-shop'): CopyRequest => {
    const { name: instance, owner } = owned(operation, step)
    return { source, instance, networkRules: suite.admitted, instanceClass: null, owner }
  }
  const removed = (operation: string) =>
    suite.eventually(async () => {
      const { done } = await suite.retried(() => suite.adapter.removeOwnedInstances({ operation }, options))
      return done || undefined
    })
  const dropSnapshot = (snapshot: string, operation: string, { instanceId } = suite.shop) =>
    suite.retried(() => {
      const { owner } = owned(operation, 'take')
      return suite.adapter.startSnapshotRemoval({ snapshot, instanceId, owner }, options)
    })
  /** When their instance goes, where that is a setting. */
  const keepSnapshots = async (instance: InstanceRef) => {
    const described = await suite.adapter.describeConfiguration(instance, options)
    expect(described.backups.outliveInstance).toBe(false)
    const configuration = { ...described, backups: { ...described.backups, outliveInstance: true } }
    await suite.eventually(async () => {
      const wanted = { instance, configuration, parts: ['backups' as const] }
      const { done } = await suite.retried(() => suite.adapter.applyConfiguration(wanted, options))
      return done || undefined
    })
  }
  const inert = async (instance: string) => {
    const setting = (name: string) => `current_setting('${name}')::int`
    const shown = `SELECT ${setting('max_logical_replication_workers')} = 0 AS inert, ${setting('max_worker_processes')} > 0 AS parallel`
    const [row] = await suite.ask(instance, shown)
    return row?.inert === true && row.parallel === true
  }

  describe('a copy restored from a snapshot', () => {
    test('has what was there, subscribes to nothing until it has taken over, gets a password of its own, and goes with its operation, also when answers got lost', async () => {
      const operation = 'conf-copy'
      await suite.ask('conf-shop', 'CREATE TABLE IF NOT EXISTS kept (n int)')
      await suite.ask('conf-shop', 'INSERT INTO kept VALUES (1)')
      const { name: snapshot } = await takeSnapshot(suite, operation)
      await suite.ask('conf-shop', 'INSERT INTO kept VALUES (2)')
      const wanted = { ...request(operation), snapshot }
      const { wire } = suite.under
      const lost = async (...calls: readonly string[]): Promise<void> => {
        for (const call of calls) await suite.faults?.order({ kind: 'drop-response', operation: call })
      }
      await lost(...(wire?.restore ?? []))
      await suite.retried(() => suite.adapter.startInertRestore(wanted, options))
      const copy = await suite.ready(wanted.instance)
      if (wire) expect(await suite.faults?.effects(wire.restore.at(-1) ?? '', wanted.instance)).toBe(1)
      expect(copy.tags).toMatchObject({ 'capstan-operation': operation, 'capstan-step': 'canary' })
      expect(await inert(wanted.instance)).toBe(true)
      expect(await suite.ask(wanted.instance, 'SELECT n FROM kept')).toEqual([{ n: 1 }])
      const changes = await suite.faults?.effectsInAll()
      expect(await suite.adapter.startInertRestore(wanted, options)).toEqual({ operation: null })
      expect(await suite.faults?.effectsInAll()).toBe(changes)
      await takesOver(suite, copy, () => inert(wanted.instance))

      const reset = { instance: wanted.instance, password: TAKEN_OVER, operation }
      if (wire) await lost(wire.passwordReset)
      await suite.retried(() => suite.adapter.startPasswordReset(reset, options))
      await suite.eventually(() => suite.ask(wanted.instance, 'SELECT 1', TAKEN_OVER).catch(() => undefined))
      await suite.retried(() => suite.adapter.startPasswordReset(reset, options))
      const late = { ...options, mayChange: () => Promise.reject(new Error('not mine')) }
      const acts = [
        () => suite.adapter.startInertRestore({ ...request(operation, 'later'), snapshot }, late),
        () => suite.adapter.startRestoreToTime({ ...request(operation, 'later'), at: new Date().toISOString() }, late),
        () => suite.adapter.startPasswordReset({ ...reset, password: 'Third-Horse-7-battery' }, late),
        () => suite.adapter.removeOwnedInstances({ operation }, late),
      ]
      for (const act of acts) await expect(act()).rejects.toThrow('not mine')
      if (wire) await lost(wire.remove)
      await removed(operation)
      if (wire) expect(await suite.faults?.effects(wire.remove, wanted.instance)).toBe(1)
      await suite.gone(wanted.instance)
      expect(await suite.adapter.removeOwnedInstances({ operation }, options)).toEqual({ done: true, removing: [] })
      await dropSnapshot(snapshot, operation)
    })

    test('whose instance is gone has what was there, is inert, and asks nothing of that instance, where the cloud restores those', async () => {
      const { restoreOfDeleted } = suite.under.capabilities
      if (restoreOfDeleted === 'never') return
      const operation = 'conf-orphan'
      await suite.retried(() => suite.adapter.startCreate(suite.newInstance('conf-gone'), options))
      const gone = await suite.ready('conf-gone')
      await suite.letIn(gone, suite.admitted)
      await suite.ask('conf-gone', 'CREATE TABLE kept AS SELECT 1 AS n')
      if (gone.snapshots?.outliveInstance === false) await keepSnapshots(gone)
      expect(await suite.ready('conf-gone')).toMatchObject({ snapshots: { outliveInstance: true } })
      const { name: snapshot } = await takeSnapshot(suite, operation, 'take', 'conf-gone')
      await suite.retried(() => suite.adapter.startRemoval({ instance: gone, owner: CREATOR }, options))
      await suite.gone('conf-gone')

      const { instanceId } = gone
      const found = await suite.adapter.describeSnapshot({ instance: 'conf-gone', name: snapshot }, options)
      expect(found).toMatchObject({ instance: 'conf-gone', instanceId, state: 'ready' })
      expect(await suite.adapter.listSnapshots({ instanceId }, options)).toEqual([found])
      const unclassed = { ...request(operation, 'canary', 'conf-gone'), snapshot, sourceGone: true as const }
      const wanted = { ...unclassed, instanceClass: restoreOfDeleted === 'class-named' ? suite.classes[0] : null }
      if (restoreOfDeleted === 'class-named') {
        const classless = suite.adapter.startInertRestore(unclassed, options)
        await expect(classless).rejects.toEqual(refusal('CLOUD_REFUSED', 'of what class'))
      }
      const lacking = { ...wanted, snapshot: owned('conf-nothing', 'take').name }
      await expect(suite.retried(() => suite.adapter.startInertRestore(lacking, options))).rejects.toEqual(
        refusal('SNAPSHOT_NOT_FOUND', lacking.snapshot),
      )
      await suite.retried(() => suite.adapter.startInertRestore(wanted, options))
      const copy = await suite.ready(wanted.instance)
      expect(copy).toMatchObject({ instanceClass: suite.classes[0], tags: { 'capstan-operation': operation } })
      expect(await inert(wanted.instance)).toBe(true)
      expect(await suite.ask(wanted.instance, 'SELECT n FROM kept')).toEqual([{ n: 1 }])
      expect(await suite.adapter.startInertRestore(wanted, options)).toEqual({ operation: null })
      await removed(operation)
      await suite.gone(wanted.instance)
      await dropSnapshot(snapshot, operation, gone)
    })

    test('of a snapshot that is not there, or into a class that this cloud does not give a copy: refused, and nothing is made', async () => {
      const wanted = { ...request('conf-nothing'), snapshot: owned('conf-nothing', 'take').name }
      await expect(suite.retried(() => suite.adapter.startInertRestore(wanted, options))).rejects.toEqual(
        refusal('SNAPSHOT_NOT_FOUND', wanted.snapshot),
      )
      if (!suite.under.capabilities.copyOfAnotherClass.fromSnapshot) {
        const other = { ...wanted, instanceClass: 'another' }
        await expect(suite.adapter.startInertRestore(other, options)).rejects.toEqual(refusal('CLOUD_REFUSED', 'class'))
      }
      expect(await suite.adapter.describeInstance({ name: wanted.instance }, options)).toBeNull()
      await removed('conf-nothing')
    })

    test('is never put over an instance that the step did not make', async () => {
      const { owner } = owned('conf-foreign', 'canary')
      const wanted = { ...request('conf-foreign'), instance: 'conf-shop', snapshot: 'whatever', owner }
      const changes = await suite.faults?.effectsInAll()
      await expect(suite.adapter.startInertRestore(wanted, options)).rejects.toEqual(refusal('RESOURCE_NOT_OURS'))
      const reset = { instance: 'conf-shop', password: TAKEN_OVER, operation: 'conf-foreign' }
      await expect(suite.adapter.startPasswordReset(reset, options)).rejects.toEqual(refusal('RESOURCE_NOT_OURS'))
      expect(await suite.adapter.removeOwnedInstances({ operation: 'conf-foreign' }, options)).toMatchObject({ done: true })
      // Its name and its tag decide together: `conf-shop` bears the tag of an operation, and not its name.
      expect(await suite.adapter.removeOwnedInstances({ operation: 'conformance' }, options)).toMatchObject({ done: true })
      expect(await suite.faults?.effectsInAll()).toBe(changes)
    })
  })

  describe('a copy restored to a moment', () => {
    test('has what was there then, is inert, and goes with its operation, also when answers got lost', async () => {
      const operation = 'conf-moment'
      await suite.ask('conf-shop', 'CREATE TABLE IF NOT EXISTS timed (n int)')
      await suite.ask('conf-shop', 'INSERT INTO timed VALUES (1)')
      const [clock] = await suite.ask('conf-shop', 'SELECT ceil(extract(epoch FROM clock_timestamp()))::int AS seconds')
      const at = new Date((Number(clock?.seconds) + 1) * 1_000).toISOString()
      const later = `INSERT INTO timed SELECT 2 WHERE clock_timestamp() > '${at}'::timestamptz + interval '1 second' RETURNING n`
      await suite.eventually(async () => ((await suite.ask('conf-shop', later)).length > 0 ? true : undefined))
      await suite.eventually(async () => {
        const window = await suite.adapter.restoreWindow({ name: 'conf-shop' }, options)
        return window !== null && window.earliest <= at && at < window.latest ? true : undefined
      })
      for (const lost of suite.under.wire?.restoreToTime ?? []) {
        await suite.faults?.order({ kind: 'drop-response', operation: lost })
      }
      const wanted = { ...request(operation, 'moment'), at }
      await suite.adapter.startRestoreToTime(wanted, options).catch((error) => expect(error).toMatchObject({ kind: 'transient' }))
      // another operation, whose id is what this one's begins with
      expect(await suite.adapter.removeOwnedInstances({ operation: 'conf' }, options)).toEqual({ done: true, removing: [] })
      await suite.retried(() => suite.adapter.startRestoreToTime(wanted, options))
      const copy = await suite.ready(wanted.instance)
      expect(copy.tags).toMatchObject({ 'capstan-operation': operation, 'capstan-step': 'moment' })
      expect(copy.deletionProtected).toBe(false)
      await suite.eventually(async () => (await inert(wanted.instance).catch(() => false)) || undefined)
      expect(await suite.ask(wanted.instance, 'SELECT n FROM timed')).toEqual([{ n: 1 }])
      const changes = await suite.faults?.effectsInAll()
      expect(await suite.retried(() => suite.adapter.startRestoreToTime(wanted, options))).toEqual({ operation: null })
      expect(await suite.faults?.effectsInAll()).toBe(changes)
      const theirs = { ...wanted, owner: { ...wanted.owner, step: 'other' } }
      await expect(suite.adapter.startRestoreToTime(theirs, options)).rejects.toEqual(refusal('RESOURCE_NOT_OURS'))
      await removed(operation)
      await suite.gone(wanted.instance)
    })

    test('that is outside the window: refused, and nothing is made', async () => {
      const wanted = { ...request('conf-past', 'moment'), at: '2020-01-31T12:00:00.000Z' }
      await expect(suite.retried(() => suite.adapter.startRestoreToTime(wanted, options))).rejects.toEqual(
        refusal('CLOUD_REFUSED'),
      )
      expect(await suite.adapter.describeInstance({ name: wanted.instance }, options)).toBeNull()
      await removed('conf-past')
    })
  })

  withFaults(suite, (wire) => {
    describe("a copy that bears its user's tag", () => {
      // where there are faults there is a lab, which takes it along at its end
      test('is not removed, by nobody, until the tag is off', async () => {
        const operation = 'conf-tagged'
        const { name, owner } = owned(operation, 'canary')
        await suite.retried(() => suite.adapter.startCreate(suite.newInstance(name, { owner }), options))
        const instance = await suite.ready(name)
        const described = await suite.adapter.describeConfiguration({ name }, options)
        const configuration = { ...described, protection: { ...described.protection, tag: 'yes' } }
        const wanted = { instance, configuration, parts: ['protection' as const] }
        await suite.eventually(async () => {
          const { done } = await suite.retried(() => suite.adapter.applyConfiguration(wanted, options))
          return done || undefined
        })
        const changes = await suite.faults!.effectsInAll()
        const whole = suite.adapter.removeOwnedInstances({ operation }, options)
        await expect(whole).rejects.toEqual(refusal('CLOUD_REFUSED', 'capstan-protected'))
        const one = suite.adapter.startRemoval({ instance, owner }, options)
        await expect(one).rejects.toEqual(refusal('CLOUD_REFUSED', 'capstan-protected'))
        expect(await suite.faults!.effectsInAll()).toBe(changes)
        expect(await suite.ready(name)).toMatchObject({ instanceId: instance.instanceId })
      })
    })

    describe('calls for a copy that go wrong', () => {
      test('a restore that fails half-way is never taken for a copy, and can be removed', async () => {
        const operation = 'conf-half-copy'
        const { name: snapshot } = await takeSnapshot(suite, operation)
        await suite.faults!.order({ kind: 'fail-operation', operation: wire.restore.at(-1) })
        const wanted = { ...request(operation), snapshot }
        const outcome = await suite.eventually(async () => {
          try {
            const { operation: record } = await suite.adapter.startInertRestore(wanted, options)
            const described = record === null ? null : await suite.adapter.describeOperation({ operation: record }, options)
            if (described?.state === 'failed') return 'failed'
            const found = await suite.adapter.describeInstance({ name: wanted.instance }, options)
            return found?.state === 'failed' || found?.state === 'ready' ? found.state : undefined
          } catch (error) {
            if ((error as { kind?: string }).kind === 'transient') return undefined
            return (error as { code?: string }).code
          }
        })
        expect(['failed', 'RESOURCE_FAILED']).toContain(outcome)
        const left = await suite.adapter.describeInstance({ name: wanted.instance }, options)
        expect(left?.state).not.toBe('ready')
        await removed(operation)
        await suite.gone(wanted.instance)
        await dropSnapshot(snapshot, operation)
      })
    })
  })
}
