/** Snapshots: taken, described, listed, removed. */
import type { SnapshotDescription } from '../../clouds/port'
import { type Suite, withFaults } from './suite'
import { options, owned, refusal } from './support'

/** Complete. */
export async function takeSnapshot(
  suite: Suite,
  operation: string,
  step = 'take',
  instance = 'conf-shop',
): Promise<SnapshotDescription> {
  const { name, owner } = owned(operation, step)
  await suite.retried(() => suite.adapter.startSnapshot({ instance, snapshot: name, owner }, options))
  return suite.eventually(async () => {
    const found = await suite.adapter.describeSnapshot({ instance, name }, options)
    if (found?.state === 'failed') throw new Error(`${name} is ${found.cloudState}`)
    return found?.state === 'ready' ? found : undefined
  })
}

export function testSnapshots(suite: Suite): void {
  const { capabilities } = suite.under
  const remove = (snapshot: string, operation: string, step = 'take') =>
    suite.retried(() =>
      suite.adapter.startSnapshotRemoval(
        { snapshot, instanceId: suite.shop.instanceId, owner: owned(operation, step).owner },
        options,
      ),
    )
  const gone = (name: string) =>
    suite.eventually(async () => {
      const found = await suite.adapter.describeSnapshot({ instance: 'conf-shop', name }, options)
      return found === null || undefined
    })

  describe('a snapshot', () => {
    test('is of that very instance, tells whose it is, is adopted by a repeat, and goes when it is removed', async () => {
      const { name, owner } = owned('conf-taken', 'take')
      const taken = await takeSnapshot(suite, 'conf-taken')
      const { instanceId } = suite.shop
      expect(taken).toMatchObject({ name, instance: 'conf-shop', instanceId, state: 'ready' })
      expect(taken.owner).toEqual(capabilities.snapshotOwner === 'tags' ? owner : null)
      expect(Date.parse(taken.createdAt ?? '')).not.toBeNaN()
      const again = await suite.adapter.startSnapshot({ instance: 'conf-shop', snapshot: name, owner }, options)
      expect(again).toMatchObject({ name, state: 'ready', operation: null })
      const listed = await suite.adapter.listSnapshots({ instanceId }, options)
      expect(listed.filter((snapshot) => snapshot.name === name)).toEqual([taken])
      await remove(name, 'conf-taken')
      await gone(name)
      await remove(name, 'conf-taken')
    })

    test('is removed for the step that took it and as one of its instance, not otherwise', async () => {
      const { name, owner } = owned('conf-whose', 'take')
      await takeSnapshot(suite, 'conf-whose')
      const theirs = { ...owner, step: 'other' }
      const { instanceId } = suite.shop
      const foreign = suite.adapter.startSnapshotRemoval({ snapshot: name, instanceId, owner: theirs }, options)
      await expect(foreign).rejects.toEqual(refusal('RESOURCE_NOT_OURS'))
      const again = suite.adapter.startSnapshot({ instance: 'conf-shop', snapshot: name, owner: theirs }, options)
      await expect(again).rejects.toEqual(refusal('RESOURCE_NOT_OURS', 'left alone'))
      expect(await suite.adapter.describeSnapshot({ instance: 'conf-shop', name }, options)).toMatchObject({ state: 'ready' })
      await remove(name, 'conf-whose')
      await gone(name)
    })

    test.each([
      ['of other characters', 'take!'],
      ['too long', 'x'.repeat(300)],
    ])('for a step that cannot be written down, %s: refused, and not taken', async (_what, step) => {
      const owner = { operation: 'conf-odd', step, expiresAt: null }
      await suite.ready('conf-shop')
      const taken = suite.adapter.startSnapshot({ instance: 'conf-shop', snapshot: 'cap-conf-odd', owner }, options)
      await expect(taken).rejects.toEqual(refusal('CLOUD_REFUSED'))
      expect(await suite.adapter.describeSnapshot({ instance: 'conf-shop', name: 'cap-conf-odd' }, options)).toBeNull()
    })
  })

  withFaults(suite, (wire) => {
    describe('calls for a snapshot that go wrong', () => {
      test('an answer that is lost: one snapshot, adopted; one removal', async () => {
        const { name } = owned('conf-lost-snap', 'take')
        await suite.faults!.order({ kind: 'drop-response', operation: wire.snapshot })
        await takeSnapshot(suite, 'conf-lost-snap')
        expect(await suite.faults!.effects(wire.snapshot, name)).toBeLessThanOrEqual(1)
        const listed = await suite.adapter.listSnapshots({ instanceId: suite.shop.instanceId }, options)
        expect(listed.filter((snapshot) => snapshot.name === name)).toHaveLength(1)
        await suite.faults!.order({ kind: 'drop-response', operation: wire.snapshotRemoval })
        await remove(name, 'conf-lost-snap')
        await gone(name)
      })

      test('throttled, or busy: not taken', async () => {
        const { name, owner } = owned('conf-slow', 'take')
        const request = { instance: 'conf-shop', snapshot: name, owner }
        await suite.ready('conf-shop')
        await suite.faults!.order({ kind: 'throttle', operation: wire.snapshot, times: 3 })
        await expect(suite.adapter.startSnapshot(request, options)).rejects.toEqual(refusal('CLOUD_THROTTLED'))
        await suite.faults!.order(wire.busy ?? { kind: 'busy-tail', tail: '1h', instance: 'conf-shop' })
        await expect(suite.adapter.startSnapshot(request, options)).rejects.toEqual(refusal('CLOUD_BUSY'))
        await suite.faults!.clear()
        expect(await suite.adapter.describeSnapshot({ instance: 'conf-shop', name }, options)).toBeNull()
      })

      test('one that fails half-way is told of', async () => {
        const { name, owner } = owned('conf-half', 'take')
        await suite.ready('conf-shop')
        await suite.faults!.order({ kind: 'fail-operation', operation: wire.snapshot })
        const request = { instance: 'conf-shop', snapshot: name, owner }
        const { operation } = await suite.retried(() => suite.adapter.startSnapshot(request, options))
        await suite.eventually(async () => {
          const record = operation === null ? null : await suite.adapter.describeOperation({ operation }, options)
          if (record?.state === 'failed') return true
          const found = await suite.adapter.describeSnapshot({ instance: 'conf-shop', name }, options)
          return found?.state === 'failed' || undefined
        })
        await remove(name, 'conf-half')
      })

      test('an abort in the midst of a change waits for its end: no effect comes after it', async () => {
        const { name, owner } = owned('conf-cut', 'take')
        await suite.ready('conf-shop')
        await suite.faults!.order({ kind: 'delay', operation: wire.snapshot, delay: '700ms' })
        const stop = new AbortController()
        const request = { instance: 'conf-shop', snapshot: name, owner }
        const started = suite.adapter.startSnapshot(request, { ...options, signal: stop.signal })
        const ended = started.then(
          () => 'done',
          (error: Error) => error.message,
        )
        await suite.eventually(async () => (await suite.faults!.allStruck()) || undefined)
        stop.abort(new Error('stopped'))
        expect(['stopped', 'done']).toContain(await ended)
        const changes = await suite.faults!.effectsInAll()
        await takeSnapshot(suite, 'conf-cut')
        expect(await suite.faults!.effectsInAll()).toBe(changes)
        await remove(name, 'conf-cut')
      })

      test('whoever may not change anything any more takes and removes none', async () => {
        const { name, owner } = owned('conf-kept', 'take')
        await takeSnapshot(suite, 'conf-kept')
        const lost = { ...options, mayChange: () => Promise.reject(new Error('not mine')) }
        const later = owned('conf-kept', 'later')
        const changes = await suite.faults!.effectsInAll()
        const { instanceId } = suite.shop
        const taken = suite.adapter.startSnapshot({ instance: 'conf-shop', snapshot: later.name, owner: later.owner }, lost)
        await expect(taken).rejects.toThrow('not mine')
        await expect(suite.adapter.startSnapshotRemoval({ snapshot: name, instanceId, owner }, lost)).rejects.toThrow('not mine')
        expect(await suite.faults!.effectsInAll()).toBe(changes)
        await remove(name, 'conf-kept')
      })
    })
  })
}
