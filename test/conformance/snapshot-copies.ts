/** Copies of snapshots in another region, or why there are none. */
import type { ManagedPostgres, SnapshotDescription } from '../../clouds/port'
import { takeSnapshot } from './snapshots'
import { type Suite, withFaults } from './suite'
import { options, owned, refusal } from './support'

export function testSnapshotCopies(suite: Suite): void {
  const sourceOf = ({ name, storage }: SnapshotDescription) => ({
    ...{ account: suite.account, region: suite.region },
    ...{ name, encrypted: storage.encrypted },
  })
  if (!suite.under.capabilities.snapshotCopies) {
    test('no snapshot is copied into another region: refused, in words', async () => {
      const { name, owner } = owned('conf-nowhere', 'copy-there')
      const source = { account: suite.account, region: 'elsewhere', name: 'cap-conf-nowhere-take', encrypted: true }
      const copied = suite.adapter.startSnapshotCopy({ source, snapshot: name, key: null, owner }, options)
      await expect(copied).rejects.toEqual(refusal('CLOUD_REFUSED', 'into another region'))
    })
    return
  }

  // Another region of a real account is none that its owner spoke of.
  withFaults(suite, ({ snapshotCopy = '', snapshotRemoval }) => {
    const there = (): ManagedPostgres => suite.elsewhere!.adapter
    const found = (name: string) => there().describeSnapshot({ instance: 'conf-shop', name }, options)
    const ready = (name: string) =>
      suite.eventually(async () => {
        const copy = await found(name)
        return copy?.state === 'ready' ? copy : undefined
      })
    const remove = (adapter: ManagedPostgres, operation: string, step: string) => {
      const { name, owner } = owned(operation, step)
      return suite.retried(() =>
        adapter.startSnapshotRemoval({ snapshot: name, instanceId: suite.shop.instanceId, owner }, options),
      )
    }

    describe('a copy of a snapshot in another region', () => {
      test('is of the same instance, tells whose it is, is adopted by a repeat, and outlives what it is a copy of', async () => {
        const { name, owner } = owned('conf-copied', 'copy-there')
        const taken = await takeSnapshot(suite, 'conf-copied')
        const request = { source: sourceOf(taken), snapshot: name, key: null, owner }
        await there().startSnapshotCopy(request, options)
        const copy = await ready(name)
        const { instanceId } = suite.shop
        expect(copy).toMatchObject({ name, instance: 'conf-shop', instanceId, owner, engineVersion: taken.engineVersion })
        expect(copy.storage).toEqual(taken.storage)
        expect(await there().startSnapshotCopy(request, options)).toMatchObject({ name, state: 'ready', operation: null })
        expect(await suite.faults!.effects(snapshotCopy, name)).toBe(1)
        expect(await suite.adapter.describeSnapshot({ instance: 'conf-shop', name }, options)).toBeNull()
        await remove(suite.adapter, 'conf-copied', 'take')
        const listed = await there().listSnapshots({ instanceId }, options)
        expect(listed.filter((snapshot) => snapshot.name === name)).toEqual([copy])
        await remove(there(), 'conf-copied', 'copy-there')
        expect(await found(name)).toBeNull()
      })

      test('is encrypted with the key of its own region that was asked for; one of another region is refused', async () => {
        const { name, owner } = owned('conf-keyed', 'copy-there')
        const source = sourceOf(await takeSnapshot(suite, 'conf-keyed'))
        const keyOf = (region: string) => `arn:aws:kms:${region}:${suite.account}:key/6f2c1a9e-0b4d-4c57-9d3e-6a1b2c3d4e5f`
        const request = { source, snapshot: name, owner }
        const wrong = there().startSnapshotCopy({ ...request, key: keyOf(suite.region) }, options)
        await expect(wrong).rejects.toEqual(refusal('CLOUD_REFUSED', 'KMS'))
        expect(await found(name)).toBeNull()
        const key = keyOf(suite.elsewhere!.region)
        // Aurora encrypts nothing by copying it.
        if (source.encrypted || suite.under.capabilities.storage === 'sized') {
          await there().startSnapshotCopy({ ...request, key }, options)
          expect((await ready(name)).storage).toMatchObject({ encrypted: true, key })
          await remove(there(), 'conf-keyed', 'copy-there')
        }
        await remove(suite.adapter, 'conf-keyed', 'take')
      })

      test('of what is not there is refused, and one that another step made is left alone', async () => {
        const { name, owner } = owned('conf-theirs', 'copy-there')
        const taken = await takeSnapshot(suite, 'conf-theirs')
        const gone = { ...sourceOf(taken), name: 'cap-conf-nothing-take' }
        const ofNothing = there().startSnapshotCopy({ source: gone, snapshot: name, key: null, owner }, options)
        await expect(ofNothing).rejects.toEqual(refusal('SNAPSHOT_NOT_FOUND'))
        const request = { source: sourceOf(taken), snapshot: name, key: null }
        await there().startSnapshotCopy({ ...request, owner }, options)
        await ready(name)
        const again = there().startSnapshotCopy({ ...request, owner: { ...owner, step: 'copy-elsewhere' } }, options)
        await expect(again).rejects.toEqual(refusal('RESOURCE_NOT_OURS', 'left alone'))
        await remove(there(), 'conf-theirs', 'copy-there')
        await remove(suite.adapter, 'conf-theirs', 'take')
      })

      test('whose answer is lost is made once; one that fails half-way is told of; whoever may not act any more makes none', async () => {
        const { name, owner } = owned('conf-odd-copy', 'copy-there')
        const request = { source: sourceOf(await takeSnapshot(suite, 'conf-odd-copy')), snapshot: name, key: null, owner }
        const lost = { ...options, mayChange: () => Promise.reject(new Error('not mine')) }
        await expect(there().startSnapshotCopy(request, lost)).rejects.toThrow('not mine')
        expect(await found(name)).toBeNull()
        await suite.faults!.order({ kind: 'drop-response', operation: snapshotCopy })
        await there().startSnapshotCopy(request, options)
        expect(await suite.faults!.effects(snapshotCopy, name)).toBe(1)
        await ready(name)
        await suite.faults!.order({ kind: 'drop-response', operation: snapshotRemoval })
        await remove(there(), 'conf-odd-copy', 'copy-there')
        expect(await found(name)).toBeNull()
        await suite.faults!.order({ kind: 'fail-operation', operation: snapshotCopy })
        await there().startSnapshotCopy(request, options)
        await suite.eventually(async () => (await found(name))?.state === 'failed' || undefined)
        await remove(there(), 'conf-odd-copy', 'copy-there')
        await remove(suite.adapter, 'conf-odd-copy', 'take')
      })
    })
  })
}
